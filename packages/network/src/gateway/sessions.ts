import { TuringFogError } from "@turingfog/sdk";
import { keccak256, toUtf8Bytes } from "ethers";
import type { Kysely } from "kysely";

import { step } from "../runtime/index.js";
import { fromBytes, toBytes } from "../store/index.js";
import type { EventRow, GatewayTables, SessionRow, SessionState } from "./tables.js";

/** What changes a session. Each is durable before what follows from it is done. */
const CHANGES = [
  "quote",
  "accept",
  "checkout",
  "payment",
  "approval",
  "order",
  "hand-over",
  "acknowledgement",
  "delivery",
  "stop",
  "rest",
  "refund",
  "refusal",
  "dispute",
  "event",
] as const;

export type Change = (typeof CHANGES)[number];

/** Before and after each durable write. */
export const SESSION_STEPS = CHANGES.flatMap((change) => stepsOf(change));

function stepsOf(change: Change) {
  return [`gateway.${change}.before-store`, `gateway.${change}.stored`] as const;
}

/** Thrown when a session is not any more what a change was made for: somebody else was first. */
export class SessionChangedError extends TuringFogError {
  constructor(
    readonly id: string,
    readonly state: SessionState,
  ) {
    super(`A session is not ${state} any more, or its payment was disputed: look at it again`);
  }
}

/** Seconds for which webhooks that were handled are kept: far longer than Stripe repeats them. */
const KEPT = 30n * 86_400n;

/** Returns the reference by which an order is paid for a checkout session: the contract takes it once. */
export function paymentRefOf(session: string): string {
  return keccak256(toUtf8Bytes(`stripe:${session}`));
}

/** Returns the currency of what was paid, and is due: the quote's while nothing is paid. */
export function paidIn({ paid_currency: paid, currency }: Pick<SessionRow, "paid_currency" | "currency">): string {
  return paid ?? currency;
}

/** Returns the address, in lower case, of the payer that an order is for: the present one of a row of before it was noted. */
export function payerOf({ payer }: Pick<SessionRow, "payer">, present: string): string {
  return payer === null ? present.toLowerCase() : fromBytes(payer);
}

/** Whether an order is for a payer whose key was replaced. */
export function isFormer(row: Pick<SessionRow, "payer">, present: string): boolean {
  return payerOf(row, present) !== present.toLowerCase();
}

/** Whether a session was quoted in another asset than orders are paid in now. */
export function isOfOtherAsset({ asset }: Pick<SessionRow, "asset">, present: string): boolean {
  return fromBytes(asset) !== present.toLowerCase();
}

/** Thrown when only the key of a payer can do something that is the gateway's payer no more. */
export class FormerPayerError extends TuringFogError {
  constructor(payer: string, what: string) {
    super(`${what}: that takes the key of the former payer ${payer}; see docs/operators/gateway.md`);
  }
}

/** The sessions of a gateway, in its store. */
export class Sessions {
  constructor(
    private readonly db: Kysely<GatewayTables>,
    /** Unix seconds. */
    private readonly now: () => bigint,
  ) {}

  async create(row: SessionRow): Promise<void> {
    await stored("quote", () => this.db.insertInto("gateway_sessions").values(row).execute());
  }

  /** Has the present payer be that of each session of before it was noted. */
  async adopt(payer: string): Promise<void> {
    const values = { payer: toBytes(payer) };
    await this.db.updateTable("gateway_sessions").set(values).where("payer", "is", null).execute();
  }

  byId(id: string): Promise<SessionRow | undefined> {
    return this.one("id", id);
  }

  bySession(session: string): Promise<SessionRow | undefined> {
    return this.one("session", session);
  }

  byPayment(paymentIntent: string): Promise<SessionRow | undefined> {
    return this.one("payment_intent", paymentIntent);
  }

  /** Returns the sessions in some states, the earliest first. */
  in(...states: SessionState[]): Promise<SessionRow[]> {
    return this.db
      .selectFrom("gateway_sessions")
      .selectAll()
      .where("state", "in", states)
      .orderBy("created_at")
      .orderBy("id")
      .execute();
  }

  /**
   * Returns the sessions whose order was decided on since a time, in unix seconds, and which may have one, and those whose
   * order is still to be opened, however long ago that was decided.
   */
  approvedSince(time: bigint): Promise<SessionRow[]> {
    return this.db
      .selectFrom("gateway_sessions")
      .selectAll()
      .where((where) =>
        where.or([
          where.and([where("order_id", "is not", null), where("approved_at", ">", time)]),
          where("state", "=", "approved"),
        ]),
      )
      .execute();
  }

  /** Returns the sessions whose payment or its rest was refunded since a time, in unix seconds, the latest first. */
  refundedSince(time: bigint): Promise<SessionRow[]> {
    return this.db
      .selectFrom("gateway_sessions")
      .selectAll()
      .where("state", "=", "refunded")
      .where("changed_at", ">=", time)
      .orderBy("changed_at", "desc")
      .orderBy("id")
      .execute();
  }

  /** Returns how many sessions are in each state, and how many payments are disputed. */
  async counts(): Promise<{ states: Map<SessionState, number>; disputed: number }> {
    const rows = await this.db
      .selectFrom("gateway_sessions")
      .select(({ fn }) => ["state", "dispute", fn.countAll().as("count")])
      .groupBy(["state", "dispute"])
      .execute();
    const states = new Map<SessionState, number>();
    for (const { state, count } of rows) states.set(state, (states.get(state) ?? 0) + Number(count));
    const disputed = rows.filter(({ dispute }) => dispute === "open");
    return { states, disputed: disputed.reduce((sum, { count }) => sum + Number(count), 0) };
  }

  /** Returns the ids of sessions that were over at a time, in unix seconds. */
  async overSince(time: bigint): Promise<string[]> {
    const rows = await this.db
      .selectFrom("gateway_sessions")
      .select("id")
      .where("state", "in", ["expired", "refunded"])
      .where("changed_at", "<", time)
      .execute();
    return rows.map(({ id }) => id);
  }

  all(): Promise<SessionRow[]> {
    return this.db.selectFrom("gateway_sessions").selectAll().orderBy("created_at").orderBy("id").execute();
  }

  /**
   * Changes a session, if it is still in the state in which it was read, and as much disputed.
   * @returns the session as it is now
   * @throws SessionChangedError
   */
  async change(change: Change, row: SessionRow, values: Partial<SessionRow>): Promise<SessionRow> {
    const changed = { ...values, changed_at: this.now() };
    await stored(change, async () => {
      const { numUpdatedRows } = await this.db
        .updateTable("gateway_sessions")
        .set(changed)
        .where("id", "=", row.id)
        .where("state", "=", row.state)
        .where("dispute", row.dispute === null ? "is" : "=", row.dispute)
        .executeTakeFirst();
      if (numUpdatedRows !== 1n) throw new SessionChangedError(row.id, row.state);
    });
    return { ...row, ...changed };
  }

  /** Deletes quotes that nobody has accepted in time. */
  async forgetQuotes(before: bigint): Promise<string[]> {
    const gone = await this.db
      .selectFrom("gateway_sessions")
      .select("id")
      .where("state", "=", "quoted")
      .where("checkout_expires_at", "is", null)
      .where("quote_expires_at", "<", before)
      .execute();
    for (const { id } of gone) {
      await this.db.deleteFrom("gateway_sessions").where("id", "=", id).where("state", "=", "quoted").execute();
    }
    return gone.map(({ id }) => id);
  }

  /** Takes a webhook, once. */
  async take(event: Pick<EventRow, "id" | "type" | "subject">): Promise<void> {
    const row = { ...event, received_at: this.now(), handled: 0n };
    await stored("event", () =>
      this.db
        .insertInto("gateway_events")
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
    );
  }

  /** Returns the webhooks that wait, the earliest first. */
  waiting(): Promise<EventRow[]> {
    return this.db
      .selectFrom("gateway_events")
      .selectAll()
      .where("handled", "=", 0n)
      .orderBy("received_at")
      .orderBy("id")
      .execute();
  }

  async handled({ id }: EventRow): Promise<void> {
    await this.db.updateTable("gateway_events").set({ handled: 1n }).where("id", "=", id).execute();
    await this.db
      .deleteFrom("gateway_events")
      .where("handled", "=", 1n)
      .where("received_at", "<", this.now() - KEPT)
      .execute();
  }

  private one(column: "id" | "session" | "payment_intent", value: string): Promise<SessionRow | undefined> {
    return this.db.selectFrom("gateway_sessions").selectAll().where(column, "=", value).executeTakeFirst();
  }
}

async function stored<T>(change: Change, write: () => Promise<T>): Promise<T> {
  const [before, after] = stepsOf(change);
  step(before);
  const result = await write();
  step(after);
  return result;
}
