import { TuringFogError } from "@turingfog/sdk";
import { failureOf, inTime } from "./patience";

/** A row as text: JSON has no numbers of 256 bits. Columns that may have no value are null then. */
export type RowWith<C extends string, N extends string = never> = Record<C, string> & Record<N, string | null>;

/** Rows to read of one table. */
export interface Select<R extends object = object> {
  sql: string;
  /** Holds the type of the rows. */
  row?: R;
}

export type RowsOf<S> = S extends Select<infer R> ? R[] : never;

/** Milliseconds between two looks at the index. */
export const INTERVAL = 4_000;

/** Thrown when the index does not answer a question. */
export class IndexError extends TuringFogError {
  constructor(
    readonly url: string,
    reason: string,
  ) {
    super(`The index at ${new URL(url).host} did not answer: ${reason}`);
  }
}

/** Tables of the index at one block. */
export interface Snapshot<T> {
  /** The last block with an event; the tables are the chain's state from it until the next event. */
  block: bigint;
  blockHash: string;
  /** Unix seconds. */
  time: bigint;
  tables: T;
}

/**
 * Returns a question for rows of a table.
 * @param columns columns that always have a value, by the names of the index's schema
 * @param options `nullable` columns, and what follows the table: joins, conditions, order
 */
export function rowsOf<const C extends string, const N extends string = never>(
  table: string,
  columns: readonly C[],
  { nullable = [], rest = "" }: { nullable?: readonly N[]; rest?: string } = {},
): Select<RowWith<C, N>> {
  const all = [...columns, ...nullable].map((name) => `t.${snake(name)}::text "${name}"`);
  return { sql: `select ${all.join(", ")} from ${table} t ${rest}` };
}

/** Returns a question in SQL of one's own, whose columns are named as they are given here. */
export function rowsBy<const C extends string, const N extends string = never>(
  sql: string,
  columns: readonly C[],
  nullable: readonly N[] = [],
): Select<RowWith<C, N>> {
  const all = [...columns, ...nullable].map((name) => `"${name}"::text "${name}"`);
  return { sql: `select ${all.join(", ")} from (${sql}) q` };
}

/** Returns the name of a column in SQL: Ponder writes tuAmount as tu_amount. */
function snake(name: string): string {
  const words = name.match(/[\da-z]+|[A-Z]+(?![a-z])|[A-Z][\da-z]+/g) ?? [];
  return `"${words.map((word) => word.toLowerCase()).join("_")}"`;
}

/**
 * Asks the index for several tables, and for the block that they are of, in one statement: so all are of one state.
 * @throws IndexError
 */
export async function readTogether<S extends Record<string, Select>>(
  index: string,
  selects: S,
  signal?: AbortSignal,
): Promise<Snapshot<{ [K in keyof S]: RowsOf<S[K]> }>> {
  const asked = { ...selects, snapshot: rowsOf("snapshot", ["block", "blockHash", "time"]) };
  // Ponder's endpoint takes no scalar subqueries; each of these tables has one row, and so has their product
  const tables = Object.entries(asked).map(
    ([name, { sql }]) => `(select json_agg(r) "${name}" from (${sql}) r) "t_${name}"`,
  );
  const [answer] = await ask(index, `select * from ${tables.join(", ")}`, signal);
  const { snapshot, ...rest } = answer as Record<string, Record<string, string>[] | null>;
  if (snapshot === null) throw new IndexError(index, "it has read no block yet");
  const [{ block, blockHash, time }] = snapshot;
  const filled = Object.fromEntries(Object.entries(rest).map(([name, rows]) => [name, rows ?? []]));
  return { block: BigInt(block), blockHash, time: BigInt(time), tables: filled as { [K in keyof S]: RowsOf<S[K]> } };
}

async function ask(index: string, sql: string, signal?: AbortSignal): Promise<Record<string, unknown>[]> {
  // The form in which Ponder's own client asks. Ponder 0.16.10 answers the same question as before until an event comes, also
  // after a reorganisation that has only taken events back: so a question holds for one interval.
  const slot = Math.floor(Date.now() / INTERVAL);
  const question = JSON.stringify({ json: { sql, params: [], typings: [] }, slot });
  let [refusal, content] = ["", ""];
  try {
    const response = await fetch(`${index}/sql/db?sql=${encodeURIComponent(question)}`, { signal: inTime(signal) });
    content = await response.text();
    if (!response.ok) refusal = `${response.status} ${content.slice(0, 200)}`;
  } catch (error) {
    if (signal?.aborted === true) throw error;
    refusal = failureOf(error);
  }
  if (refusal !== "") throw new IndexError(index, refusal);
  return (JSON.parse(content) as { rows: Record<string, unknown>[] }).rows;
}

/** Writes a text as a literal of SQL. */
export function literal(text: string): string {
  return `'${text.replace(/'/g, "''")}'`;
}
