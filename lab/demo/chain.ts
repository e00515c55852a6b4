import { keccak256 } from "ethers";
import { createKeccak } from "hash-wasm";
import { TASK_COMPILE } from "hardhat/builtin-tasks/task-names";
import { HARDHAT_NETWORK_NAME } from "hardhat/plugins";
import type { HardhatRuntimeEnvironment } from "hardhat/types";

/** The chain's clock starts here, whenever it is run: on the eve of the day from which the allocations vest. */
const GENESIS = "2026-12-31T12:00:00Z";

/** Twice the first block's base fee, which falls from there on: blocks are nearly empty. */
const GAS_PRICE = 2e9;

/** Sets up Hardhat's chain of this process for the story. Comes before any import of Hardhat. */
export async function openChain(): Promise<HardhatRuntimeEnvironment> {
  // Otherwise the allocator of Hardhat's chain keeps giving memory back to the system and taking it again: 680,000 page
  // faults instead of 85,000, a tenth of the CPU time. It reads this when the chain is first loaded.
  process.env.MIMALLOC_PURGE_DELAY ??= "-1";
  // Hardhat takes its network from here when it is first imported, and its clock when it is first used
  process.env.HARDHAT_NETWORK = HARDHAT_NETWORK_NAME;
  const { default: hre } = await import("hardhat");
  hre.config.networks.hardhat.initialDate = GENESIS;
  // so that no transaction asks for the market's price
  hre.config.networks.hardhat.gasPrice = GAS_PRICE;
  await hre.run(TASK_COMPILE, { quiet: true });
  await hashByWebAssembly();
  return hre;
}

/** Makes ethers hash by WebAssembly, some ten times as fast: most of its hashes here are the checksums of addresses. */
async function hashByWebAssembly(): Promise<void> {
  const hasher = await createKeccak(256);
  keccak256.register((bytes) => hasher.init().update(bytes).digest("binary"));
}
