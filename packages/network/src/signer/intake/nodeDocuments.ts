import type { TypedDataDomain } from "ethers";
import type { Kysely } from "kysely";
import type { Logger } from "pino";

import { MAX_DOCUMENTS, NODE_DOCUMENT, type NodeDocument, type SeenDocument, type Signed } from "@turingfog/sdk/wire";
import type { NodeFacts } from "../../chain/index.js";
import { fetchStranger, type HttpClient } from "../../http/index.js";
import { type Clock, reasonOf, step } from "../../runtime/index.js";
import { fromBytes, isUniqueViolation, toBlob, toBytes } from "../../store/index.js";
import { keysInForce, type RuledDocument } from "../rules/index.js";
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

/** A document, and who has signed it and owned the node then. */
interface OwnedDocument {
  document: SeenDocument;
  owner: string;
}

/** Documents of nodes that were seen, each with the time at which it first was. */
export class NodeDocuments {
  private readonly seen = new Map<bigint, OwnedDocument[]>();
  private readonly tried = new Map<bigint, number>();
  private readonly wanted = new Set<bigint>();
  private fetching = 0;

  private constructor(private readonly options: DocumentOptions) {}

  static async open(options: DocumentOptions): Promise<NodeDocuments> {
    const documents = new NodeDocuments(options);
    for (const row of await options.db.selectFrom("node_documents").selectAll().execute()) {
      const document = { ...NODE_DOCUMENT.decode(row.document), firstSeen: row.first_seen };
      documents.remember({ document, owner: fromBytes(row.owner) });
    }
    return documents;
  }

  /** Returns all documents of a node, as the rules of metering take them. */
  of(nodeId: bigint): readonly RuledDocument[] {
    const node = this.options.facts.node(nodeId);
    const all = this.seen.get(nodeId) ?? [];
    return all.map(({ document, owner }) => ({
      ...document,
      ownedUntil: owner === node?.owner ? undefined : node?.ownedSince,
      isVoid: all.some(
        (each) =>
          each.owner === owner &&
          each.document.sequence === document.sequence &&
          contentOf(each.document) !== contentOf(document),
      ),
    }));
  }

  /** Returns those that are shown to others: the present owner's, by ascending sequence. */
  shown(nodeId: bigint): SeenDocument[] {
    const owner = this.options.facts.node(nodeId)?.owner;
    const all = (this.seen.get(nodeId) ?? []).filter((each) => each.owner === owner);
    return all.map(({ document }) => document).slice(-MAX_DOCUMENTS);
  }

  /** Returns the meter keys that were in force at a time. */
  keysAt(nodeId: bigint, time: bigint): string[] {
    return keysInForce(this.of(nodeId), time);
  }

  /** Asks for a node's document to be fetched from where the chain says, at most once a minute. */
  want(nodeId: bigint): void {
    const { facts, monotonic = () => performance.now() } = this.options;
    if (facts.node(nodeId) === undefined) return;
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
    const owner = this.options.facts.node(nodeId)?.owner;
    if (owner === undefined || expiresAt <= firstSeen || this.isKnown(document, owner)) return false;
    if (!(await this.isBy(owner, document))) return false;
    const hash = toBytes(NODE_DOCUMENT.digest(this.options.domain, document));
    const row = {
      node_id: toBlob(nodeId),
      sequence: toBlob(sequence),
      hash,
      document: text,
      first_seen: firstSeen,
      owner: toBytes(owner),
    };
    step("intake.document.before-store");
    try {
      await db.insertInto("node_documents").values(row).execute();
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      return false; // another process of this signer has seen it first
    }
    step("intake.document.stored");
    this.remember({ document: { ...document, firstSeen }, owner });
    await this.dropOldest(nodeId, owner);
    return true;
  }

  private isKnown(document: Signed<NodeDocument>, owner: string): boolean {
    const text = contentOf(document);
    const all = this.seen.get(document.nodeId) ?? [];
    return all.some((each) => each.owner === owner && contentOf(each.document) === text);
  }

  private async isBy(owner: string, document: Signed<NodeDocument>): Promise<boolean> {
    const { facts, domain } = this.options;
    if (NODE_DOCUMENT.signerOf(domain, document) === owner) return true;
    return facts.isSignedByContract(owner, NODE_DOCUMENT.digest(domain, document), document.signature);
  }

  private remember(given: OwnedDocument): void {
    const { nodeId } = given.document;
    const all = [...(this.seen.get(nodeId) ?? []), given];
    this.seen.set(
      nodeId,
      all.sort((a, b) => (a.document.sequence < b.document.sequence ? -1 : 1)),
    );
  }

  /** Drops the lowest of an owner's documents, so that nobody else's are too many for them. */
  private async dropOldest(nodeId: bigint, owner: string): Promise<void> {
    const all = this.seen.get(nodeId) ?? [];
    const mine = all.filter((each) => each.owner === owner);
    if (mine.length <= MAX_KEPT) return;
    const { sequence } = mine[mine.length - MAX_KEPT].document;
    const lower = this.options.db.deleteFrom("node_documents").where("node_id", "=", toBlob(nodeId));
    await lower.where("owner", "=", toBytes(owner)).where("sequence", "<", toBlob(sequence)).execute();
    this.seen.set(
      nodeId,
      all.filter((each) => each.owner !== owner || each.document.sequence >= sequence),
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
