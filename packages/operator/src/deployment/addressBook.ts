import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

import { toJson } from "@turingfog/sdk";
import { CONTRACTS, type DeploymentAddresses, Genesis__factory, type GenesisKey } from "@turingfog/sdk/ethers";
import { readJson, writeAtomically } from "@turingfog/sdk/node";
import {
  AbiCoder,
  concat,
  type EventFilter,
  keccak256,
  type Log,
  type Provider,
  type TransactionReceipt,
} from "ethers";

import type { Connection } from "../connection.js";
import type { Build } from "./build.js";
import type { Receipts } from "./completeDeployment.js";
import type { DeploymentPlan } from "./deploymentPlan.js";
import { type ExpectedContract, expectedContracts } from "./expected.js";
import type { DeploymentParameters } from "./parameters.js";

/** A contract of a deployment. */
export interface ContractRecord {
  /** Fully qualified name, as `contracts/TFT.sol:TFT`. */
  contract: string;
  /** ABI-encoded arguments of the constructor. */
  constructorArguments: string;
  /** The same arguments in readable form: in their order, structs as lists, numbers in decimal. */
  arguments: unknown[];
  /** keccak256 of the creation code with its arguments. */
  initCodeHash: string;
  /** keccak256 of the code on the chain. */
  runtimeCodeHash: string;
  /** Hash of the transaction that created it, its block and the gas that it used; null if they are not known. */
  transaction: string | null;
  block: number | null;
  gas: number | null;
}

/** The addresses of a deployment and what it was made of, as stored in `deployments/<network>.json`. */
export interface AddressBook {
  network: string;
  chainId: number;
  /** Id of the {@link DeploymentPlan}. */
  deployment: string;
  /** Addresses of the contracts, and the vesting wallet of each allocation NAME as NAMEVesting. */
  addresses: DeploymentAddresses;
  /** Known transaction hashes by the contract that they created. */
  transactions: Record<string, string>;
  /** Sender of those transactions; null if none is known. */
  deployer: string | null;
  /** Block in which the last contract was created, and first known block of the deployment; null if they are not known. */
  block: number | null;
  firstBlock: number | null;
  /** Commit of the repository, with the suffix "-dirty" if tracked files were changed; null outside a repository. */
  commit: string | null;
  /** Version of the compiler, as `0.8.37+commit.f401782d`. */
  compiler: string;
  contracts: Record<string, ContractRecord>;
}

/** Reads the address book of a network; undefined if there is none. */
export async function readAddressBook(network: string, directory: string): Promise<AddressBook | undefined> {
  return (await readJson(path.join(directory, `${network}.json`))) as AddressBook | undefined;
}

/** Writes the address book of its network atomically. */
export function writeAddressBook(book: AddressBook, directory: string): Promise<void> {
  return writeAtomically(path.join(directory, `${book.network}.json`), `${toJson(book)}\n`);
}

/** Sources of an address book. */
export interface AddressBookSource {
  connection: Connection;
  parameters: DeploymentParameters;
  plan: DeploymentPlan;
  build: Build;
  /** Known receipts of the transactions. */
  receipts: Receipts;
  /** Earlier address book of the network, which may know transactions that a later run does not. */
  earlier?: AddressBook;
}

/** Returns the address book of a deployment whose steps are all done. */
export async function addressBook(source: AddressBookSource): Promise<AddressBook> {
  const { connection, parameters, plan, build } = source;
  const { provider, chainId } = connection;
  const expected = expectedContracts(build, { parameters, chainId, addresses: plan.addresses });
  const created = await creations(source);
  const known = [...created.values()];

  const contracts: Record<string, ContractRecord> = {};
  for (const each of expected) contracts[each.name] = await contractRecord(each, provider, created);

  return {
    network: connection.name,
    chainId: Number(chainId),
    deployment: plan.id,
    addresses: plan.addresses,
    transactions: Object.fromEntries(Array.from(created, ([name, { hash }]) => [name, hash])),
    deployer: known.length === 0 ? null : known[0].from,
    block: created.get(plan.steps[plan.steps.length - 1].name)?.blockNumber ?? null,
    firstBlock: known.length === 0 ? null : Math.min(...known.map(({ blockNumber }) => blockNumber)),
    commit: await commit(),
    compiler: expected[0].compiled.compilerVersion,
    contracts,
  };
}

type Creations = Map<string, TransactionReceipt>;

/** Returns the receipts of a plan's steps by name, as far as this run, an earlier one or the chain's logs know them. */
async function creations({ connection, plan, receipts, earlier }: AddressBookSource): Promise<Creations> {
  const { provider } = connection;
  const before = earlier?.deployment === plan.id ? earlier.transactions : {};
  const created: Creations = new Map();
  for (const { name, address } of plan.steps) {
    const logged = () => (SILENT.includes(name) ? undefined : firstLog(provider, logOf(name, address, plan)));
    const hash = receipts[name]?.hash ?? before[name] ?? (await logged())?.transactionHash;
    const receipt = hash === undefined ? null : await provider.getTransactionReceipt(hash);
    if (receipt?.status === 1) created.set(name, receipt);
  }
  return created;
}

/** Names of the steps whose creation no event records. */
const SILENT: readonly string[] = ["renderer", "genesis"];

/** Returns the filter of an event that records a creation: Genesis' for the seven, otherwise the constructor's own. */
function logOf(name: string, address: string, { addresses }: DeploymentPlan): EventFilter {
  const contract = CONTRACTS[name as GenesisKey] as Partial<(typeof CONTRACTS)[GenesisKey]> | undefined;
  if (contract?.place === undefined) return { address };
  const topics = Genesis__factory.createInterface().encodeFilterTopics("ContractCreated", [contract.place]);
  return { address: addresses.genesis, topics };
}

/** Returns the first event of a filter; undefined if the provider cannot search the whole chain. */
async function firstLog(provider: Provider, filter: EventFilter): Promise<Log | undefined> {
  try {
    const [first] = await provider.getLogs({ ...filter, fromBlock: 0, toBlock: "latest" });
    return first;
  } catch {
    return undefined;
  }
}

async function contractRecord(
  { name, address, compiled, constructorArguments }: ExpectedContract,
  provider: Provider,
  created: Creations,
): Promise<ContractRecord> {
  const receipt = created.get(name);
  const decoded = AbiCoder.defaultAbiCoder().decode(compiled.abi.deploy.inputs, constructorArguments);
  return {
    contract: compiled.fullyQualifiedName,
    constructorArguments,
    arguments: decoded.toArray(true),
    initCodeHash: keccak256(concat([compiled.creationCode, constructorArguments])),
    runtimeCodeHash: keccak256(await provider.getCode(address)),
    transaction: receipt?.hash ?? null,
    block: receipt?.blockNumber ?? null,
    gas: receipt === undefined ? null : Number(receipt.gasUsed),
  };
}

/**
 * Returns the commit of the working tree, with the suffix "-dirty" if tracked files were changed; null outside a
 * repository.
 */
async function commit(): Promise<string | null> {
  const git = async (...args: string[]) => (await promisify(execFile)("git", args, { cwd: __dirname })).stdout.trim();
  try {
    const head = await git("rev-parse", "HEAD");
    return (await git("status", "--porcelain", "--untracked-files=no")) === "" ? head : `${head}-dirty`;
  } catch {
    return null;
  }
}
