import { setTimeout as sleep } from "node:timers/promises";

import type { Logger } from "pino";

import {
  HEADS,
  MAX_POSTED,
  NODE_DOCUMENT,
  NODE_DOCUMENTS,
  type Reading,
  type ReadingAnswer,
  READINGS,
  ROUND_CLAIMS,
  type Signed,
  type SignerDocument,
} from "@turingfog/sdk/wire";
import type { ChainFacts } from "../chain/index.js";
import type { HttpClient } from "../http/index.js";
import { reasonOf } from "../runtime/index.js";
import type { Claims } from "./audits/index.js";
import type { Author, Intake, NodeDocuments } from "./intake/index.js";

/** Nodes whose readings are pulled at a time. */
const MAX_PULLS = 8;

/** The most bytes of an answer. */
const MAX_BYTES = 2_097_152;

export interface CatchUpOptions {
  intake: Pick<Intake, "take" | "log">;
  documents: Pick<NodeDocuments, "show">;
  /** What takes claims of joint training, and says whether an order's are audited here; none are pulled if left out. */
  audits?: { claims: Pick<Claims, "lastRound" | "take">; isAudited: (orderId: bigint) => boolean };
  facts: Pick<ChainFacts, "isKnown" | "nodesAtWork">;
  /** Returns the documents in force of the other signers. */
  peers: () => readonly Pick<SignerDocument, "signer" | "endpoint">[];
  client: HttpClient;
  log: Logger;
  /** Seconds between two rounds. */
  interval: number;
}

type Peer = Pick<SignerDocument, "signer" | "endpoint">;

/** Pulls from the other signers what they have been sent and this one has not. */
export class CatchUp {
  constructor(private readonly options: CatchUpOptions) {}

  /** Pulls from all signers again and again; one that is slow keeps nobody waiting. */
  async run(signal: AbortSignal): Promise<void> {
    const { facts, peers, interval } = this.options;
    const pulling = new Map<string, Promise<void>>();
    while (!signal.aborted) {
      for (const peer of facts.isKnown ? peers() : []) {
        if (pulling.has(peer.signer)) continue;
        const pulled = this.tell(peer, signal).finally(() => pulling.delete(peer.signer));
        pulling.set(peer.signer, pulled);
      }
      await sleep(interval * 1_000, undefined, { signal }).catch(() => undefined);
    }
    await Promise.all(pulling.values());
  }

  /**
   * Pulls what a signer has of every node at work.
   * @returns the number of readings that were new
   * @throws HttpError if the signer does not answer
   */
  async pullFrom(peer: Peer, signal?: AbortSignal): Promise<number> {
    const nodes = this.options.facts.nodesAtWork();
    let pulled = 0;
    const worker = async () => {
      for (let nodeId = nodes.pop(); nodeId !== undefined; nodeId = nodes.pop()) {
        signal?.throwIfAborted();
        // the sum is read after the waiting, in which others have added to it
        const count = await this.pullNode(peer, nodeId, signal);
        pulled += count;
      }
    };
    await Promise.all(Array.from({ length: MAX_PULLS }, worker));
    return pulled;
  }

  /** Pulls from a signer, and logs what came of it. */
  private async tell(peer: Peer, signal: AbortSignal): Promise<void> {
    const { log } = this.options;
    try {
      const pulled = await this.pullFrom(peer, signal);
      if (pulled > 0) log.info({ peer: peer.signer, pulled }, "caught up");
    } catch (error) {
      if (!signal.aborted) log.warn({ peer: peer.signer, reason: reasonOf(error) }, "not caught up");
    }
  }

  /** Pulls what a signer has of one node. */
  async pullNode(peer: Peer, nodeId: bigint, signal?: AbortSignal): Promise<number> {
    const answer = await this.get(peer, `/v1/nodes/${nodeId}/head`, signal);
    let pulled = 0;
    for (const head of HEADS.decode(answer).heads) {
      // an answer about other nodes would be asked for again and again
      if (head.nodeId !== nodeId) continue;
      pulled += await this.pullChain(peer, head, signal);
      const { audits } = this.options;
      if (audits?.isAudited(head.orderId) === true) await this.pullClaims(peer, audits.claims, head, signal);
    }
    return pulled;
  }

  private async pullChain(peer: Peer, theirs: Signed<Reading>, signal?: AbortSignal): Promise<number> {
    const { intake, log } = this.options;
    const author: Author = { orderId: theirs.orderId, nodeId: theirs.nodeId };
    const own = await intake.log.head(author);
    let [after, pulled] = [own?.sequence ?? 0n, 0];
    // what is compared here is kept as evidence if it contradicts a reading of this signer
    if (theirs.sequence <= after) await this.take(peer, [theirs], signal);
    while (after < theirs.sequence) {
      const readings = await this.readingsAfter(peer, author, after, signal);
      const answers = await this.take(peer, readings, signal);
      const taken = answers.filter(({ result }) => result === "accepted").length;
      pulled += taken;
      const refused = answers.find(({ result }) => result !== "accepted" && result !== "known");
      const last = readings.at(-1)?.sequence ?? 0n;
      if (refused === undefined && last > after) {
        after = last;
        continue;
      }
      if (refused?.result === "broken-chain" && own !== undefined)
        await this.showFork(peer, author, own.sequence, signal);
      const id = { orderId: String(author.orderId), nodeId: String(author.nodeId) };
      log.warn(
        { peer: peer.signer, ...id, result: refused?.result ?? "nothing given" },
        "readings of a signer refused",
      );
      break;
    }
    return pulled;
  }

  /** Pulls the claims of a worker that this signer lacks. */
  private async pullClaims(
    peer: Peer,
    claims: Pick<Claims, "lastRound" | "take">,
    { orderId, nodeId }: Author,
    signal?: AbortSignal,
  ): Promise<void> {
    for (let after = await claims.lastRound({ orderId, nodeId }); ;) {
      const answer = await this.get(peer, `/v1/claims?author=${orderId}-${nodeId}&after=${after}`, signal);
      const given = answer.length === 0 ? [] : ROUND_CLAIMS.decode(answer).claims;
      const theirs = given.filter((each) => each.orderId === orderId && each.nodeId === nodeId);
      await claims.take(theirs, { isFree: true });
      const reached = await claims.lastRound({ orderId, nodeId });
      if (reached === after) return;
      after = reached;
    }
  }

  /** Takes readings; if no document explains who has signed them, after the documents that the signer knows. */
  private async take(peer: Peer, readings: Signed<Reading>[], signal?: AbortSignal): Promise<ReadingAnswer[]> {
    const { intake, documents } = this.options;
    const answers = await intake.take(readings, { isFree: true });
    if (!answers.some(({ result }) => result === "no-document" || result === "bad-signature")) return answers;
    const answer = await this.get(peer, `/v1/nodes/${readings[0].nodeId}/documents`, signal);
    let isNew = false;
    for (const document of NODE_DOCUMENTS.decode(answer).documents) {
      if (await documents.show(NODE_DOCUMENT.encode(document))) isNew = true;
    }
    return isNew ? intake.take(readings, { isFree: true }) : answers;
  }

  /** Takes the reading that a signer has where this one has another, which is kept as evidence against the node. */
  private async showFork(peer: Peer, author: Author, sequence: bigint, signal?: AbortSignal): Promise<void> {
    const [theirs] = await this.readingsAfter(peer, author, sequence - 1n, signal);
    if (theirs !== undefined) await this.options.intake.take([theirs], { isFree: true });
  }

  private async readingsAfter(peer: Peer, { orderId, nodeId }: Author, after: bigint, signal?: AbortSignal) {
    const answer = await this.get(peer, `/v1/readings?author=${orderId}-${nodeId}&after=${after}`, signal);
    const readings = answer.length === 0 ? [] : READINGS.decode(answer).readings;
    return readings.filter((each) => each.orderId === orderId && each.nodeId === nodeId).slice(0, MAX_POSTED);
  }

  private get({ endpoint }: Peer, path: string, signal?: AbortSignal): Promise<Buffer> {
    return this.options.client.get(`${endpoint}${path}`, { maxBytes: MAX_BYTES, signal });
  }
}
