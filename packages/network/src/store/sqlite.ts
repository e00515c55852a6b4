import { DatabaseSync, type StatementSyncInstance } from "@photostructure/sqlite";
import {
  CompiledQuery,
  type DatabaseConnection,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
} from "kysely";

/** Milliseconds that a statement waits for another process that writes. */
const BUSY_TIMEOUT = 10_000;

/** Pages of the log after which they are written to their places: many are written again and again until then. */
const LOG_PAGES = 8_000;

/** The most statements that are kept prepared. */
const MAX_PREPARED = 500;

/**
 * Returns kysely's dialect for a file of SQLite. What is committed is on the disk: the log is synchronised at every
 * commit.
 */
export function sqliteDialect(file: string): SqliteDialect {
  return new Dialect({ database: async () => open(file) });
}

class Dialect extends SqliteDialect {
  private readonly database: () => Promise<SqliteDatabase>;

  constructor({ database }: { database: () => Promise<SqliteDatabase> }) {
    super({ database });
    this.database = database;
  }

  override createAdapter(): SqliteAdapter {
    return new Adapter();
  }

  override createDriver(): SqliteDriver {
    return new Driver({ database: this.database });
  }
}

/** Has a migration and its record be one transaction, which SQLite can, though kysely does not count on it. */
class Adapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** Has a transaction wait for another process at its begin: one that has read before it waits could only fail. */
class Driver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }
}

function open(file: string): SqliteDatabase {
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT, readBigInts: true });
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${LOG_PAGES}`);
  const prepared = new Map<string, SqliteStatement>();
  return {
    prepare(sql) {
      const known = prepared.get(sql);
      if (known !== undefined) return known;
      const statement = asKyselyHasIt(database.prepare(sql));
      if (prepared.size >= MAX_PREPARED) prepared.clear();
      prepared.set(sql, statement);
      return statement;
    },
    close() {
      database.close();
    },
  };
}

/** Returns a statement of Node's interface as one of the interface that kysely knows. */
function asKyselyHasIt(statement: StatementSyncInstance): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...parameters) as unknown[],
    run: (parameters) => statement.run(...parameters),
    iterate: (parameters) => statement.iterate(...parameters),
  };
}
