import { Kysely, type Migration, Migrator } from "kysely";

import { TuringFogError } from "@turingfog/sdk";
import { postgresDialect } from "./postgres.js";
import { sqliteDialect } from "./sqlite.js";

export type Engine = "sqlite" | "postgres";

/** What the columns of a table are declared as; see `blobs.ts` for what stands in them. */
export interface ColumnTypes {
  blob: "blob" | "bytea";
  integer: "bigint";
  text: "text";
}

/** Changes of the tables by their names, which are carried out once each, in alphabetical order. */
export type Migrations = Record<string, (db: Kysely<unknown>, types: ColumnTypes) => Promise<void>>;

/** A role's database. */
export interface Store<DB> {
  db: Kysely<DB>;
  engine: Engine;
  close(): Promise<void>;
}

/** Thrown when a database cannot be opened or its tables cannot be brought up to date. */
export class StoreError extends TuringFogError {
  constructor(location: string, reason: string, cause: unknown) {
    super(`The store ${location} cannot be opened: ${reason}`, { cause });
  }
}

/**
 * Opens a database and brings its tables up to date. Several processes may open one at once.
 * @param location file of SQLite, which is created if it is not there, or the URL of a PostgreSQL database
 * @param onLost hears of connections to PostgreSQL that were lost while nobody used them
 * @throws StoreError
 */
export async function openStore<DB>(
  location: string,
  migrations: Migrations,
  onLost: (error: Error) => void = () => undefined,
): Promise<Store<DB>> {
  const engine: Engine = /^postgres(ql)?:\/\//.test(location) ? "postgres" : "sqlite";
  const dialect = engine === "sqlite" ? sqliteDialect(location) : postgresDialect(location, onLost);
  const db = new Kysely<DB>({ dialect });
  try {
    await migrate(db as Kysely<unknown>, engine, migrations);
  } catch (error) {
    await db.destroy();
    // the URL of a database has its password
    const shown = engine === "sqlite" ? location : new URL(location).host;
    throw new StoreError(shown, error instanceof Error ? error.message : String(error), error);
  }
  return { db, engine, close: () => db.destroy() };
}

async function migrate(db: Kysely<unknown>, engine: Engine, migrations: Migrations): Promise<void> {
  const types: ColumnTypes = { blob: engine === "sqlite" ? "blob" : "bytea", integer: "bigint", text: "text" };
  const known = Object.entries(migrations).map(([name, up]): [string, Migration] => [
    name,
    { up: (on) => up(on, types) },
  ]);
  const migrator = new Migrator({ db, provider: { getMigrations: async () => Object.fromEntries(known) } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error as Error;
}

/** Codes of SQLite (extended) and PostgreSQL. */
const UNIQUE_VIOLATIONS = [1555, 2067, "23505"];
const DISK_FULL = [13, 4874, "53100"];
const ABORTED = ["40001", "40P01"];

/** Checks whether a statement failed because there is a row with the same key. */
export function isUniqueViolation(error: unknown): boolean {
  return UNIQUE_VIOLATIONS.includes(codeOf(error));
}

/** Checks whether a statement failed because the disk is full. */
export function isDiskFull(error: unknown): boolean {
  return DISK_FULL.includes(codeOf(error));
}

/** Checks whether a transaction was ended in favour of another process's, so that it can be tried again. */
export function isAborted(error: unknown): boolean {
  return ABORTED.includes(String(codeOf(error)));
}

function codeOf(error: unknown): string | number {
  const { code, errcode } = (error ?? {}) as { code?: string; errcode?: number };
  return errcode ?? code ?? "";
}
