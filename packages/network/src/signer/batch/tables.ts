import type { ColumnDefinitionBuilder } from "kysely";

import type { Migrations } from "../../store/index.js";

/** What a signer remembers of receipt files. Hashes and accounts are bytes, times and numbers integers. */
export interface BatchTables {
  /** Files that this signer signs; it has stored each before. */
  batch_files: {
    data_hash: Uint8Array;
    receipts_root: Uint8Array;
    /** Ascends with the files. */
    number: bigint;
    interval: bigint;
    proposer: Uint8Array;
    bytes: bigint;
    stored_at: bigint;
    /** When a quorum of signatures was there first; of the signer set in force. */
    quorum_at: bigint | null;
    /** 1 once the file was deleted. */
    gone: bigint;
  };
  /** The receipts of those files. */
  batch_receipts: {
    data_hash: Uint8Array;
    order_id: Uint8Array;
    node_id: Uint8Array;
    cumulative_tu: Uint8Array;
    measured_at: bigint;
  };
  /** What signers have announced, this one included. */
  batch_proposals: {
    sender: Uint8Array;
    interval: bigint;
    attempt: string;
    data_hash: Uint8Array;
    /** The announcement. */
    body: string;
    /** `new` until the file was looked at, then `signed` or `refused`. */
    state: string;
  };
  /** Answers of other signers to this one's proposals. */
  batch_answers: { data_hash: Uint8Array; signer: Uint8Array; body: string };
  /** Signers that were to sign a repeat of this one, until they sign one. */
  batch_owing: { signer: Uint8Array };
  batch_signatures: { data_hash: Uint8Array; version: bigint; signer: Uint8Array; signature: Uint8Array };
  /** Messages to other signers, until each was taken. */
  batch_outbox: { receiver: Uint8Array; path: string; body: string; until: bigint };
  /** Files whose root was vetoed; `cleared` is 1 once a person has looked into it. */
  batch_vetoes: { data_hash: Uint8Array; cleared: bigint };
}

const required = (column: ColumnDefinitionBuilder) => column.notNull();

export const BATCH_MIGRATIONS: Migrations = {
  "batch-1": async (db, { blob, integer, text }) => {
    await db.schema
      .createTable("batch_files")
      .addColumn("data_hash", blob, (column) => column.primaryKey().notNull())
      .addColumn("receipts_root", blob, required)
      .addColumn("number", integer, (column) => column.unique().notNull())
      .addColumn("interval", integer, required)
      .addColumn("proposer", blob, required)
      .addColumn("bytes", integer, required)
      .addColumn("stored_at", integer, required)
      .addColumn("quorum_at", integer)
      .addColumn("gone", integer, required)
      .execute();
    await db.schema
      .createTable("batch_receipts")
      .addColumn("data_hash", blob, required)
      .addColumn("order_id", blob, required)
      .addColumn("node_id", blob, required)
      .addColumn("cumulative_tu", blob, required)
      .addColumn("measured_at", integer, required)
      .addPrimaryKeyConstraint("batch_receipts_key", ["data_hash", "order_id", "node_id"])
      .execute();
    await db.schema
      .createTable("batch_proposals")
      .addColumn("sender", blob, required)
      .addColumn("interval", integer, required)
      .addColumn("attempt", text, required)
      .addColumn("data_hash", blob, required)
      .addColumn("body", text, required)
      .addColumn("state", text, required)
      .addPrimaryKeyConstraint("batch_proposals_key", ["sender", "interval", "attempt"])
      .execute();
    await db.schema
      .createTable("batch_answers")
      .addColumn("data_hash", blob, required)
      .addColumn("signer", blob, required)
      .addColumn("body", text, required)
      .addPrimaryKeyConstraint("batch_answers_key", ["data_hash", "signer"])
      .execute();
    await db.schema
      .createTable("batch_signatures")
      .addColumn("data_hash", blob, required)
      .addColumn("version", integer, required)
      .addColumn("signer", blob, required)
      .addColumn("signature", blob, required)
      .addPrimaryKeyConstraint("batch_signatures_key", ["data_hash", "version", "signer"])
      .execute();
    await db.schema
      .createTable("batch_outbox")
      .addColumn("receiver", blob, required)
      .addColumn("path", text, required)
      .addColumn("body", text, required)
      .addColumn("until", integer, required)
      .addPrimaryKeyConstraint("batch_outbox_key", ["receiver", "path", "body"])
      .execute();
    await db.schema
      .createTable("batch_vetoes")
      .addColumn("data_hash", blob, (column) => column.primaryKey().notNull())
      .addColumn("cleared", integer, required)
      .execute();
  },
  "batch-2": async (db, { blob }) => {
    await db.schema
      .createTable("batch_owing")
      .addColumn("signer", blob, (column) => column.primaryKey().notNull())
      .execute();
  },
};
