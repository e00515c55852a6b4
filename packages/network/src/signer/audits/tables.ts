import type { ColumnDefinitionBuilder } from "kysely";

import type { Migrations } from "../../store/index.js";

/** A claim whose signature was checked, and what became of it. */
export interface ClaimRow {
  order_id: Uint8Array;
  node_id: Uint8Array;
  round: bigint;
  start_hash: Uint8Array;
  end_hash: Uint8Array;
  images: bigint;
  digest: Uint8Array;
  signature: Uint8Array;
  /** Time of the last final block when it was taken. */
  taken_at: bigint;
  /** 1 if it is audited, 0 if not; null until it is drawn. */
  drawn: bigint | null;
  /** `right`, or what is false; null until it was recomputed. */
  outcome: string | null;
}

/** What a signer keeps of joint training. */
export interface AuditTables {
  round_claims: ClaimRow;
  /** Claims of a round of which the signer has another one: evidence against the worker. */
  claim_contradictions: {
    order_id: Uint8Array;
    node_id: Uint8Array;
    round: bigint;
    digest: Uint8Array;
    /** The claim in its format. */
    claim: string;
  };
  /** Orders whose job this signer can read: the age identities of the jobs' keys. */
  training_grants: { order_id: Uint8Array; identity: string };
}

const required = (column: ColumnDefinitionBuilder) => column.notNull();

export const AUDIT_MIGRATIONS: Migrations = {
  "audits-1": async (db, { blob, integer, text }) => {
    await db.schema
      .createTable("round_claims")
      .addColumn("order_id", blob, required)
      .addColumn("node_id", blob, required)
      .addColumn("round", integer, required)
      .addColumn("start_hash", blob, required)
      .addColumn("end_hash", blob, required)
      .addColumn("images", integer, required)
      .addColumn("digest", blob, required)
      .addColumn("signature", blob, required)
      .addColumn("taken_at", integer, required)
      .addColumn("drawn", integer)
      .addColumn("outcome", text)
      .addPrimaryKeyConstraint("round_claims_key", ["order_id", "node_id", "round"])
      .execute();
    await db.schema
      .createTable("claim_contradictions")
      .addColumn("order_id", blob, required)
      .addColumn("node_id", blob, required)
      .addColumn("round", integer, required)
      .addColumn("digest", blob, required)
      .addColumn("claim", text, required)
      .addPrimaryKeyConstraint("claim_contradictions_key", ["order_id", "node_id", "round", "digest"])
      .execute();
    await db.schema
      .createTable("training_grants")
      .addColumn("order_id", blob, (column) => column.primaryKey().notNull())
      .addColumn("identity", text, required)
      .execute();
  },
};

export const AUDIT_STEPS = [
  "signer.claim.before-store",
  "signer.claim.stored",
  "signer.training-grant.before-store",
  "signer.training-grant.stored",
  "signer.audit.before-draw",
  "signer.audit.drawn",
  "signer.audit.before-outcome",
  "signer.audit.outcome-stored",
] as const;
