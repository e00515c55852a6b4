import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

import { toJson } from "@turingfog/sdk";
import {
  CONTRACTS,
  type DeploymentAddresses,
  Genesis__factory,
  GENESIS_KEYS,
  readEvents,
  TimelockController__factory,
  timelockWitness,
  VestedAllocation__factory,
} from "@turingfog/sdk/ethers";
import { readJson, writeAtomically } from "@turingfog/sdk/node";
import { AbiCoder, concat, keccak256, type Provider, type TransactionReceipt } from "ethers";

import type { Connection } from "../connection.js";
import { UnreachableError } from "../node.js";
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
  /** Block in which the last contract was created; null if it is not known. */
  block: number | null;
  /** Block of the deployment's first log, in which the timelock was created; null if it is not known. */
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
    firstBlock: created.get("timelock")?.blockNumber ?? null,
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
  const known = (name: string) => receipts[name]?.hash ?? before[name];
  const isKnown = plan.steps.every(({ name }) => known(name) !== undefined || SILENT.includes(name));
  const logged = isKnown ? {} : await loggedCreations(provider, plan);

  const created: Creations = new Map();
  for (const { name } of plan.steps) {
    const hash = known(name) ?? logged[name];
    const receipt = hash === undefined ? null : await provider.getTransactionReceipt(hash);
    if (receipt?.status === 1) created.set(name, receipt);
  }
  return created;
}

/** Names of the steps whose creation no event records. */
const SILENT: readonly string[] = ["renderer", "genesis"];

/**
 * Returns the hashes of the transactions that created a plan's contracts, by name, from the events that record it: those
 * of Genesis for the seven, otherwise the constructor's own. Nothing if the node does not give them.
 */
async function loggedCreations(
  provider: Provider,
  { addresses, steps }: DeploymentPlan,
): Promise<Record<string, string>> {
  const timelock = TimelockController__factory.connect(addresses.timelock, provider);
  const genesis = Genesis__factory.connect(addresses.genesis, provider);
  const vestings = steps
    .filter(({ name }) => !(name in CONTRACTS))
    .map(({ name, address }) => ({ name, wallet: VestedAllocation__factory.connect(address, provider) }));
  try {
    const [granted, ofGenesis, ...owned] = await readEvents(
      { provider },
      await timelockWitness(timelock),
      { contract: timelock, event: timelock.filters.RoleGranted },
      { contract: genesis, event: genesis.filters.ContractCreated },
      ...vestings.map(({ wallet }) => ({ contract: wallet, event: wallet.filters.OwnershipTransferred })),
    );
    return Object.fromEntries([
      ["timelock", granted[0].transactionHash],
      ...ofGenesis.map(({ args, transactionHash }) => [GENESIS_KEYS[Number(args.step) - 1], transactionHash]),
      ...owned.map(([first], i) => [vestings[i].name, first.transactionHash]),
    ]) as Record<string, string>;
  } catch (error) {
    if (error instanceof UnreachableError) throw error;
    return {};
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
