import type { TypedDataDomain } from "ethers";
import type { Kysely } from "kysely";
import type { Logger } from "pino";

import { MAX_DOCUMENTS, NODE_DOCUMENT, type NodeDocument, type SeenDocument, type Signed } from "@turingfog/sdk/wire";
import type { NodeFacts } from "../../chain/index.js";
import { fetchStranger, type HttpClient } from "../../http/index.js";
import { type Clock, reasonOf, step } from "../../runtime/index.js";
import { isUniqueViolation, toBlob, toBytes } from "../../store/index.js";
import type { IntakeTables } from "./tables.js";

/** Milliseconds between two tries to fetch the document of one node. */
export const FETCH_INTERVAL = 60_000;

/** The most documents of a node that are kept: those of the highest sequences. */
const MAX_KEPT = 64;

/** Fetches at a time. */
const MAX_FETCHES = 4;

export interface DocumentOptions {
  db: Kysely<IntakeTables>;
  facts: {
    node(nodeId: bigint): NodeFacts | undefined;
    /** Checks whether a contract takes a signature (ERC-1271). */
    isSignedByContract(account: string, digest: string, signature: string): Promise<boolean>;
  };
  /** That of node documents. */
  domain: TypedDataDomain;
  clock: Clock;
  client: HttpClient;
  log: Logger;
  /** Lets addresses through that are not public, for test networks. */
  allowPrivate: boolean;
  /** Milliseconds of a clock that nobody sets. */
  monotonic?: () => number;
}

/** Documents of nodes that were seen, each with the time at which it first was. */
export class NodeDocuments {
  private readonly seen = new Map<bigint, SeenDocument[]>();
  private readonly tried = new Map<bigint, number>();
  private readonly wanted = new Set<bigint>();
  private fetching = 0;

  private constructor(private readonly options: DocumentOptions) {}

  static async open(options: DocumentOptions): Promise<NodeDocuments> {
    const documents = new NodeDocuments(options);
    for (const { document, first_seen } of await options.db.selectFrom("node_documents").selectAll().execute()) {
      documents.remember({ ...NODE_DOCUMENT.decode(document), firstSeen: first_seen });
    }
    return documents;
  }

  /** Returns all documents of a node, by ascending sequence. */
  of(nodeId: bigint): readonly SeenDocument[] {
    return this.seen.get(nodeId) ?? [];
  }

  /** Returns those that are shown to others. */
  shown(nodeId: bigint): SeenDocument[] {
    return this.of(nodeId).slice(-MAX_DOCUMENTS);
  }

  /**
   * Returns the meter keys that were in force at a time: those of documents that had not expired and of which no later one
   * had been seen by then.
   */
  keysAt(nodeId: bigint, time: bigint): string[] {
    const documents = this.of(nodeId);
    const inForce = documents.filter(
      ({ sequence, expiresAt }) =>
        time < expiresAt && !documents.some((each) => each.sequence > sequence && each.firstSeen < time),
    );
    return inForce.map(({ meterKey }) => meterKey);
  }

  /** Asks for a node's document to be fetched from where the chain says, at most once a minute. */
  want(nodeId: bigint): void {
    const { monotonic = () => performance.now() } = this.options;
    const now = monotonic();
    if (now - (this.tried.get(nodeId) ?? -FETCH_INTERVAL) < FETCH_INTERVAL) return;
    this.tried.set(nodeId, now);
    this.wanted.add(nodeId);
    void this.fetchWanted();
  }

  /**
   * Takes a document that was fetched or shown.
   * @returns whether it is new
   * @throws InvalidMessageError, MessageTooLargeError
   */
  async show(given: Uint8Array | string): Promise<boolean> {
    const { db, clock } = this.options;
    const document = NODE_DOCUMENT.decode(given);
    const { nodeId, sequence, expiresAt } = document;
    const firstSeen = clock.now();
    const text = NODE_DOCUMENT.encode(document);
    if (expiresAt <= firstSeen || this.isKnown(document) || !(await this.isByOwner(document))) return false;
    const hash = toBytes(NODE_DOCUMENT.digest(this.options.domain, document));
    const row = { node_id: toBlob(nodeId), sequence: toBlob(sequence), hash, document: text, first_seen: firstSeen };
    step("intake.document.before-store");
    try {
      await db.insertInto("node_documents").values(row).execute();
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      return false; // another process of this signer has seen it first
    }
    step("intake.document.stored");
    this.remember({ ...document, firstSeen });
    await this.dropOldest(nodeId);
    return true;
  }

  private isKnown(document: Signed<NodeDocument>): boolean {
    const text = contentOf(document);
    return this.of(document.nodeId).some((each) => contentOf(each) === text);
  }

  private async isByOwner(document: Signed<NodeDocument>): Promise<boolean> {
    const { facts, domain } = this.options;
    const owner = facts.node(document.nodeId)?.owner;
    if (owner === undefined) return false;
    if (NODE_DOCUMENT.signerOf(domain, document) === owner) return true;
    return facts.isSignedByContract(owner, NODE_DOCUMENT.digest(domain, document), document.signature);
  }

  private remember(document: SeenDocument): void {
    const all = [...this.of(document.nodeId), document].sort((a, b) => (a.sequence < b.sequence ? -1 : 1));
    this.seen.set(document.nodeId, all);
  }

  private async dropOldest(nodeId: bigint): Promise<void> {
    const all = this.of(nodeId);
    if (all.length <= MAX_KEPT) return;
    const { sequence } = all[all.length - MAX_KEPT];
    const lower = this.options.db.deleteFrom("node_documents").where("node_id", "=", toBlob(nodeId));
    await lower.where("sequence", "<", toBlob(sequence)).execute();
    this.seen.set(
      nodeId,
      all.filter((each) => each.sequence >= sequence),
    );
  }

  private async fetchWanted(): Promise<void> {
    if (this.fetching === MAX_FETCHES) return;
    ++this.fetching;
    for (const nodeId of this.wanted) {
      this.wanted.delete(nodeId);
      await this.fetch(nodeId);
    }
    --this.fetching;
  }

  private async fetch(nodeId: bigint): Promise<void> {
    const { facts, client, allowPrivate, log } = this.options;
    try {
      const address = facts.node(nodeId)?.metadataURI;
      if (address === undefined) return;
      const isNew = await this.show(await fetchStranger(address, { allowPrivate, client }));
      if (isNew) log.info({ nodeId: String(nodeId) }, "document seen");
    } catch (error) {
      log.debug({ nodeId: String(nodeId), reason: reasonOf(error) }, "document not fetched");
    }
  }
}

/** Returns what a document says, whoever's signature of it is looked at. */
function contentOf(document: NodeDocument): string {
  return Object.values(NODE_DOCUMENT.typedData(document)).join("\n");
}
