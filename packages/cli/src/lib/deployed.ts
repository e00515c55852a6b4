import {
  type AcceptanceReport,
  type AddressBook,
  connect,
  type Connection,
  type DeploymentParameters,
  latestBlock,
  type Subject,
  toMarkdown,
  toText,
  uniswapFactoryOf,
} from "@turingfog/operator";
import { formatInstant, toJson, TuringFogError } from "@turingfog/sdk";
import { checkChain, NoContractError } from "@turingfog/sdk/ethers";
import { readAddresses, writeAtomically } from "@turingfog/sdk/node";

import type { Block } from "ethers";

import type { Output } from "./command.js";
import { progressOn } from "./progress.js";

/** Default folder of the address books. */
export const DEPLOYMENTS = "deployments";

/** Options of every command that works on a deployment. */
export const DEPLOYED_OPTIONS = { network: { type: "string" }, deployments: { type: "string" } } as const;

/** Text that explains {@link DEPLOYED_OPTIONS}, for a usage text. */
export const DEPLOYED_USAGE = `  --network NAME     chain of the deployment, one of docs/networks.md
  --deployments DIR  folder of the address books (default deployments)`;

/** A deployment, with a connection to its network. */
export interface OpenDeployment {
  connection: Connection;
  book: AddressBook;
}

/**
 * Connects to a network and reads the address book of its deployment.
 * @throws NotDeployedError, OtherChainError, NoContractError, and the errors of `connect`
 */
export async function openDeployment(values: { network: string; deployments?: string }): Promise<OpenDeployment> {
  const connection = await connect(values.network);
  const book = await readAddresses<AddressBook>(values.network, values.deployments ?? DEPLOYMENTS);
  checkChain(connection.chainId, book);
  const { timelock } = book.addresses;
  if ((await connection.provider.getCode(timelock)) === "0x") throw new NoContractError(timelock);
  return { connection, book };
}

/** Thrown when nothing but the address book tells which factory of Uniswap v3 a filler must have. */
class NoFactoryError extends TuringFogError {
  constructor({ chain }: Connection) {
    super(
      `Uniswap's router ${chain.uniswapRouter} does not tell its factory on ${chain.title}, which the filler must have: ` +
        "use another node, or mend the chain's row in CHAINS",
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

/**
 * Returns the facts that a report is made on, by name. The block is the latest now: what is read afterwards is not older.
 * @param parameters name of the parameter file
 */
export async function factsOf(
  { connection, book }: OpenDeployment,
  parameters: string,
): Promise<Record<string, string>> {
  const { chain, provider, chainId } = connection;
  return {
    network: `${chain.title}, chain ${chainId}`,
    block: describeBlock(await latestBlock(provider)),
    parameters,
    deployment: book.deployment,
    commit: book.commit ?? "unknown",
    compiler: book.compiler,
    deployer: book.deployer ?? "unknown",
  };
}

/**
 * Prints a report, writes it to files if one is named, and resolves to the exit code.
 * @param file path of the files, without .md and .json
 */
export async function publish(report: AcceptanceReport, output: Output, file?: string): Promise<number> {
  if (file !== undefined) {
    await writeAtomically(`${file}.md`, `${toMarkdown(report)}\n`);
    await writeAtomically(`${file}.json`, `${toJson(report)}\n`);
    output.say(`Wrote ${file}.md and ${file}.json`);
  }
  output.result(report, toText(report));
  return report.passed ? 0 : 1;
}
