import type { Migrations } from "../store/index.js";

/** Outcome of a root; `before`: it was final at the first look; `unseen`: it became final before its file was had. */
export type Outcome = "right" | "contradicted" | "before" | "unseen";

export interface WatchTables {
  /** Roots that were checked. One that expired may be submitted again. */
  watch_roots: { receipts_root: Uint8Array; submitted_at: bigint; outcome: Outcome; findings: string };
  /** The last receipt of an order and node in a file that was right. */
  watch_chains: { order_id: Uint8Array; node_id: Uint8Array; cumulative_tu: Uint8Array; measured_at: bigint };
  /** All that a node has in such files: TU, 18 decimals, the seconds that they took, and the number of files. */
  watch_nodes: { node_id: Uint8Array; tu: Uint8Array; seconds: bigint; files: bigint };
  watch_alarms: { id: string; body: string; raised_at: bigint };
  /** Posts to be made, and the SHA-256 of the address, which may give access. */
  watch_deliveries: { alarm: string; webhook: Uint8Array; delivered: bigint };
  /** Number of the present time in which something can be checked, or nothing can. There from the first look on. */
  watch_state: { id: bigint; episode: bigint };
}

export const WATCH_MIGRATIONS: Migrations = {
  "watch-1": async (db, { blob, integer, text }) => {
    await db.schema
      .createTable("watch_roots")
      .addColumn("receipts_root", blob, (column) => column.notNull())
      .addColumn("submitted_at", integer, (column) => column.notNull())
      .addColumn("outcome", text, (column) => column.notNull())
      .addColumn("findings", text, (column) => column.notNull())
      .addPrimaryKeyConstraint("watch_roots_key", ["receipts_root", "submitted_at"])
      .execute();
    await db.schema
      .createTable("watch_chains")
      .addColumn("order_id", blob, (column) => column.notNull())
      .addColumn("node_id", blob, (column) => column.notNull())
      .addColumn("cumulative_tu", blob, (column) => column.notNull())
      .addColumn("measured_at", integer, (column) => column.notNull())
      .addPrimaryKeyConstraint("watch_chains_key", ["order_id", "node_id"])
      .execute();
    await db.schema
      .createTable("watch_nodes")
      .addColumn("node_id", blob, (column) => column.primaryKey().notNull())
      .addColumn("tu", blob, (column) => column.notNull())
      .addColumn("seconds", integer, (column) => column.notNull())
      .addColumn("files", integer, (column) => column.notNull())
      .execute();
    await db.schema
      .createTable("watch_alarms")
      .addColumn("id", text, (column) => column.primaryKey().notNull())
      .addColumn("body", text, (column) => column.notNull())
      .addColumn("raised_at", integer, (column) => column.notNull())
      .execute();
    await db.schema
      .createTable("watch_deliveries")
      .addColumn("alarm", text, (column) => column.notNull())
      .addColumn("webhook", blob, (column) => column.notNull())
      .addColumn("delivered", integer, (column) => column.notNull())
      .addPrimaryKeyConstraint("watch_deliveries_key", ["alarm", "webhook"])
      .execute();
    await db.schema
      .createTable("watch_state")
      .addColumn("id", integer, (column) => column.primaryKey().notNull())
      .addColumn("episode", integer, (column) => column.notNull())
      .execute();
  },
};
