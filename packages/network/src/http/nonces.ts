import type { Kysely } from "kysely";

import type { Envelope } from "@turingfog/sdk/wire";
import { type Clock, step } from "../runtime/index.js";
import { isUniqueViolation, type Migrations, toBytes } from "../store/index.js";

/** Nonces of envelopes that were taken. */
export interface LinkTables {
  envelope_nonces: { nonce: Uint8Array; expires_at: bigint };
}

export const LINK_MIGRATIONS: Migrations = {
  "link-1": async (db, { blob, integer }) => {
    await db.schema
      .createTable("envelope_nonces")
      .addColumn("nonce", blob, (column) => column.primaryKey().notNull())
      .addColumn("expires_at", integer, (column) => column.notNull())
      .execute();
  },
};

/** Where a link stands before and after a durable write. */
export const LINK_STEPS = ["link.nonce.before-store", "link.nonce.stored"] as const;

/** Writes a nonce down, and forgets those that are void by their time; returns whether it is new. */
export async function takeNonce(
  db: Kysely<LinkTables>,
  clock: Clock,
  { nonce, expiresAt }: Envelope,
): Promise<boolean> {
  const now = clock.now();
  step("link.nonce.before-store");
  try {
    await db.transaction().execute(async (transaction) => {
      await transaction.deleteFrom("envelope_nonces").where("expires_at", "<=", now).execute();
      await transaction
        .insertInto("envelope_nonces")
        .values({ nonce: toBytes(nonce), expires_at: expiresAt })
        .execute();
    });
  } catch (error) {
    if (isUniqueViolation(error)) return false;
    throw error;
  }
  step("link.nonce.stored");
  return true;
}
