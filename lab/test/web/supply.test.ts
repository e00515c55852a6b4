import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { PGlite } from "@electric-sql/pglite";
import { expect } from "chai";

import type * as Sql from "../../../apps/web/src/index/sql";
import type * as Supply from "../../../apps/web/src/index/supply";
import { load } from "./built";

/** Fills of a lot in small parts, which a stranger can buy. */
const FILLS = 130_000;

const TABLES = `
  create table snapshot (block numeric, block_hash text, "time" numeric);
  create table assets (address text, decimals int, is_listed boolean, symbol text, reference_price numeric);
  create table rounds (opened_at numeric);
  create table supply (burned numeric, released numeric, bought numeric);
  create table destructions (id text primary key, bucket_id numeric, round numeric, asset text, bought numeric, burned numeric,
    released numeric, operations numeric, reward numeric, total_bought numeric, total_burned numeric, total_released numeric,
    "time" numeric, transaction_hash text);
  insert into snapshot values (9, '0x00', 1800200000);
  insert into supply values (${FILLS}, ${FILLS}, ${FILLS});`;

const ROWS = `
  insert into destructions select lpad(i::text, 20, '0'), 1, 1, '0xaa', 1, 1, 1, 0, 0, i, i, i, 1800000000 + i, '0xbb'
  from generate_series(1, $1::int) i`;

/** Asks a database for what the page of the supply shows. */
async function ask(fills: number) {
  const { SUPPLY } = await load<typeof Supply>("index/supply.ts");
  const { readTogether } = await load<typeof Sql>("index/sql.ts");
  const database = await PGlite.create();
  await database.exec(TABLES);
  await database.query(ROWS, [fills]);
  const server = createServer((request, response) => {
    const question = new URL(request.url ?? "", "http://index").searchParams.get("sql") ?? "";
    const { sql } = (JSON.parse(question) as { json: { sql: string } }).json;
    void database.query(sql).then(({ rows }) => response.end(JSON.stringify({ rows })));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return (await readTogether(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, SUPPLY)).tables;
  } finally {
    server.close();
    server.closeAllConnections();
    await database.close();
  }
}

describe("the page of the supply", () => {
  it("stays light however many small parts a lot was filled in", async () => {
    const { supply, destructions, points } = await ask(FILLS);
    expect(supply).to.deep.equal([{ burned: String(FILLS), released: String(FILLS), bought: String(FILLS) }]);
    expect([destructions.length, points.length]).to.deep.equal([500, 300]);
    for (const last of [destructions[0], points.at(-1)]) expect(last?.totalBurned).to.equal(String(FILLS));
    const times = points.map(({ time }) => Number(time));
    expect(times).to.deep.equal([...times].sort((a, b) => a - b));
    expect(times[0] - 1_800_000_000).to.be.below(FILLS / 200);
  });

  it("has each point while there are few, and none before the first", async () => {
    expect((await ask(1)).points).to.deep.equal([{ time: "1800000001", totalBurned: "1", totalReleased: "1" }]);
    expect((await ask(0)).points).to.deep.equal([]);
  });
});
