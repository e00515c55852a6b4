#!/usr/bin/env bash
# Ponder's SQL over HTTP (`client()` at /sql/*) keeps the answer to a question until one of its tables changes, of which a
# trigger on inserts and updates tells it. A reorganisation that only takes events back tells it nothing: the rows are gone,
# GraphQL shows that they are, and the same question is answered with them until the next event or until memory is collected.
# On a chain with few events that is long. A question in which anything differs is answered rightly: put a field beside it
# that changes.
#
# Versions: ponder 0.16.10, hono 4.13.19, viem 2.57.20, hardhat 2.29.1.
# Seen on 2026-12-01:
#   before: SQL 4, GraphQL 4
#   after the fourth event was taken back: GraphQL 3, the same SQL 4, another SQL 3
# Run with `bash findings/ponder-sql-after-reorganisation.sh`; it needs npm, and fails if the behaviour changes.
set -euo pipefail

folder=$(mktemp -d)
node="" index=""
trap 'kill $node $index 2>/dev/null || true; wait || true; rm -rf "$folder"' EXIT
cd "$folder"

echo '{ "name": "reorganised", "private": true }' >package.json
npm install --no-audit --no-fund --silent --ignore-scripts ponder@0.16.10 hono@4.13.19 viem@2.57.20 hardhat@2.29.1

echo 'module.exports = { solidity: "0.8.28" };' >hardhat.config.js
node_modules/.bin/hardhat node --hostname 127.0.0.1 --port 18545 >node.log 2>&1 &
node=$!

mkdir -p app/src/api
echo '{ "type": "module" }' >app/package.json
ln -s ../node_modules app/node_modules
cat >app/ponder.config.ts <<'TS'
import { createConfig } from "ponder";

const abi = [{ type: "event", name: "Ping", inputs: [] }] as const;
export default createConfig({
  chains: { local: { id: 31337, rpc: "http://127.0.0.1:18545", disableCache: true, pollingInterval: 200 } },
  contracts: { Pinger: { abi, chain: "local", address: process.env.PINGER as `0x${string}`, startBlock: 0 } },
});
TS
cat >app/ponder.schema.ts <<'TS'
import { onchainTable } from "ponder";

export const ping = onchainTable("ping", (t) => ({ id: t.text().primaryKey() }));
TS
cat >app/src/index.ts <<'TS'
import { ponder } from "ponder:registry";
import { ping } from "ponder:schema";

ponder.on("Pinger:Ping", async ({ event, context }) => void (await context.db.insert(ping).values({ id: event.id })));
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

const URLS = { node: "http://127.0.0.1:18545", index: "http://127.0.0.1:18546" };
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
async function bySql(field) {
  const question = JSON.stringify({ json: { sql: "select count(*)::int as n from ping", params: [], typings: [] }, field });
  const response = await fetch(`${URLS.index}/sql/db?sql=${encodeURIComponent(question)}`);
  return (await response.json()).rows[0].n;
}
async function byGraphql() {
  const body = JSON.stringify({ query: "{ pings { totalCount } }" });
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${URLS.index}/graphql`, { method: "POST", headers, body });
  return (await response.json()).data.pings.totalCount;
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
    for (let i = 0; i < 3; ++i) await rpc("eth_sendTransaction", [{ from: FROM, to }]);
    console.log(to);
  },
  async look(to) {
    await until(async () => (await byGraphql()) === 3);
    const before = await rpc("evm_snapshot");
    await rpc("eth_sendTransaction", [{ from: FROM, to }]);
    await until(async () => (await byGraphql()) === 4 && (await bySql("same")) === 4);
    console.log(`before: SQL ${await bySql("same")}, GraphQL ${await byGraphql()}`);
    await rpc("evm_revert", [before]);
    await rpc("hardhat_mine", ["0x5"]);
    await until(async () => (await byGraphql()) === 3);
    const [graphql, same, other] = [await byGraphql(), await bySql("same"), await bySql("other")];
    console.log(`after the fourth event was taken back: GraphQL ${graphql}, the same SQL ${same}, another SQL ${other}`);
  },
};
steps[process.argv[2]](process.argv[3]);
JS
pinger=$(node ask.js begin)
(cd app && PINGER=$pinger PONDER_TELEMETRY_DISABLED=true exec ../node_modules/.bin/ponder start --schema public --port 18546 --hostname 127.0.0.1) >index.log 2>&1 &
index=$!

seen=$(node ask.js look "$pinger")
echo "$seen"
expected="before: SQL 4, GraphQL 4
after the fourth event was taken back: GraphQL 3, the same SQL 4, another SQL 3"
[ "$seen" = "$expected" ] || { printf 'expected:\n%s\n' "$expected" >&2; exit 1; }
