import { createHash } from "node:crypto";

import type { TypedDataDomain } from "ethers";
import type { Kysely } from "kysely";

import {
  checkEnvelope,
  ENVELOPE,
  EnvelopeRefusedError,
  InvalidMessageError,
  NODE_DOCUMENT,
  type NodeDocument,
  type Signed,
} from "@turingfog/sdk/wire";
import type { ChainFacts } from "../chain/index.js";
import { type LinkTables, RefusedError, takeNonce } from "../http/index.js";
import type { Clock } from "../runtime/index.js";
import { toBlob } from "../store/index.js";
import { tunnelPath } from "./protocol.js";
import type { RelayTables } from "./tables.js";

export interface MembersOptions {
  /** The base of the relay's address. */
  endpoint: string;
  facts: Pick<ChainFacts, "isKnown" | "node" | "isSignedByContract" | "attestedAt">;
  /** Those of node documents and of envelopes. */
  domains: { node: TypedDataDomain; link: TypedDataDomain };
  db: Kysely<RelayTables>;
  nonces: Kysely<LinkTables>;
  clock: Clock;
}

const NO_BODY = `0x${createHash("sha256").update("").digest("hex")}`;

/** The nodes that use a relay, each by its document. */
export class Members {
  constructor(private readonly options: MembersOptions) {}

  /**
   * Keeps the document of a node, unless a higher one of the same owner is kept.
   * @returns whether it is another than before
   * @throws RefusedError, InvalidMessageError
   */
  async introduce(nodeId: bigint, text: Uint8Array): Promise<boolean> {
    const document = NODE_DOCUMENT.decode(text);
    await this.check(nodeId, document);
    const body = NODE_DOCUMENT.encode(document);
    const kept = await this.of(nodeId);
    if (kept !== undefined && NODE_DOCUMENT.encode(kept) === body) return false;
    if (kept !== undefined && kept.sequence >= document.sequence && (await this.isByOwner(nodeId, kept))) {
      const reason = `The document of sequence ${kept.sequence} is known, got another of ${document.sequence}`;
      throw new RefusedError(409, "old-document", reason);
    }
    const row = { sequence: document.sequence, body };
    await this.options.db
      .insertInto("relay_documents")
      .values({ node_id: toBlob(nodeId), ...row })
      .onConflict((conflict) => conflict.column("node_id").doUpdateSet(row))
      .execute();
    return true;
  }

  /**
   * Checks that a request for a connection comes from a node: its envelope is signed by the meter key of the document in
   * force, for this node's path at this relay, and was not used before.
   * @throws RefusedError
   */
  async admit(nodeId: bigint, envelope: string): Promise<void> {
    const { domains, nonces, clock } = this.options;
    const document = await this.of(nodeId);
    if (document === undefined) throw new RefusedError(409, "no-document", `Node ${nodeId} has not shown its document`);
    await this.check(nodeId, document);
    const { meterKey } = document;
    try {
      const decoded = ENVELOPE.decode(envelope);
      if (ENVELOPE.signerOf(domains.link, decoded) !== meterKey) {
        throw refusal(`It is not signed by ${meterKey}, the meter key of node ${nodeId}`);
      }
      const request = `GET ${tunnelPath(nodeId)}`;
      checkEnvelope(decoded, { receiver: meterKey, request, bodyHash: NO_BODY, now: clock.now() });
      if (!(await takeNonce(nonces, clock, decoded))) throw refusal(`Its nonce ${decoded.nonce} was used before`);
    } catch (error) {
      if (error instanceof InvalidMessageError || error instanceof EnvelopeRefusedError) throw refusal(error.message);
      throw error;
    }
  }

  /** Returns a node's owner of now, in lower case. */
  ownerOf(nodeId: bigint): string | undefined {
    return this.options.facts.node(nodeId)?.owner;
  }

  /** Checks whether a node is attested now. */
  isAttested(nodeId: bigint): boolean {
    const { facts, clock } = this.options;
    return facts.attestedAt(nodeId, clock.now());
  }

  /** @throws RefusedError unless a document is in force at this relay, signed by the node's owner of now */
  private async check(nodeId: bigint, document: Signed<NodeDocument>): Promise<void> {
    const { endpoint, facts, clock } = this.options;
    if (!facts.isKnown) throw new RefusedError(503, "not-ready", "The chain was not read yet: try again later");
    const refuse = (reason: string) => new RefusedError(403, "bad-document", reason);
    const own = `${endpoint}${tunnelPath(nodeId)}`;
    const owner = this.ownerOf(nodeId);
    if (owner === undefined) throw refuse(`No final block has node ${nodeId}`);
    if (document.nodeId !== nodeId) throw refuse(`The document is of node ${document.nodeId}, not ${nodeId}`);
    if (document.endpoint !== own) throw refuse(`The document's endpoint is ${document.endpoint}, expected ${own}`);
    if (document.expiresAt <= clock.now()) throw refuse(`The document of node ${nodeId} has expired`);
    if (await this.isByOwner(nodeId, document)) return;
    throw refuse(`The document is not signed by ${owner}, the owner of node ${nodeId}`);
  }

  /** Checks whether the node's owner of now has signed a document. */
  private async isByOwner(nodeId: bigint, document: Signed<NodeDocument>): Promise<boolean> {
    const { facts, domains } = this.options;
    const owner = this.ownerOf(nodeId);
    if (owner === undefined) return false;
    if (NODE_DOCUMENT.signerOf(domains.node, document) === owner) return true;
    return facts.isSignedByContract(owner, NODE_DOCUMENT.digest(domains.node, document), document.signature);
  }

  private async of(nodeId: bigint): Promise<Signed<NodeDocument> | undefined> {
    const row = await this.options.db
      .selectFrom("relay_documents")
      .select("body")
      .where("node_id", "=", toBlob(nodeId))
      .executeTakeFirst();
    return row && NODE_DOCUMENT.decode(row.body);
  }
}

function refusal(reason: string): RefusedError {
  return new RefusedError(401, "bad-envelope", reason);
}
