import type { Attempt, Journal } from "@turingfog/operator";
import { max, TuringFogError } from "@turingfog/sdk";
import { formatEther, getAddress } from "ethers";
import type { Kysely } from "kysely";

import { type Clock, step } from "../runtime/index.js";
import { type ColumnTypes, fromBlob, fromBytes, toBlob, toBytes } from "../store/index.js";

/** A transaction that was signed, before it was sent: a row of the table `ROLE_attempts`. */
export interface AttemptRow {
  hash: Uint8Array;
  call: string;
  sender: Uint8Array;
  nonce: bigint;
  gas_limit: Uint8Array;
  max_fee: Uint8Array;
  max_tip: Uint8Array;
  /** Unix seconds. */
  signed_at: bigint;
  /** Wei that it has cost; null while that is not known. */
  cost: Uint8Array | null;
}

/** Roles that send transactions through an outbox. */
export type SendingRole = "keeper" | "gateway";

/** Creates the table of a role's outbox. */
export async function createAttempts(
  db: Kysely<unknown>,
  role: SendingRole,
  { blob, integer, text }: ColumnTypes,
): Promise<void> {
  await db.schema
    .createTable(`${role}_attempts`)
    .addColumn("hash", blob, (column) => column.primaryKey())
    .addColumn("call", text, (column) => column.notNull())
    .addColumn("sender", blob, (column) => column.notNull())
    .addColumn("nonce", integer, (column) => column.notNull())
    .addColumn("gas_limit", blob, (column) => column.notNull())
    .addColumn("max_fee", blob, (column) => column.notNull())
    .addColumn("max_tip", blob, (column) => column.notNull())
    .addColumn("signed_at", integer, (column) => column.notNull())
    .addColumn("cost", blob)
    .execute();
}

/** Returns the steps of a role's outbox: before and after its durable write. */
export function outboxSteps<R extends SendingRole>(role: R) {
  return [`${role}.attempt.before-store`, `${role}.attempt.stored`] as const;
}

/** Seconds of the budget. */
const DAY = 86_400n;

/** Seconds for which attempts are kept: far longer than a transaction can wait. */
const KEPT = 30n * DAY;

/** Thrown when a transaction could cost more than is left of the day's budget. It was not sent. */
export class BudgetUsedUpError extends TuringFogError {
  constructor(
    readonly call: string,
    readonly cost: bigint,
    readonly spent: bigint,
    readonly budget: bigint,
  ) {
    const [needs, has, most] = [cost, spent, budget].map(formatEther);
    super(
      `"${call}" may cost ${needs}, ${has} of the daily budget of ${most} went in the last 24 hours: ` +
        "it is sent when there is room again, or raise dailyBudget",
    );
  }
}

/** A transaction that was signed. */
export interface KeptAttempt extends Attempt {
  /** Unix seconds. */
  signedAt: bigint;
  /** Wei that it has cost; undefined while that is not known. */
  cost?: bigint;
}

/** What a role has signed, in its store, within a budget of a day. */
export class TransactionOutbox implements Journal {
  private constructor(
    private readonly db: Kysely<Record<string, AttemptRow>>,
    private readonly role: SendingRole,
    private readonly clock: Clock,
    /** Wei in 24 hours. */
    private readonly budget: bigint,
    private kept: KeptAttempt[],
  ) {}

  /**
   * Opens the outbox of a role, whose table `createAttempts` has made.
   * @param budget wei in 24 hours
   */
  static async open(
    role: SendingRole,
    db: Kysely<Record<string, AttemptRow>>,
    clock: Clock,
    budget: bigint,
  ): Promise<TransactionOutbox> {
    const rows = await db.selectFrom(`${role}_attempts`).selectAll().orderBy("signed_at").orderBy("nonce").execute();
    const kept = rows.map((row) => ({
      call: row.call,
      from: getAddress(fromBytes(row.sender)),
      nonce: Number(row.nonce),
      hash: fromBytes(row.hash),
      gasLimit: fromBlob(row.gas_limit),
      maxFeePerGas: fromBlob(row.max_fee),
      maxPriorityFeePerGas: fromBlob(row.max_tip),
      signedAt: row.signed_at,
      cost: row.cost === null ? undefined : fromBlob(row.cost),
    }));
    return new TransactionOutbox(db, role, clock, budget, kept);
  }

  private get table(): string {
    return `${this.role}_attempts`;
  }

  get attempts(): readonly KeptAttempt[] {
    return this.kept;
  }

  /** @throws BudgetUsedUpError */
  async record(attempt: Attempt): Promise<void> {
    const now = this.clock.now();
    const cost = attempt.gasLimit * attempt.maxFeePerGas;
    const spent = this.spent(now, attempt);
    if (spent + cost > this.budget) throw new BudgetUsedUpError(attempt.call, cost, spent, this.budget);
    const [before, stored] = outboxSteps(this.role);
    step(before);
    await this.db
      .deleteFrom(this.table)
      .where("signed_at", "<", now - KEPT)
      .execute();
    await this.db
      .insertInto(this.table)
      .values({
        hash: toBytes(attempt.hash),
        call: attempt.call,
        sender: toBytes(attempt.from),
        nonce: BigInt(attempt.nonce),
        gas_limit: toBlob(attempt.gasLimit),
        max_fee: toBlob(attempt.maxFeePerGas),
        max_tip: toBlob(attempt.maxPriorityFeePerGas),
        signed_at: now,
        cost: null,
      })
      .execute();
    this.kept = [...this.kept.filter(({ signedAt }) => signedAt >= now - KEPT), { ...attempt, signedAt: now }];
    step(stored);
  }

  /** Notes what a transaction has cost. */
  async mined(hash: string, cost: bigint): Promise<void> {
    await this.db
      .updateTable(this.table)
      .set({ cost: toBlob(cost) })
      .where("hash", "=", toBytes(hash))
      .execute();
    this.kept = this.kept.map((each) => (each.hash === hash ? { ...each, cost } : each));
  }

  /** Returns the wei of the last 24 hours: of each nonce of a key what it has cost, or the most that it can. */
  spent(now: bigint, except?: Pick<Attempt, "from" | "nonce">): bigint {
    const byNonce = new Map<string, bigint>();
    for (const { from, nonce, signedAt, cost, gasLimit, maxFeePerGas } of this.kept) {
      if (signedAt <= now - DAY || (from === except?.from && nonce === except.nonce)) continue;
      const id = `${from} ${nonce}`;
      byNonce.set(id, cost ?? max(byNonce.get(id) ?? 0n, gasLimit * maxFeePerGas));
    }
    return [...byNonce.values()].reduce((sum, cost) => sum + cost, 0n);
  }
}
