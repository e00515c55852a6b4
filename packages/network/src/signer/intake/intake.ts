import type { Kysely } from "kysely";
import type { Logger } from "pino";

import {
  READING_INTERVAL,
  type Reading,
  type ReadingAnswer,
  type ReadingResult,
  type Signed,
} from "@turingfog/sdk/wire";
import { mayWorkOn, type NodeFacts, type OrderFacts } from "../../chain/index.js";
import { type Allowance, Budget } from "../../http/index.js";
import { type Clock, step } from "../../runtime/index.js";
import { fromBytes, GroupCommit, isAborted, isUniqueViolation, toBlob, toBytes } from "../../store/index.js";
import type { MeterVerifier } from "./meterVerifier.js";
import type { NodeDocuments } from "./nodeDocuments.js";
import { type Author, type Head, ReadingLog, rowOf } from "./readingLog.js";
import type { IntakeTables, ReadingRow } from "./tables.js";

/** Seconds that a reading may be dated after the signer's time. */
const MAX_AHEAD = 60n;

/** Readings of one transaction. */
const MOST = 256;

/** Times that a transaction is tried again after another process has stored some of its readings. */
const RETRIES = 5;

const ZERO_HASH = `0x${"00".repeat(32)}`;

/** What intake asks of the chain, from memory. */
export interface IntakeFacts {
  order(orderId: bigint): OrderFacts | undefined;
  node(nodeId: bigint): NodeFacts | undefined;
  attestedAt(nodeId: bigint, time: bigint): boolean;
}

export interface IntakeOptions {
  db: Kysely<IntakeTables>;
  facts: IntakeFacts;
  documents: Pick<NodeDocuments, "keysAt" | "want">;
  verifier: Pick<MeterVerifier, "digest" | "signerAmong">;
  clock: Clock;
  log: Logger;
  /** Readings of one node that are stored. */
  perNode?: Allowance;
}

/** A day's readings of one order at once, then those of five orders. */
const PER_NODE: Allowance = { burst: 5_000, perSecond: 0.1 };

/** A reading on its way into the store. */
interface Item {
  reading: Signed<Reading>;
  author: string;
  keys: string[];
  /** Whether it does not count against its node's budget. */
  isFree: boolean;
  /** Set by the check of its signature, which is done once. */
  checked?: { digest: Uint8Array; hex: string; signature: Uint8Array; signer: string | undefined };
  isPaid?: boolean;
}

/** What a transaction is to store, and the answers that hold once it has. */
interface Plan {
  answers: ReadingAnswer[];
  heads: Map<string, Head>;
  rows: ReadingRow[];
  contradictions: ReadingRow[];
}

/**
 * Takes readings into the store, or refuses them by name. First what memory knows, then the sequence, then the signature,
 * then the node's budget.
 *
 * Heads in memory only save looking them up: a reading extends one that is stored, and that no other process has stored one
 * of the same sequence is for the store to say. If one has, the heads are read again.
 */
export class Intake {
  readonly log: ReadingLog;
  private readonly commit = new GroupCommit<Item, ReadingAnswer>((items) => this.flush(items), { most: MOST });
  private readonly heads = new Map<string, Head | undefined>();
  private readonly budget: Budget;
  private stopped = new Set<bigint>();

  constructor(private readonly options: IntakeOptions) {
    this.log = new ReadingLog(options.db);
    this.budget = new Budget(options.perNode ?? PER_NODE);
  }

  /**
   * Resolves to an answer for each reading, once what is accepted is durable.
   * @param isFree whether they do not count against their nodes' budgets, because another signer has taken them
   */
  take(readings: readonly Signed<Reading>[], { isFree } = { isFree: false }): Promise<ReadingAnswer[]> {
    return Promise.all(readings.map(async (reading) => this.takeOne(reading, isFree)));
  }

  /** Whether a node has contradicted itself, as far as the last transaction has seen. */
  isStopped(nodeId: bigint): boolean {
    return this.stopped.has(nodeId);
  }

  /** Lets a node go on, whose contradiction a person has looked at. What is kept as evidence stays. */
  async clear(nodeId: bigint): Promise<void> {
    await this.options.db.deleteFrom("stopped_nodes").where("node_id", "=", toBlob(nodeId)).execute();
    await this.readStopped();
  }

  /** Reads which nodes are stopped. */
  async readStopped(): Promise<void> {
    const rows = await this.options.db.selectFrom("stopped_nodes").select("node_id").execute();
    this.stopped = new Set(rows.map(({ node_id }) => BigInt(fromBytes(node_id))));
  }

  private takeOne(reading: Signed<Reading>, isFree: boolean): ReadingAnswer | Promise<ReadingAnswer> {
    const { orderId, nodeId, measuredAt } = reading;
    const result = this.refusalFromMemory(reading);
    if (result !== undefined) return { result, next: 0n };
    const keys = this.options.documents.keysAt(nodeId, measuredAt);
    if (keys.length === 0) {
      this.options.documents.want(nodeId);
      return { result: "no-document", next: 0n };
    }
    return this.commit.add({ reading, author: authorKey({ orderId, nodeId }), keys, isFree });
  }

  /** Returns why a reading is refused by what is known of its order and node. */
  private refusalFromMemory({ orderId, nodeId, measuredAt }: Reading): ReadingResult | undefined {
    const { facts, clock } = this.options;
    const order = facts.order(orderId);
    if (order === undefined) return "unknown-order";
    if (order.closed) return "closed-order";
    if (facts.node(nodeId) === undefined) return "unknown-node";
    if (!mayWorkOn(facts, nodeId, order)) return "other-node";
    if (this.stopped.has(nodeId)) return "stopped-node";
    if (measuredAt < order.startedAt) return "before-start";
    if (measuredAt > clock.now() + MAX_AHEAD) return "ahead-of-time";
    return undefined;
  }

  private async flush(items: Item[]): Promise<ReadingAnswer[]> {
    for (let tries = 0; ; ++tries) {
      await this.readStopped();
      await this.readHeads(items);
      const plan = await this.plan(items);
      try {
        await this.store(plan);
      } catch (error) {
        if ((!isUniqueViolation(error) && !isAborted(error)) || tries === RETRIES) throw error;
        // another process has stored some of them, so what is in memory is old
        for (const { author } of items) this.heads.delete(author);
        continue;
      }
      for (const [author, head] of plan.heads) this.heads.set(author, head);
      if (plan.contradictions.length > 0) await this.readStopped();
      return plan.answers;
    }
  }

  /** Reads the heads that are not in memory. */
  private async readHeads(items: readonly Item[]): Promise<void> {
    for (const { author, reading } of items) {
      if (!this.heads.has(author)) this.heads.set(author, await this.log.head(reading));
    }
  }

  private async plan(items: readonly Item[]): Promise<Plan> {
    const plan: Plan = { answers: [], heads: new Map(), rows: [], contradictions: [] };
    for (const item of items) {
      const head = plan.heads.get(item.author) ?? this.heads.get(item.author);
      const { sequence } = item.reading;
      const isOld = head !== undefined && sequence <= head.sequence;
      const result = isOld ? await this.judgeOld(item, plan) : this.judgeNext(item, head, plan);
      if (result === "bad-signature") this.options.documents.want(item.reading.nodeId);
      const last = plan.heads.get(item.author) ?? head;
      plan.answers.push({ result, next: (last?.sequence ?? 0n) + 1n });
    }
    return plan;
  }

  /** Judges a reading that is to be the next of its chain. */
  private judgeNext(item: Item, head: Head | undefined, plan: Plan): ReadingResult {
    const { reading, author } = item;
    const { sequence, previous, cumulativeTU, measuredAt, nodeId } = reading;
    if (sequence !== (head?.sequence ?? 0n) + 1n || previous !== (head?.digest ?? ZERO_HASH)) return "broken-chain";
    if (head !== undefined && cumulativeTU < head.cumulativeTU) return "falling-tu";
    if (head !== undefined && measuredAt < head.measuredAt + READING_INTERVAL) return "too-soon";

    const { digest, hex, signature, signer } = this.check(item);
    if (signer === undefined) return "bad-signature";
    item.isPaid ??= item.isFree || this.budget.take(String(nodeId));
    if (!item.isPaid) return "over-budget";
    plan.rows.push(rowOf(reading, digest, signature, signer));
    plan.heads.set(author, { sequence, digest: hex, cumulativeTU, measuredAt });
    return "accepted";
  }

  /** Judges a reading of whose sequence there is one: it is the same, or contradicts it. */
  private async judgeOld(item: Item, { rows, contradictions }: Plan): Promise<ReadingResult> {
    const { reading } = item;
    const { orderId, nodeId, sequence } = reading;
    const isSame = (row: ReadingRow) => row.sequence === sequence && isOf(row, reading);
    const stored = rows.find(isSame) ?? (await this.log.at({ orderId, nodeId }, sequence));
    if (stored === undefined) return "broken-chain";
    const digest = this.options.verifier.digest(reading);
    if (Buffer.compare(stored.digest, digest) === 0) return "known";

    const { signature, signer } = this.check(item);
    if (signer === undefined) return "bad-signature";
    contradictions.push(rowOf(reading, digest, signature, signer));
    return "equivocation";
  }

  private check(item: Item): NonNullable<Item["checked"]> {
    const { verifier } = this.options;
    if (item.checked === undefined) {
      const digest = verifier.digest(item.reading);
      const signature = toBytes(item.reading.signature);
      const signer = verifier.signerAmong(item.keys, digest, signature);
      item.checked = { digest, hex: fromBytes(digest), signature, signer };
    }
    return item.checked;
  }

  private async store({ rows, contradictions }: Plan): Promise<void> {
    const { db } = this.options;
    if (rows.length === 0 && contradictions.length === 0) return;
    step("intake.readings.before-store");
    await db.transaction().execute(async (transaction) => {
      // in one order, so that two processes do not wait for each other
      await this.log.insert(transaction, rows.sort(byKey));
      for (const row of contradictions) {
        const kept = await transaction
          .insertInto("equivocations")
          .values(row)
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst();
        // one that was kept before was perhaps looked at, and the node cleared
        if (kept.numInsertedOrUpdatedRows === 0n) continue;
        const { node_id, order_id, sequence } = row;
        await transaction
          .insertInto("stopped_nodes")
          .values({ node_id, order_id, sequence, since: this.options.clock.now() })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
    });
    step("intake.readings.stored");
  }
}

/** Returns the key of an author's head in memory. */
function authorKey({ orderId, nodeId }: Author): string {
  return `${orderId}-${nodeId}`;
}

function isOf(row: ReadingRow, { orderId, nodeId }: Author): boolean {
  return Buffer.compare(row.order_id, toBlob(orderId)) === 0 && Buffer.compare(row.node_id, toBlob(nodeId)) === 0;
}

function byKey(a: ReadingRow, b: ReadingRow): number {
  const byAuthor = Buffer.compare(a.order_id, b.order_id) || Buffer.compare(a.node_id, b.node_id);
  return byAuthor !== 0 ? byAuthor : Number(a.sequence - b.sequence);
}
