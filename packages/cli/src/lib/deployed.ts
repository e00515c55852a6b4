import {
  type AcceptanceReport,
  type AddressBook,
  type CheckedDeployment,
  connect,
  type Connection,
  type DeploymentParameters,
  toMarkdown,
  toText,
} from "@turingfog/operator";
import { formatInstant, toJson } from "@turingfog/sdk";
import { checkChain } from "@turingfog/sdk/ethers";
import { readAddresses, writeAtomically } from "@turingfog/sdk/node";

import type { Output } from "./command.js";

/** Folder of the address books, unless a command is given another. */
export const DEPLOYMENTS = "deployments";

/** The options of every command that works on a deployment. */
export const DEPLOYED_OPTIONS = { network: { type: "string" }, deployments: { type: "string" } } as const;

/** What {@link DEPLOYED_OPTIONS} mean, for a usage text. */
export const DEPLOYED_USAGE = `  --network NAME     where it was deployed: a chain of docs/networks.md
  --deployments DIR  where the address books are; deployments/ when left out`;

/** A deployment, and the network that it stands on. */
export interface OpenDeployment {
  connection: Connection;
  book: AddressBook;
}

/** @throws NotDeployedError, OtherChainError, and what connecting throws */
export async function openDeployment(values: { network: string; deployments?: string }): Promise<OpenDeployment> {
  const connection = await connect(values.network);
  const book = await readAddresses<AddressBook>(values.network, values.deployments ?? DEPLOYMENTS);
  checkChain(connection.chainId, book);
  return { connection, book };
}

/** What a deployment is compared with. */
export function checkedDeployment(
  { connection, book }: OpenDeployment,
  parameters: DeploymentParameters,
): CheckedDeployment {
  const { provider, chainId, chain } = connection;
  const { addresses, deployer } = book;
  const known = book.contracts.filler?.arguments[1] as string | undefined;
  const fillerFactory = addresses.filler === undefined ? undefined : (chain.uniswapV3?.factory ?? known);
  return { provider, parameters, chainId, addresses, since: book.firstBlock ?? 0, deployer, fillerFactory };
}

/** What a report says that it was made on. */
export async function factsOf(
  { connection, book }: OpenDeployment,
  parameters: string,
): Promise<Record<string, string>> {
  const { chain, provider, chainId } = connection;
  const block = await provider.getBlock("latest");
  return {
    network: `${chain.title}, chain ${chainId}`,
    block: block === null ? "none" : `${block.number}, ${formatInstant(BigInt(block.timestamp))}`,
    parameters,
    deployment: book.deployment,
    commit: book.commit ?? "unknown",
    compiler: book.compiler,
    deployer: book.deployer ?? "unknown",
  };
}

/** Prints a report, writes it where it is asked for, and resolves to the exit code. */
export async function publish(report: AcceptanceReport, output: Output, file?: string): Promise<number> {
  if (file !== undefined) {
    await writeAtomically(`${file}.md`, `${toMarkdown(report)}\n`);
    await writeAtomically(`${file}.json`, `${toJson(report)}\n`);
    output.say(`Wrote ${file}.md and ${file}.json`);
  }
  output.result(report, toText(report));
  return report.passed ? 0 : 1;
}
