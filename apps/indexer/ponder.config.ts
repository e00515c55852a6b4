import { type ContractKey, CONTRACTS } from "@turingfog/sdk/ethers";
import { createConfig } from "ponder";
import type { Address } from "viem";

import { readSettings } from "./settings";

const { book, rpc, pollingInterval, isLocal, database } = await readSettings();

/** Returns the addresses of a contract: several of a vesting wallet, none of a filler that is not deployed. */
function addressesOf(key: ContractKey): Address[] {
  const isOwn = (name: string) => (key === "vesting" ? !(name in CONTRACTS) : name === key);
  return Object.entries(book.addresses).flatMap(([name, address]) => (isOwn(name) ? [address as Address] : []));
}

/** Returns a source of all events of a contract since the deployment. */
function source<const K extends ContractKey>(key: K) {
  const { abi } = CONTRACTS[key].factory as { abi: (typeof CONTRACTS)[K]["factory"]["abi"] };
  return { abi, chain: "chain" as const, address: addressesOf(key), startBlock: book.firstBlock ?? 0 };
}

const SOURCES = {
  timelock: source("timelock"),
  genesis: source("genesis"),
  vault: source("vault"),
  oracle: source("oracle"),
  registry: source("registry"),
  pool: source("pool"),
  controller: source("controller"),
  tft: source("tft"),
  escrow: source("escrow"),
  vesting: source("vesting"),
  filler: source("filler"),
  fillerV4: source("fillerV4"),
};

// an absent contract has no address, which Ponder would take for every address
for (const [key, { address }] of Object.entries(SOURCES)) {
  if (address.length === 0) delete (SOURCES as Partial<typeof SOURCES>)[key as keyof typeof SOURCES];
}

export default createConfig({
  database,
  chains: { chain: { id: book.chainId, rpc, pollingInterval, disableCache: isLocal } },
  contracts: SOURCES,
});
