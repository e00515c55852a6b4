import path from "node:path";

import { HardhatArtifactResolver } from "@nomicfoundation/hardhat-ignition/helpers";
import { listTransactions } from "@nomicfoundation/ignition-core";
import hre from "hardhat";
import { HARDHAT_NETWORK_NAME } from "hardhat/plugins";

import type { Deployment, SystemContracts } from "./deploy";
import { vestingId } from "./plan";

/** Where a deployment stands, as `deployments/<network>.json` has it. */
export interface AddressBook {
  network: string;
  chainId: number;
  /** The contracts, and the vesting wallet of each allocation NAME as NAMEVesting. */
  addresses: Record<string, string>;
  /** Hashes, where known, by the contract that they created; Genesis' one call for its seven is `creation`. */
  transactions: Record<string, string>;
}

/** The address book of a deployment to the network that Hardhat is connected to. */
export async function addressBook({ contracts, vestings, creation }: Deployment): Promise<AddressBook> {
  const addresses: Record<string, string> = {};
  const names = Object.keys(contracts) as (keyof SystemContracts)[];
  for (const name of names) addresses[name] = await contracts[name].getAddress();
  for (const name of Object.keys(vestings)) addresses[vestingId(name)] = await vestings[name].getAddress();

  const { chainId } = await hre.ethers.provider.getNetwork();
  const hashes = await journal(chainId);
  const transactions = Object.fromEntries(
    Object.entries(addresses).flatMap(([name, address]) => {
      const hash = hashes.get(address);
      return hash === undefined ? [] : [[name, hash]];
    }),
  );
  if (creation !== undefined) transactions.creation = creation;

  return { network: hre.network.name, chainId: Number(chainId), addresses, transactions };
}

/** By the address of each contract that Ignition has deployed, its transaction; nothing is kept in process. */
async function journal(chainId: bigint): Promise<Map<string, string>> {
  if (hre.network.name === HARDHAT_NETWORK_NAME) return new Map();

  const directory = path.join(hre.config.paths.ignition, "deployments", `chain-${chainId}`);
  const sent = await listTransactions(directory, new HardhatArtifactResolver(hre));
  return new Map(sent.flatMap(({ address, txHash }) => (address === undefined ? [] : [[address, txHash]])));
}
