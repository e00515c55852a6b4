#!/usr/bin/env bash
# Ponder on PGlite loses a table for SQL over HTTP (`client()` at /sql/*) once a block has changed more than 20 of its rows: it
# writes so many changes through a temporary table of the same name, which stays in the one session that PGlite has, empty,
# and stands before the real one. GraphQL still has all rows, SQL none, and no error. A view of another name over the table is
# not hidden.
#
# Versions: ponder 0.16.10 (PGlite 0.2.13), hono 4.13.19, viem 2.57.20, hardhat 2.29.1.
# Seen on 2026-12-01:
#   before: GraphQL 30, SQL 30
#   after 30 rows were changed in one block: GraphQL 30, SQL 0
# Run with `bash findings/ponder-pglite-many-updates.sh`; it needs npm, and fails if the behaviour changes.
set -euo pipefail

folder=$(mktemp -d)
node="" index=""
trap 'kill $node $index 2>/dev/null || true; wait || true; rm -rf "$folder"' EXIT
cd "$folder"

echo '{ "name": "changed", "private": true }' >package.json
npm install --no-audit --no-fund --silent --ignore-scripts ponder@0.16.10 hono@4.13.19 viem@2.57.20 hardhat@2.29.1

echo 'module.exports = { solidity: "0.8.28" };' >hardhat.config.js
node_modules/.bin/hardhat node --hostname 127.0.0.1 --port 18547 >node.log 2>&1 &
node=$!

mkdir -p app/src/api
echo '{ "type": "module" }' >app/package.json
ln -s ../node_modules app/node_modules
cat >app/ponder.config.ts <<'TS'
import { createConfig } from "ponder";

const abi = [{ type: "event", name: "Ping", inputs: [] }] as const;
export default createConfig({
  chains: { local: { id: 31337, rpc: "http://127.0.0.1:18547", disableCache: true, pollingInterval: 200 } },
  contracts: { Pinger: { abi, chain: "local", address: process.env.PINGER as `0x${string}`, startBlock: 0 } },
});
TS
cat >app/ponder.schema.ts <<'TS'
import { onchainTable } from "ponder";

export const row = onchainTable("row", (t) => ({ id: t.integer().primaryKey(), pings: t.integer().notNull() }));
TS
cat >app/src/index.ts <<'TS'
import { ponder } from "ponder:registry";
import { row } from "ponder:schema";

ponder.on("Pinger:Ping", async ({ context: { db } }) => {
  for (let id = 0; id < 30; ++id) {
    await db.insert(row).values({ id, pings: 1 }).onConflictDoUpdate(({ pings }) => ({ pings: pings + 1 }));
  }
});
TS
cat >app/src/api/index.ts <<'TS'
import { Hono } from "hono";
import { client, graphql } from "ponder";
import { db } from "ponder:api";
import schema from "ponder:schema";

const app = new Hono();
app.use("/sql/*", client({ db, schema }));
app.use("/graphql", graphql({ db, schema }));
export default app;
TS
cat >ask.js <<'JS'
const { keccak256, toHex } = require("viem");

const URLS = { node: "http://127.0.0.1:18547", index: "http://127.0.0.1:18548" };
const FROM = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
// whatever it is called with, it emits Ping()
const RUNTIME = `7f${keccak256(toHex("Ping()")).slice(2)}60006000a100`;
// copies what is behind its first nine bytes, and returns it
const INIT_CODE = `0x60${(RUNTIME.length / 2).toString(16)}8060093d393df3${RUNTIME}`;

async function rpc(method, params = []) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(URLS.node, { method: "POST", headers: { "content-type": "application/json" }, body });
  return (await response.json()).result;
}
async function bySql() {
  const question = JSON.stringify({ json: { sql: "select count(*)::int as n from \"row\"", params: [], typings: [] } });
  const response = await fetch(`${URLS.index}/sql/db?sql=${encodeURIComponent(question)}`);
  return (await response.json()).rows[0].n;
}
async function byGraphql(pings) {
  const body = JSON.stringify({ query: `{ rows(where: { pings: ${pings} }) { totalCount } }` });
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${URLS.index}/graphql`, { method: "POST", headers, body });
  return (await response.json()).data.rows.totalCount;
}
async function until(look) {
  for (let i = 0; i < 600; ++i) {
    const found = await look().catch(() => undefined);
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`never: ${look}`);
}
const steps = {
  async begin() {
    await until(() => rpc("eth_chainId"));
    const hash = await rpc("eth_sendTransaction", [{ from: FROM, data: INIT_CODE }]);
    const { contractAddress: to } = await rpc("eth_getTransactionReceipt", [hash]);
    await rpc("eth_sendTransaction", [{ from: FROM, to }]);
    console.log(to);
  },
  async look(to) {
    await until(async () => (await byGraphql(1)) === 30);
    console.log(`before: GraphQL ${await byGraphql(1)}, SQL ${await bySql()}`);
    await rpc("eth_sendTransaction", [{ from: FROM, to }]);
    await until(async () => (await byGraphql(2)) === 30);
    console.log(`after 30 rows were changed in one block: GraphQL ${await byGraphql(2)}, SQL ${await bySql()}`);
  },
};
steps[process.argv[2]](process.argv[3]);
JS
pinger=$(node ask.js begin)
(cd app && PINGER=$pinger PONDER_TELEMETRY_DISABLED=true exec ../node_modules/.bin/ponder start --schema public --port 18548 --hostname 127.0.0.1) >index.log 2>&1 &
index=$!

seen=$(node ask.js look "$pinger")
echo "$seen"
expected="before: GraphQL 30, SQL 30
after 30 rows were changed in one block: GraphQL 30, SQL 0"
[ "$seen" = "$expected" ] || { printf 'expected:\n%s\n' "$expected" >&2; exit 1; }
