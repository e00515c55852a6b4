import type { Migrations } from "../store/index.js";

/** The last document of each node that uses the relay. */
export interface RelayTables {
  relay_documents: { node_id: Uint8Array; sequence: bigint; body: string };
}

export const RELAY_MIGRATIONS: Migrations = {
  "relay-1": async (db, { blob, integer, text }) => {
    await db.schema
      .createTable("relay_documents")
      .addColumn("node_id", blob, (column) => column.primaryKey().notNull())
      .addColumn("sequence", integer, (column) => column.notNull())
      .addColumn("body", text, (column) => column.notNull())
      .execute();
  },
};
