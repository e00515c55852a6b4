import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

import type { TypedDataDomain, Wallet } from "ethers";

import { TuringFogError } from "@turingfog/sdk";
import {
  documentInForce,
  NODE_DOCUMENT,
  NODE_DOCUMENTS,
  type NodeDocument,
  ROUND_CLAIM,
  type RoundClaim,
  type Signed,
  STOPPED_WORKERS,
  type StoppedWorker,
  TRAINING_STATE,
  type TrainingState,
} from "@turingfog/sdk/wire";
import type { ChainFacts } from "../chain/index.js";
import { envelopeHeader, type HttpClient, lookupOf, type RequestSettings } from "../http/index.js";
import type { Peers } from "../node/peers.js";
import type { Clock } from "../runtime/index.js";

/** Milliseconds until a node's documents are asked for again: if some are known, and if none are. */
const REFRESH = 60_000;
const RETRY = 5_000;

/** Milliseconds in which another worker's state must be there. */
const TIMEOUT = 10_000;

/** Nodes that are asked about at a time. */
const MOST = 8;

/** A node that may work on a joint order. */
export interface Worker {
  nodeId: bigint;
  endpoint: string;
  /** Meter key of its document in force. */
  meterKey: string;
  /** Meter keys of all its documents that are known: claims of earlier rounds stay right. */
  keys: readonly string[];
}

/** The other workers of a run, as one of them reaches them. */
export interface JointNetwork {
  /** Returns the nodes with a live document that may work on an order, this one included, by ascending ids. */
  workers(orderId: bigint): Promise<Worker[]>;
  /** @throws HttpError */
  state(worker: Worker, orderId: bigint, after: bigint): Promise<TrainingState>;
  /**
   * Fetches weights into a file.
   * @throws HttpError, WrongBytesError
   */
  weights(worker: Worker, orderId: bigint, hash: string, file: string, bytes: number): Promise<void>;
  /** Returns the workers that a signer tells to have claimed what is false. */
  stopped(orderId: bigint): Promise<StoppedWorker[]>;
  isSigned(claim: Signed<RoundClaim>, worker: Worker): boolean;
}

/** Thrown when what came for a hash has another. */
export class WrongBytesError extends TuringFogError {
  constructor(hash: string, found: string) {
    super(`The bytes that came for ${hash} have the hash ${found}`);
  }
}

export interface WorkersOptions {
  nodeId: bigint;
  meter: Wallet;
  facts: Pick<ChainFacts, "order" | "node" | "nodesAtWork" | "attestedAt" | "isSignedByContract">;
  peers: Pick<Peers, "known" | "linkKeys">;
  client: HttpClient;
  clock: Clock;
  /** The domains of nodes' documents, of envelopes and of what meter keys sign. */
  domains: { node: TypedDataDomain; link: TypedDataDomain; meter: TypedDataDomain };
  /** Lets addresses through that are not public, for test networks. */
  allowPrivate: boolean;
}

/** The nodes that work on joint orders, by their documents, which signers tell. */
export class Workers implements JointNetwork {
  private readonly documents = new Map<bigint, { at: number; all: Signed<NodeDocument>[] }>();

  constructor(private readonly options: WorkersOptions) {}

  async workers(orderId: bigint): Promise<Worker[]> {
    const { facts, nodeId, meter, clock } = this.options;
    const order = facts.order(orderId);
    const meterKey = meter.address.toLowerCase();
    const self: Worker = { nodeId, endpoint: "", meterKey, keys: [meterKey] };
    if (order === undefined || order.nodeId !== 0n) return [self];
    const ids = facts.nodesAtWork().filter((each) => each !== nodeId && facts.attestedAt(each, order.startedAt));
    const due = ids.filter((each) => this.isDue(each));
    await Promise.all(
      Array.from({ length: MOST }, async () => {
        for (let each = due.pop(); each !== undefined; each = due.pop()) await this.refresh(each);
      }),
    );
    const others = ids.flatMap((each): Worker[] => {
      const all = this.documents.get(each)?.all ?? [];
      const document = documentInForce(NODE_DOCUMENT, all, clock.now());
      if (document?.runners.some(({ kind }) => kind === "training") !== true) return [];
      const { endpoint, meterKey: key } = document;
      return [{ nodeId: each, endpoint, meterKey: key, keys: all.map((known) => known.meterKey) }];
    });
    return [...others, self].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  }

  async state(worker: Worker, orderId: bigint, after: bigint): Promise<TrainingState> {
    const { client } = this.options;
    const { url, settings } = await this.request(worker, `/v1/orders/${orderId}/rounds?after=${after}`);
    const answer = await client.get(url, { ...settings, maxBytes: TRAINING_STATE.maxBytes, timeout: TIMEOUT });
    return TRAINING_STATE.decode(answer);
  }

  async weights(worker: Worker, orderId: bigint, hash: string, file: string, bytes: number): Promise<void> {
    const { url, settings } = await this.request(worker, `/v1/orders/${orderId}/weights/${hash}`);
    await saveHashed(this.options.client.stream(url, { ...settings, maxBytes: bytes }), hash, file);
  }

  async stopped(orderId: bigint): Promise<StoppedWorker[]> {
    const { peers, client } = this.options;
    const asked = peers.known.map(async ({ endpoint }) => {
      const settings = { maxBytes: STOPPED_WORKERS.maxBytes, timeout: TIMEOUT };
      return STOPPED_WORKERS.decode(await client.get(`${endpoint}/v1/orders/${orderId}/stopped`, settings)).stopped;
    });
    const results = await Promise.allSettled(asked);
    const first = new Map<bigint, StoppedWorker>();
    for (const each of results.flatMap((result) => (result.status === "fulfilled" ? result.value : []))) {
      const known = first.get(each.nodeId);
      if (known === undefined || each.round < known.round) first.set(each.nodeId, each);
    }
    return [...first.values()];
  }

  isSigned(claim: Signed<RoundClaim>, { keys }: Worker): boolean {
    const key = ROUND_CLAIM.signerOf(this.options.domains.meter, claim);
    return key !== undefined && keys.includes(key);
  }

  /** Returns the order's workers' keys and the signers' that may read what only they may. */
  async readers(orderId: bigint): Promise<Set<string>> {
    const workers = await this.workers(orderId);
    return new Set([...workers.map(({ meterKey }) => meterKey), ...this.options.peers.linkKeys]);
  }

  private request(worker: Worker, path: string): ReturnType<typeof requestTo> {
    const { meter: key, domains, clock, allowPrivate } = this.options;
    return requestTo(worker, path, { key, domain: domains.link, clock, allowPrivate });
  }

  private isDue(nodeId: bigint): boolean {
    const known = this.documents.get(nodeId);
    if (known === undefined) return true;
    return performance.now() - known.at >= (known.all.length === 0 ? RETRY : REFRESH);
  }

  /** Asks signers for a node's documents, until one knows some. */
  private async refresh(nodeId: bigint): Promise<void> {
    const { peers, client } = this.options;
    const before = this.documents.get(nodeId)?.all ?? [];
    this.documents.set(nodeId, { at: performance.now(), all: before });
    for (const { endpoint } of peers.known) {
      const settings = { maxBytes: NODE_DOCUMENTS.maxBytes, timeout: TIMEOUT };
      const answer = await client.get(`${endpoint}/v1/nodes/${nodeId}/documents`, settings).catch(() => undefined);
      const told = answer === undefined ? [] : NODE_DOCUMENTS.decode(answer).documents;
      const right: Signed<NodeDocument>[] = [];
      for (const document of told) {
        if (document.nodeId === nodeId && (await this.isByOwner(document))) right.push(document);
      }
      if (right.length === 0) continue;
      this.documents.set(nodeId, { at: performance.now(), all: right });
      return;
    }
  }

  private async isByOwner(document: Signed<NodeDocument>): Promise<boolean> {
    const { facts, domains } = this.options;
    const owner = facts.node(document.nodeId)?.owner;
    if (owner === undefined) return false;
    if (NODE_DOCUMENT.signerOf(domains.node, document) === owner) return true;
    return facts.isSignedByContract(owner, NODE_DOCUMENT.digest(domains.node, document), document.signature);
  }
}

/**
 * Returns the address of what a worker is asked for, and a request's settings with its envelope.
 * @param by the key of who asks, and the domain of envelopes
 * @throws AddressRefusedError
 */
export async function requestTo(
  { endpoint, meterKey }: Pick<Worker, "endpoint" | "meterKey">,
  path: string,
  by: { key: Wallet; domain: TypedDataDomain; clock: Clock; allowPrivate: boolean },
): Promise<{ url: string; settings: RequestSettings }> {
  const asked = { receiver: meterKey, request: `GET ${path}`, now: by.clock.now() };
  const headers = await envelopeHeader(by.key, by.domain, asked);
  return { url: `${endpoint}${path}`, settings: { headers, lookup: await lookupOf(endpoint, by) } };
}

/**
 * Writes what comes into a file that is not there yet.
 * @throws WrongBytesError if its SHA-256 is another than is expected
 */
export async function saveHashed(chunks: AsyncIterable<Uint8Array>, expected: string, file: string): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    const hash = createHash("sha256");
    for await (const chunk of chunks) {
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
    const found = `0x${hash.digest("hex")}`;
    if (found !== expected) throw new WrongBytesError(expected, found);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
