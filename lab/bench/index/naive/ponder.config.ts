import { readFileSync } from "node:fs";

import { type Addresses, CONTRACTS } from "@turingfog/sdk/ethers";
import { createConfig } from "ponder";
import type { Address } from "viem";

const book = JSON.parse(readFileSync(process.env.BOOK as string, "utf8")) as Addresses;

const source = <const K extends keyof typeof CONTRACTS>(key: K) => ({
  abi: CONTRACTS[key].factory.abi as (typeof CONTRACTS)[K]["factory"]["abi"],
  chain: "chain" as const,
  address: book.addresses[key] as Address,
});

export default createConfig({
  database: { kind: "pglite", directory: process.env.TURINGFOG_INDEX },
  chains: { chain: { id: book.chainId, rpc: process.env.LOCALHOST_RPC_URL } },
  contracts: {
    timelock: source("timelock"),
    genesis: source("genesis"),
    vault: source("vault"),
    oracle: source("oracle"),
    registry: source("registry"),
    pool: source("pool"),
    controller: source("controller"),
    tft: source("tft"),
    escrow: source("escrow"),
    filler: source("filler"),
  },
});
