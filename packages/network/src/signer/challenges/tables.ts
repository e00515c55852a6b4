import { type ColumnDefinitionBuilder, sql } from "kysely";

import type { Migrations } from "../../store/index.js";

/** What a signer remembers of challenges. */
export interface ChallengeTables {
  challenges: {
    id: Uint8Array;
    node_id: Uint8Array;
    /** The order that has ended and of which it decides the rest; null of one that was drawn. */
    order_id: Uint8Array | null;
    seed: Uint8Array;
    size: bigint;
    seconds: bigint;
    drawn_at: bigint;
    /** When the node was given it: in unix seconds by the signer's clock, and in milliseconds by the system's. */
    given_at: bigint | null;
    given_ms: bigint | null;
    /** The node's answer, and the rows that it was asked for then. */
    root: Uint8Array | null;
    rows: string | null;
    /** `passed`, or why it was failed. */
    outcome: string | null;
  };
  /** The last slot of time that was drawn for. */
  challenge_slots: { id: bigint; slot: bigint };
}

const required = (column: ColumnDefinitionBuilder) => column.notNull();

export const CHALLENGE_MIGRATIONS: Migrations = {
  "challenges-1": async (db, { blob, integer, text }) => {
    await db.schema
      .createTable("challenges")
      .addColumn("id", blob, (column) => column.primaryKey().notNull())
      .addColumn("node_id", blob, required)
      .addColumn("order_id", blob)
      .addColumn("seed", blob, required)
      .addColumn("size", integer, required)
      .addColumn("seconds", integer, required)
      .addColumn("drawn_at", integer, required)
      .addColumn("given_at", integer)
      .addColumn("given_ms", integer)
      .addColumn("root", blob)
      .addColumn("rows", text)
      .addColumn("outcome", text)
      .execute();
    await db.schema.createIndex("challenges_by_node").on("challenges").columns(["node_id", "outcome"]).execute();
    await db.schema
      .createTable("challenge_slots")
      .addColumn("id", integer, (column) => column.primaryKey())
      .addColumn("slot", integer, required)
      .execute();
  },
  "challenges-2": async (db) => {
    await db.schema
      .createIndex("challenges_running")
      .on("challenges")
      .column("node_id")
      .where(sql.ref("outcome"), "is", null)
      .execute();
  },
};
