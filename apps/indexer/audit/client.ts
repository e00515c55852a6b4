import { randomUUID } from "node:crypto";

import { TuringFogError } from "@turingfog/sdk";

/** Thrown when an index does not answer, or not with what was asked for. */
export class IndexError extends TuringFogError {
  constructor(
    readonly url: string,
    readonly problem: string,
  ) {
    super(`The index at ${url} ${problem}`);
  }
}

/** A row of an answer. Whole numbers beyond 2^53 are decimal strings. */
export type Row = Record<string, unknown>;

/** Rows of one table that one query asks for; see {@link rowsOf}. */
const PAGE = 5_000;

/** A parameter of a query, as $1. */
type Parameter = string | number;

/**
 * Asks an index by SQL, which answers a query from one state.
 * @param url where the index serves, as http://127.0.0.1:42069
 * @throws IndexError
 */
export async function query(url: string, sql: string, params: readonly Parameter[] = []): Promise<Row[]> {
  const address = new URL("/sql/db", url);
  // as Ponder's client encodes it, by superjson; the same question may be answered as before a reorganisation
  address.searchParams.set("sql", JSON.stringify({ json: { sql, params }, asked: randomUUID() }));
  let response: Response;
  try {
    response = await fetch(address);
  } catch (error) {
    const { cause, message } = error as Error;
    throw new IndexError(url, `does not answer: ${cause instanceof Error ? cause.message : message}`);
  }
  const text = await response.text();
  if (!response.ok) throw new IndexError(url, `refused a query: ${response.status} ${text}`);
  const { rows } = JSON.parse(text) as { rows?: Row[] };
  if (!Array.isArray(rows)) throw new IndexError(url, "gave no rows: expected an index of TuringFog");
  return rows;
}

/**
 * Asks for all rows of a query, in pages.
 * @param select a query without its conditions; `id` must be among its columns and distinct
 * @param where conditions, whose parameters are `params`
 */
export async function* pages(
  url: string,
  select: string,
  where: string,
  params: readonly Parameter[],
): AsyncGenerator<Row[]> {
  for (let last = ""; ;) {
    const rows = await query(url, `${select} where ${where} and id > $${params.length + 1} order by id limit ${PAGE}`, [
      ...params,
      last,
    ]);
    yield rows;
    if (rows.length < PAGE) return;
    last = String(rows[rows.length - 1].id);
  }
}
