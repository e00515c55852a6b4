import { type AttemptRow, createAttempts, outboxSteps } from "../sending/index.js";
import type { Migrations } from "../store/index.js";

/** Transactions that were signed, each before it was sent, and the roots of which nothing is left to settle. */
export interface KeeperTables {
  keeper_attempts: AttemptRow;
  keeper_settled: { data_hash: Uint8Array };
}

export const KEEPER_MIGRATIONS: Migrations = {
  "keeper-1": async (db, types) => {
    await createAttempts(db, "keeper", types);
    await db.schema
      .createTable("keeper_settled")
      .addColumn("data_hash", types.blob, (column) => column.primaryKey())
      .execute();
  },
};

export const OUTBOX_STEPS = outboxSteps("keeper");
