import { PostgresDialect } from "kysely";
import { Pool, types, type CustomTypesConfig } from "pg";

const BYTEA = 17;
const INT8 = 20;

/** Reads what the tables have as SQLite gives it: integers of 64 bits as bigint, bytes as a plain Uint8Array. */
const PARSERS: Record<number, (text: string) => unknown> = {
  [BYTEA]: (text) => Uint8Array.from(Buffer.from(text.slice(2), "hex")),
  [INT8]: BigInt,
};

const TYPES: CustomTypesConfig = {
  getTypeParser: (oid, format) => (PARSERS[oid] ?? types.getTypeParser(oid, format)) as never,
};

/**
 * Returns kysely's dialect for a PostgreSQL database.
 * @param onLost hears of a connection that was lost while nobody used it; the next query opens another
 */
export function postgresDialect(url: string, onLost: (error: Error) => void): PostgresDialect {
  const pool = new Pool({ connectionString: url, types: TYPES });
  pool.on("error", onLost);
  return new PostgresDialect({ pool });
}
