import { type AttemptRow, createAttempts } from "../sending/index.js";
import type { Migrations } from "../store/index.js";

/**
 * States of a session. `quoted`, `checkout`, `paid`, `approved`, `opened`, `delivered`, `owed` and `refunded` follow each
 * other, of which an order may leave out `delivered`. A payment that opens no order goes from `checkout`, `paid` or
 * `approved` to `owed`. `expired` ends what was never paid, `refunded` all else.
 */
export type SessionState =
  "quoted" | "checkout" | "expired" | "paid" | "approved" | "opened" | "delivered" | "owed" | "refunded";

export type Dispute = "open" | "won" | "lost";

/** A quote and what became of it: one row per checkout session. Times are unix seconds, prices minor units. */
export interface SessionRow {
  /** Drawn at random: whoever knows it sees the session. */
  id: string;
  state: SessionState;
  created_at: bigint;
  changed_at: bigint;
  currency: string;
  price: bigint;
  refund_fee: bigint;
  /** Basis points, and units of the currency for a whole unit of the asset. */
  margin: bigint;
  rate: string;
  /** 0 for a joint order. */
  node_id: Uint8Array;
  asset: Uint8Array;
  /** 18 decimals. */
  tu_amount: Uint8Array;
  /** Address of the payer that the order is for; null in a row of before it was noted. */
  payer: Uint8Array | null;
  /** Base units of the asset: for a whole TU at most, and for the order. */
  unit_price: Uint8Array;
  deposit: Uint8Array;
  duration: bigint;
  /** The job, as JSON; see `JobAsked`. */
  job: string;
  quote_expires_at: bigint;
  checkout_expires_at: bigint | null;
  /** Stripe's id of the checkout session, its address, and the id of its payment. */
  session: string | null;
  url: string | null;
  payment_intent: string | null;
  paid_at: bigint | null;
  /** What it was paid in, which may be another currency than it was quoted in; null while it is not known. */
  paid_currency: string | null;
  approved_at: bigint | null;
  /** Nodes that get the job, as JSON; see `Reached`. */
  reached: string | null;
  order_id: Uint8Array | null;
  /** Base units of the asset that the order was opened with. */
  paid_deposit: Uint8Array | null;
  handed_at: bigint | null;
  acknowledged_tu: Uint8Array | null;
  delivered_at: bigint | null;
  /** Base units of the asset that the contract paid back. */
  paid_back: Uint8Array | null;
  /** Minor units that must be back on the card in the end, and those that are. */
  due: bigint | null;
  refunded: bigint | null;
  /** How often Stripe has refused to refund it. */
  refusals: bigint;
  /** Why no order was opened, or why one was stopped. */
  reason: string;
  dispute: Dispute | null;
  /** Minor units of the dispute. */
  disputed: bigint | null;
}

/** Webhooks that were taken, by Stripe's id of their event. */
export interface EventRow {
  id: string;
  type: string;
  /** A checkout session or a payment. */
  subject: string;
  received_at: bigint;
  /** 1 once what it is about was looked at. */
  handled: bigint;
}

export interface GatewayTables {
  gateway_sessions: SessionRow;
  gateway_events: EventRow;
  gateway_attempts: AttemptRow;
}

export const GATEWAY_MIGRATIONS: Migrations = {
  "gateway-1": async (db, types) => {
    const { blob, integer, text } = types;
    await createAttempts(db, "gateway", types);
    let table = db.schema.createTable("gateway_sessions").addColumn("id", text, (column) => column.primaryKey());
    const required = {
      state: text,
      ...{ created_at: integer, changed_at: integer, currency: text, price: integer, refund_fee: integer },
      ...{ margin: integer, rate: text, node_id: blob, asset: blob, tu_amount: blob, unit_price: blob, deposit: blob },
      ...{ duration: integer, job: text, quote_expires_at: integer, reason: text },
    };
    for (const [name, type] of Object.entries(required))
      table = table.addColumn(name, type, (column) => column.notNull());
    const optional = {
      ...{ checkout_expires_at: integer, url: text, payment_intent: text, paid_at: integer, approved_at: integer },
      ...{ reached: text, order_id: blob, paid_deposit: blob, handed_at: integer, acknowledged_tu: blob },
      ...{ delivered_at: integer, paid_back: blob, due: integer, refunded: integer, dispute: text, disputed: integer },
    };
    for (const [name, type] of Object.entries(optional)) table = table.addColumn(name, type);
    await table.addColumn("session", text, (column) => column.unique()).execute();
    await db.schema.createIndex("gateway_sessions_state").on("gateway_sessions").column("state").execute();
    await db.schema.createIndex("gateway_sessions_payment").on("gateway_sessions").column("payment_intent").execute();
    await db.schema
      .createTable("gateway_events")
      .addColumn("id", text, (column) => column.primaryKey())
      .addColumn("type", text, (column) => column.notNull())
      .addColumn("subject", text, (column) => column.notNull())
      .addColumn("received_at", integer, (column) => column.notNull())
      .addColumn("handled", integer, (column) => column.notNull())
      .execute();
  },
  "gateway-2": async (db, { blob, integer, text }) => {
    const table = () => db.schema.alterTable("gateway_sessions");
    await table()
      .addColumn("refusals", integer, (column) => column.notNull().defaultTo(0))
      .execute();
    await table().addColumn("paid_currency", text).execute();
    await table().addColumn("payer", blob).execute();
  },
};
