import { existsSync } from "node:fs";
import path from "node:path";

import { Option } from "@commander-js/extra-typings";
import {
  type AddressBook,
  connect,
  type Connection,
  type DeploymentParameters,
  type Subject,
  uniswapFactoryOf,
} from "@turingfog/operator";
import { formatInstant } from "@turingfog/sdk";
import { checkChain, NoContractError, NodeError } from "@turingfog/sdk/ethers";
import { readAddresses } from "@turingfog/sdk/node";

import type { Block } from "ethers";

import { type HelpTexts, newCommand } from "./command.js";
import type { Output } from "./output.js";
import { progressOn } from "./progress.js";

export const NETWORK = new Option(
  "--network <NAME>",
  "a chain of docs/networks.md; the URL of its node is taken from NAME_RPC_URL",
).makeOptionMandatory();
export const DEPLOYMENTS = new Option("--deployments <DIR>", "folder of the address books").default("deployments");
export const PARAMETERS = new Option(
  "--parameters <FILE>",
  "parameters of the deployment, as deploy/parameters/*.json5; checked as a whole",
).makeOptionMandatory();

/** Returns a command that works on a deployment. */
export function deployedCommand(texts: HelpTexts) {
  return newCommand(texts).addOption(NETWORK).addOption(DEPLOYMENTS);
}

/** A deployment, with a connection to its network. */
export interface OpenDeployment {
  connection: Connection;
  book: AddressBook;
}

/**
 * Connects to a network and reads the address book of its deployment.
 * @throws NotDeployedError, OtherChainError, NoContractError, and the errors of `connect`
 */
export async function openDeployment(values: { network: string; deployments: string }): Promise<OpenDeployment> {
  const connection = await connect(values.network);
  const book = await readAddresses<AddressBook>(values.network, values.deployments);
  checkChain(connection.chainId, book);
  const { timelock } = book.addresses;
  if ((await connection.provider.getCode(timelock)) === "0x") throw new NoContractError(timelock);
  return { connection, book };
}

/** Notes that there is no address book yet where a role will look for it. */
export function noteMissingBook(values: { network: string; deployments: string }, output: Output): void {
  const book = path.resolve(values.deployments, `${values.network}.json`);
  if (!existsSync(book)) output.note(`There is no address book at ${book} yet: it must be there before the role runs`);
}

/** Thrown when nothing but the address book tells which factory of Uniswap v3 a filler must have. */
class NoFactoryError extends NodeError {
  constructor({ chain }: Connection) {
    super(
      (_, url) =>
        `Uniswap's router ${chain.uniswapRouter} does not tell its factory on ${chain.title}, which the filler must have: ` +
        `set ${url} to another node, or mend the chain's row in CHAINS`,
    );
  }
}

/**
 * Returns a deployment in the form that checks take: with the parameters and all else that its expected state follows
 * from.
 * @throws NoFactoryError
 */
export async function checkedDeployment(
  { connection, book }: OpenDeployment,
  parameters: DeploymentParameters,
  output: Output,
): Promise<Subject> {
  const { provider, chainId } = connection;
  const { addresses, deployer } = book;
  const fillerFactory = addresses.filler === undefined ? undefined : await factoryOf(connection, book);
  const onProgress = progressOn(output);
  return { provider, parameters, chainId, addresses, since: book.firstBlock ?? 0, deployer, fillerFactory, onProgress };
}

/** Returns the factory that a filler must have: the one of the chain's router, or on a local node the recorded one. */
async function factoryOf(connection: Connection, { contracts }: AddressBook): Promise<string | undefined> {
  if (connection.chain.uniswapRouter === undefined) return contracts.filler?.arguments[1] as string | undefined;
  const factory = await uniswapFactoryOf(connection);
  if (factory === undefined) throw new NoFactoryError(connection);
  return factory;
}

/** Describes a block for people, who can tell by its time how far a node is. */
export function describeBlock({ number, timestamp }: Block): string {
  return `${number}, ${formatInstant(BigInt(timestamp))}`;
}
