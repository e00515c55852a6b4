import type { TypedDataDomain } from "ethers";
import type { Kysely } from "kysely";

import { type ClaimResult, ROUND_CLAIM, type RoundClaim, type Signed, type StoppedWorker } from "@turingfog/sdk/wire";
import { mayWorkOn } from "../../chain/index.js";
import { type Allowance, Budget } from "../../http/index.js";
import { type Clock, step } from "../../runtime/index.js";
import { fromBlob, fromBytes, isUniqueViolation, toBlob, toBytes } from "../../store/index.js";
import type { IntakeFacts, NodeDocuments } from "../intake/index.js";
import type { AuditTables, ClaimRow } from "./tables.js";

/** Claims of one node that are stored: those of a long run at once, then one a second. */
const PER_NODE: Allowance = { burst: 5_000, perSecond: 1 };

/** Outcome of an audit that has found nothing false. */
export const RIGHT = "right";

export interface ClaimsOptions {
  db: Kysely<AuditTables>;
  facts: IntakeFacts & { blockTime(): bigint };
  documents: Pick<NodeDocuments, "keysAt" | "want">;
  /** That of claims. */
  domain: TypedDataDomain;
  clock: Clock;
  perNode?: Allowance;
}

interface Author {
  orderId: bigint;
  nodeId: bigint;
}

/** Takes workers' claims of rounds of joint training into the store, or refuses them by name. */
export class Claims {
  private readonly budget: Budget;
  /** Orders and nodes that are stopped. */
  private stopped = new Set<string>();

  constructor(private readonly options: ClaimsOptions) {
    this.budget = new Budget(options.perNode ?? PER_NODE);
  }

  /**
   * Resolves to an answer for each claim, once what is accepted is durable.
   * @param isFree whether they do not count against their nodes' budgets, because another signer has taken them
   */
  async take(
    claims: readonly Signed<RoundClaim>[],
    { isFree } = { isFree: false },
  ): Promise<{ result: ClaimResult }[]> {
    const answers: { result: ClaimResult }[] = [];
    for (const claim of claims) answers.push({ result: await this.takeOne(claim, isFree) });
    return answers;
  }

  /** Says whether a worker has claimed what is false, or two things of one round. */
  isStopped({ orderId, nodeId }: Author): boolean {
    return this.stopped.has(`${orderId}-${nodeId}`);
  }

  /** Reads which workers are stopped. */
  async readStopped(): Promise<void> {
    const { db } = this.options;
    const contradicting = await db.selectFrom("claim_contradictions").select(["order_id", "node_id"]).execute();
    const lying = await this.falseRows().select(["order_id", "node_id"]).execute();
    this.stopped = new Set(
      [...contradicting, ...lying].map((row) => `${fromBlob(row.order_id)}-${fromBlob(row.node_id)}`),
    );
  }

  /** Returns the workers of an order whose claims were found to be false, each with its first false round. */
  async lying(orderId: bigint): Promise<StoppedWorker[]> {
    const rows = await this.falseRows()
      .select(({ fn }) => ["node_id", fn.min("round").as("first")])
      .where("order_id", "=", toBlob(orderId))
      .groupBy("node_id")
      .execute();
    return rows.map(({ node_id, first }) => ({ nodeId: fromBlob(node_id), round: BigInt(first) }));
  }

  /** Returns claims of an author after a round, in the form in which they were sent. */
  async after(author: Author, round: bigint, most: number): Promise<Signed<RoundClaim>[]> {
    const rows = await this.rowsOf(author).where("round", ">", round).orderBy("round").limit(most).execute();
    return rows.map(claimOf);
  }

  /** Returns the last round that an author has claimed; 0 if none. */
  async lastRound(author: Author): Promise<bigint> {
    return (await this.last(author))?.round ?? 0n;
  }

  private async takeOne(claim: Signed<RoundClaim>, isFree: boolean): Promise<ClaimResult> {
    const refused = this.refusalFromMemory(claim);
    if (refused !== undefined) return refused;
    const { documents, domain, clock } = this.options;
    const keys = documents.keysAt(claim.nodeId, clock.now());
    const key = keys.length === 0 ? undefined : ROUND_CLAIM.signerOf(domain, claim);
    if (key === undefined || !keys.includes(key)) {
      documents.want(claim.nodeId);
      return keys.length === 0 ? "no-document" : "bad-signature";
    }
    const digest = ROUND_CLAIM.digest(domain, claim);
    const same = await this.rowsOf(claim).where("round", "=", claim.round).executeTakeFirst();
    if (same !== undefined) return fromBytes(same.digest) === digest ? "known" : this.contradict(claim, digest);
    if (claim.round <= (await this.lastRound(claim))) return "old-round";
    if (!isFree && !this.budget.take(String(claim.nodeId))) return "over-budget";
    return this.store(claim, digest);
  }

  private refusalFromMemory(claim: RoundClaim): ClaimResult | undefined {
    const { facts } = this.options;
    const order = facts.order(claim.orderId);
    if (order === undefined) return "unknown-order";
    if (order.closed) return "closed-order";
    if (facts.node(claim.nodeId) === undefined) return "unknown-node";
    if (!mayWorkOn(facts, claim.nodeId, order)) return "other-node";
    return this.isStopped(claim) ? "stopped-node" : undefined;
  }

  private async store(claim: Signed<RoundClaim>, digest: string): Promise<ClaimResult> {
    const { db, facts } = this.options;
    step("signer.claim.before-store");
    try {
      await db
        .insertInto("round_claims")
        .values({
          order_id: toBlob(claim.orderId),
          node_id: toBlob(claim.nodeId),
          round: claim.round,
          start_hash: toBytes(claim.startHash),
          end_hash: toBytes(claim.endHash),
          images: claim.images,
          digest: toBytes(digest),
          signature: toBytes(claim.signature),
          taken_at: facts.blockTime(),
          drawn: null,
          outcome: null,
        })
        .execute();
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      return this.takeOne(claim, true); // another process has stored one of this round
    }
    step("signer.claim.stored");
    return "accepted";
  }

  /** Keeps a claim that contradicts one that was taken, and stops its worker. */
  private async contradict(claim: Signed<RoundClaim>, digest: string): Promise<ClaimResult> {
    const { orderId, nodeId, round } = claim;
    await this.options.db
      .insertInto("claim_contradictions")
      .values({
        order_id: toBlob(orderId),
        node_id: toBlob(nodeId),
        round,
        digest: toBytes(digest),
        claim: ROUND_CLAIM.encode(claim),
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    this.stopped.add(`${orderId}-${nodeId}`);
    return "equivocation";
  }

  private last(author: Author): Promise<ClaimRow | undefined> {
    return this.rowsOf(author).orderBy("round", "desc").limit(1).executeTakeFirst();
  }

  private rowsOf({ orderId, nodeId }: Author) {
    return this.options.db
      .selectFrom("round_claims")
      .selectAll()
      .where("order_id", "=", toBlob(orderId))
      .where("node_id", "=", toBlob(nodeId));
  }

  private falseRows() {
    return this.options.db.selectFrom("round_claims").where("outcome", "is not", null).where("outcome", "!=", RIGHT);
  }
}

/** Returns a claim as it was sent. */
export function claimOf(row: ClaimRow): Signed<RoundClaim> {
  return {
    orderId: fromBlob(row.order_id),
    nodeId: fromBlob(row.node_id),
    round: row.round,
    startHash: fromBytes(row.start_hash),
    endHash: fromBytes(row.end_hash),
    images: row.images,
    signature: fromBytes(row.signature),
  };
}
