import type { CompiledQuery, Kysely, Transaction } from "kysely";

/** Rows of one statement, the most first. */
const SIZES = [64, 16, 4, 1];

/**
 * Inserts many rows into one table by few statements, which are compiled once: compiling takes longer than storing.
 * @param columns all of the table
 */
export class BulkInsert<DB, Row extends object> {
  private readonly statements = new Map<number, CompiledQuery>();

  constructor(
    private readonly table: keyof DB & string,
    private readonly columns: readonly (keyof Row & string)[],
  ) {}

  async execute(transaction: Transaction<DB>, rows: readonly Row[]): Promise<void> {
    let at = 0;
    for (const size of SIZES) {
      for (; rows.length - at >= size; at += size) {
        const values: unknown[] = [];
        for (let i = at; i < at + size; ++i) for (const column of this.columns) values.push(rows[i][column]);
        await transaction.executeQuery({ ...this.statement(transaction, size), parameters: values });
      }
    }
  }

  private statement(db: Kysely<DB>, size: number): CompiledQuery {
    const known = this.statements.get(size);
    if (known !== undefined) return known;
    const placeholder = Object.fromEntries(this.columns.map((column) => [column, 0]));
    const compiled = (db as unknown as Kysely<Record<string, Record<string, unknown>>>)
      .insertInto(this.table)
      .values(Array.from({ length: size }, () => placeholder))
      .compile();
    this.statements.set(size, compiled);
    return compiled;
  }
}
