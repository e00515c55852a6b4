import type { Migrations } from "../../store/index.js";

/** A reading whose signature was checked, as it stands in the store. */
export interface ReadingRow {
  order_id: Uint8Array;
  node_id: Uint8Array;
  sequence: bigint;
  /** 18 decimals. */
  cumulative_tu: Uint8Array;
  measured_at: bigint;
  evidence: Uint8Array;
  previous: Uint8Array;
  digest: Uint8Array;
  signature: Uint8Array;
  /** The account whose key has signed it. */
  meter_key: Uint8Array;
}

/** What intake keeps. Readings are never changed; `equivocations` has those that contradict one of them. */
export interface IntakeTables {
  readings: ReadingRow;
  equivocations: ReadingRow;
  /** Nodes that have contradicted themselves, until a person clears them. */
  stopped_nodes: { node_id: Uint8Array; order_id: Uint8Array; sequence: bigint; since: bigint };
  /** Documents of nodes, in their format. */
  node_documents: {
    node_id: Uint8Array;
    sequence: Uint8Array;
    hash: Uint8Array;
    document: string;
    first_seen: bigint;
    /** Who has signed it and owned the node then. */
    owner: Uint8Array;
  };
}

export const INTAKE_MIGRATIONS: Migrations = {
  "intake-1": async (db, { blob, integer, text }) => {
    const readings = (table: string) =>
      db.schema
        .createTable(table)
        .addColumn("order_id", blob, (column) => column.notNull())
        .addColumn("node_id", blob, (column) => column.notNull())
        .addColumn("sequence", integer, (column) => column.notNull())
        .addColumn("cumulative_tu", blob, (column) => column.notNull())
        .addColumn("measured_at", integer, (column) => column.notNull())
        .addColumn("evidence", blob, (column) => column.notNull())
        .addColumn("previous", blob, (column) => column.notNull())
        .addColumn("digest", blob, (column) => column.notNull())
        .addColumn("signature", blob, (column) => column.notNull())
        .addColumn("meter_key", blob, (column) => column.notNull());
    const chain = ["order_id", "node_id", "sequence"] as const;
    await readings("readings")
      .addPrimaryKeyConstraint("readings_key", [...chain])
      .execute();
    await readings("equivocations")
      .addPrimaryKeyConstraint("equivocations_key", [...chain, "digest"])
      .execute();
    await db.schema
      .createTable("stopped_nodes")
      .addColumn("node_id", blob, (column) => column.primaryKey().notNull())
      .addColumn("order_id", blob, (column) => column.notNull())
      .addColumn("sequence", integer, (column) => column.notNull())
      .addColumn("since", integer, (column) => column.notNull())
      .execute();
    await db.schema
      .createTable("node_documents")
      .addColumn("node_id", blob, (column) => column.notNull())
      .addColumn("sequence", blob, (column) => column.notNull())
      .addColumn("hash", blob, (column) => column.notNull())
      .addColumn("document", text, (column) => column.notNull())
      .addColumn("first_seen", integer, (column) => column.notNull())
      .addPrimaryKeyConstraint("node_documents_key", ["node_id", "sequence", "hash"])
      .execute();
  },
  "intake-2": async (db, { blob, integer, text }) => {
    // whose documents these were is not known: they are fetched again
    await db.schema.dropTable("node_documents").execute();
    await db.schema
      .createTable("node_documents")
      .addColumn("node_id", blob, (column) => column.notNull())
      .addColumn("sequence", blob, (column) => column.notNull())
      .addColumn("hash", blob, (column) => column.notNull())
      .addColumn("document", text, (column) => column.notNull())
      .addColumn("first_seen", integer, (column) => column.notNull())
      .addColumn("owner", blob, (column) => column.notNull())
      .addPrimaryKeyConstraint("node_documents_by_owner", ["node_id", "owner", "sequence", "hash"])
      .execute();
  },
};

/** Where intake stands before and after its durable writes. */
export const INTAKE_STEPS = [
  "intake.readings.before-store",
  "intake.readings.stored",
  "intake.document.before-store",
  "intake.document.stored",
] as const;
