import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

import { toJson } from "@turingfog/sdk";
import { type DeploymentAddresses, GENESIS_KEYS } from "@turingfog/sdk/ethers";
import { readJson, writeAtomically } from "@turingfog/sdk/node";
import { AbiCoder, concat, keccak256, type Log, type Provider, type TransactionReceipt } from "ethers";

import type { Connection } from "../connection.js";
import type { Build } from "./build.js";
import type { Receipts } from "./completeDeployment.js";
import { CREATION, type DeploymentPlan } from "./deploymentPlan.js";
import { type ExpectedContract, expectedContracts } from "./expected.js";
import type { DeploymentParameters } from "./parameters.js";

/** A contract of a deployment. */
export interface ContractRecord {
  /** Fully qualified, as `contracts/TFT.sol:TFT`. */
  contract: string;
  /** Of the constructor, ABI-encoded. */
  constructorArguments: string;
  /** The same to read: in their order, structs as lists, numbers in decimal. */
  arguments: unknown[];
  /** keccak256 of the creation code with its arguments. */
  initCodeHash: string;
  /** keccak256 of what stands on the chain. */
  runtimeCodeHash: string;
  /** Hash of the transaction that created it, and the number of its block; null where they are not known. */
  transaction: string | null;
  block: number | null;
}

/** Where a deployment stands and what it was made of, as `deployments/<network>.json` has it. */
export interface AddressBook {
  network: string;
  chainId: number;
  /** The {@link DeploymentPlan}'s id. */
  deployment: string;
  /** The contracts, and the vesting wallet of each allocation NAME as NAMEVesting. */
  addresses: DeploymentAddresses;
  /** Hashes, where known, by the contract that they created; Genesis' one call for its seven is `creation`. */
  transactions: Record<string, string>;
  /** Who sent those; null where none is known. */
  deployer: string | null;
  /** In which the system was created, and the first of the deployment as far as known; null where they are not. */
  block: number | null;
  firstBlock: number | null;
  /** Of the repository, with "-dirty" behind it when files were changed; null outside of one. */
  commit: string | null;
  /** As `0.8.37+commit.f401782d`. */
  compiler: string;
  contracts: Record<string, ContractRecord>;
}

/** The address book of a network; undefined when nothing was deployed there. */
export async function readAddressBook(network: string, directory: string): Promise<AddressBook | undefined> {
  return (await readJson(path.join(directory, `${network}.json`))) as AddressBook | undefined;
}

/** Writes the address book of its network, in one piece. */
export function writeAddressBook(book: AddressBook, directory: string): Promise<void> {
  return writeAtomically(path.join(directory, `${book.network}.json`), `${toJson(book)}\n`);
}

/** What an address book is made of. */
export interface AddressBookSource {
  connection: Connection;
  parameters: DeploymentParameters;
  plan: DeploymentPlan;
  build: Build;
  /** What is known of the transactions. */
  receipts: Receipts;
  /** The network's address book as it was, which may know of transactions that a later run does not. */
  earlier?: AddressBook;
}

/** The address book of a deployment that stands. */
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
    block: created.get(CREATION)?.blockNumber ?? null,
    firstBlock: known.length === 0 ? null : Math.min(...known.map(({ blockNumber }) => blockNumber)),
    commit: await commit(),
    compiler: expected[0].compiled.compilerVersion,
    contracts,
  };
}

type Creations = Map<string, TransactionReceipt>;

/** The receipts of a plan's steps by their names, as far as this run, an earlier one or the chain's logs know them. */
async function creations({ connection, plan, receipts, earlier }: AddressBookSource): Promise<Creations> {
  const { provider } = connection;
  const before = earlier?.deployment === plan.id ? earlier.transactions : {};
  const created: Creations = new Map();
  for (const { name, address } of plan.steps) {
    const logged = () => (name === SILENT ? undefined : firstLog(provider, address));
    const hash = receipts[name]?.hash ?? before[name] ?? (await logged())?.transactionHash;
    const receipt = hash === undefined ? null : await provider.getTransactionReceipt(hash);
    if (receipt?.status === 1) created.set(name, receipt);
  }
  return created;
}

/** The one whose constructor logs nothing. */
const SILENT = "genesis";

/** What a constructor logged. Not every provider searches the whole chain. */
async function firstLog(provider: Provider, address: string): Promise<Log | undefined> {
  try {
    const [first] = await provider.getLogs({ address, fromBlock: 0, toBlock: "latest" });
    return first;
  } catch {
    return undefined;
  }
}

const GENESIS_CREATED: readonly string[] = GENESIS_KEYS;

async function contractRecord(
  { name, address, compiled, constructorArguments }: ExpectedContract,
  provider: Provider,
  created: Creations,
): Promise<ContractRecord> {
  const receipt = created.get(GENESIS_CREATED.includes(name) ? CREATION : name);
  const decoded = AbiCoder.defaultAbiCoder().decode(compiled.abi.deploy.inputs, constructorArguments);
  return {
    contract: compiled.fullyQualifiedName,
    constructorArguments,
    arguments: decoded.toArray(true),
    initCodeHash: keccak256(concat([compiled.creationCode, constructorArguments])),
    runtimeCodeHash: keccak256(await provider.getCode(address)),
    transaction: receipt?.hash ?? null,
    block: receipt?.blockNumber ?? null,
  };
}

/** What the working tree stands at. */
async function commit(): Promise<string | null> {
  const git = async (...args: string[]) => (await promisify(execFile)("git", args, { cwd: __dirname })).stdout.trim();
  try {
    const head = await git("rev-parse", "HEAD");
    return (await git("status", "--porcelain", "--untracked-files=no")) === "" ? head : `${head}-dirty`;
  } catch {
    return null;
  }
}
