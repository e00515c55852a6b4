import type { TypedDataDomain, Wallet } from "ethers";

import {
  type Challenge,
  CHALLENGES,
  documentInForce,
  HEADS,
  HEARTBEAT,
  HEARTBEAT_HEADER,
  type Reading,
  type Signed,
  SIGNER_DOCUMENT,
  type SignerDocument,
  SIGNERS,
} from "@turingfog/sdk/wire";
import type { ChainFacts } from "../chain/index.js";
import { type HttpClient } from "../http/index.js";
import type { Clock } from "../runtime/index.js";

/** Milliseconds in which a signer's answer must be there, for which others wait. */
const TIMEOUT = 10_000;

/** A signer of the oracle, where it says that it is reached. */
export interface Peer {
  /** In lower case. */
  signer: string;
  endpoint: string;
}

export interface PeersOptions {
  nodeId: bigint;
  meter: Wallet;
  /** Addresses of signers to begin with. */
  seeds: readonly string[];
  facts: ChainFacts;
  /** The oracle's, of signers' documents. */
  oracleDomain: TypedDataDomain;
  /** That of readings. */
  meterDomain: TypedDataDomain;
  client: HttpClient;
  clock: Clock;
}

/** The signers of the oracle as a node sees them: each by its own document, which any of them tells. */
export class Peers {
  private readonly documents = new Map<string, Signed<SignerDocument>[]>();

  constructor(private readonly options: PeersOptions) {}

  /** Returns the signers in force whose address is known. */
  get known(): Peer[] {
    return this.inForce.map(({ signer, endpoint }) => ({ signer, endpoint }));
  }

  /** Returns the keys by which the signers in force sign what they ask nodes for. */
  get linkKeys(): string[] {
    return this.inForce.map(({ linkKey }) => linkKey);
  }

  private get inForce(): SignerDocument[] {
    const { facts, clock } = this.options;
    const now = clock.now();
    return facts.signers().signers.flatMap((signer) => {
      const documents = this.documents.get(signer);
      const document = documents && documentInForce(SIGNER_DOCUMENT, documents, now);
      return document === undefined ? [] : [document];
    });
  }

  /**
   * Asks everybody who is known for the signers' documents.
   * @throws HttpError if nobody answers
   */
  async refresh(): Promise<void> {
    const { seeds, client } = this.options;
    const endpoints = new Set([
      ...seeds.map((seed) => seed.replace(/\/$/, "")),
      ...this.known.map((each) => each.endpoint),
    ]);
    const asked = [...endpoints].map(async (endpoint) => {
      const answer = await client.get(`${endpoint}/v1/signers`, { maxBytes: SIGNERS.maxBytes, timeout: TIMEOUT });
      for (const document of SIGNERS.decode(answer).documents) await this.learn(document);
    });
    const results = await Promise.allSettled(asked);
    if (results.every(({ status }) => status === "rejected")) await asked[0];
  }

  /** Returns a node's last readings as a signer has them; those that this meter has not signed are left out. */
  async heads({ endpoint }: Peer): Promise<Signed<Reading>[]> {
    const { client, nodeId } = this.options;
    const settings = { maxBytes: HEADS.maxBytes, timeout: TIMEOUT };
    const answer = await client.get(`${endpoint}/v1/nodes/${nodeId}/head`, settings);
    return HEADS.decode(answer).heads.filter((head) => head.nodeId === nodeId);
  }

  /** Gives a signer a sign of life, and returns what it challenges the node with. */
  async challenges({ signer, endpoint }: Peer): Promise<Challenge[]> {
    const { client, nodeId, meter, meterDomain, clock } = this.options;
    const heartbeat = { nodeId, receiver: signer, sentAt: clock.now() };
    const header = HEARTBEAT.encode(await HEARTBEAT.sign(meter, meterDomain, heartbeat));
    const url = `${endpoint}/v1/challenges?node=${nodeId}`;
    return CHALLENGES.decode(await client.get(url, { headers: { [HEARTBEAT_HEADER]: header } })).challenges;
  }

  private async learn(document: Signed<SignerDocument>): Promise<void> {
    const { facts, oracleDomain } = this.options;
    const { signer } = document;
    const before = this.documents.get(signer) ?? [];
    if (!facts.signers().signers.includes(signer)) return;
    if (before.some(({ sequence, signature }) => sequence > document.sequence || signature === document.signature))
      return;
    if (SIGNER_DOCUMENT.signerOf(oracleDomain, document) !== signer) {
      const digest = SIGNER_DOCUMENT.digest(oracleDomain, document);
      if (!(await facts.isSignedByContract(signer, digest, document.signature))) return;
    }
    this.documents.set(signer, [...before.filter(({ sequence }) => sequence === document.sequence), document]);
  }
}
