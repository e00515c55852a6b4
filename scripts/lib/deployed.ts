import { checkChain, readDeployment } from "../../src/addresses";
import type { AddressBook } from "../../src/deployment/addressBook";
import { connect, type Connection } from "../../src/deployment/connection";
import type { Standing } from "../../src/deployment/expected";
import { toJson, writeAtomically } from "../../src/deployment/files";
import type { DeploymentParameters } from "../../src/deployment/parameters";
import { toMarkdown, toText, type Report } from "../../src/deployment/report";
import { formatInstant } from "../../src/time";
import type { Output } from "./command";

/** The options of every command that works on a deployment. */
export const DEPLOYED_OPTIONS = { network: { type: "string" }, deployments: { type: "string" } } as const;

/** What {@link DEPLOYED_OPTIONS} mean, for a usage text. */
export const DEPLOYED_USAGE = `  --network NAME     where it was deployed: a network of src/deployment/networks.ts
  --deployments DIR  where the address books are; deployments/ when left out`;

/** A deployment, and the network that it stands on. */
export interface Deployed {
  connection: Connection;
  book: AddressBook;
}

/** @throws NotDeployedError, OtherChainError, and what connecting throws */
export async function openDeployed(values: { network: string; deployments?: string }): Promise<Deployed> {
  const connection = await connect(values.network);
  const book = await readDeployment<AddressBook>(values.network, values.deployments);
  checkChain(connection.chainId, book);
  return { connection, book };
}

/** What a deployment is compared with. */
export function standingOf({ connection, book }: Deployed, parameters: DeploymentParameters): Standing {
  const { provider, chainId, network } = connection;
  const { addresses, deployer } = book;
  const known = book.contracts.filler?.arguments[1] as string | undefined;
  const fillerFactory = addresses.filler === undefined ? undefined : (network.uniswapV3?.factory ?? known);
  return { provider, parameters, chainId, addresses, since: book.firstBlock ?? 0, deployer, fillerFactory };
}

/** What a report says that it was made on. */
export async function factsOf({ connection, book }: Deployed, parameters: string): Promise<Record<string, string>> {
  const { network, provider, chainId } = connection;
  const block = await provider.getBlock("latest");
  return {
    network: `${network.title}, chain ${chainId}`,
    block: block === null ? "none" : `${block.number}, ${formatInstant(BigInt(block.timestamp))}`,
    parameters,
    deployment: book.deployment,
    commit: book.commit ?? "unknown",
    compiler: book.compiler,
    deployer: book.deployer ?? "unknown",
  };
}

/** Prints a report, writes it where it is asked for, and resolves to the exit code. */
export async function publish(report: Report, output: Output, file?: string): Promise<number> {
  if (file !== undefined) {
    await writeAtomically(`${file}.md`, `${toMarkdown(report)}\n`);
    await writeAtomically(`${file}.json`, `${toJson(report)}\n`);
    output.say(`Wrote ${file}.md and ${file}.json`);
  }
  output.result(report, toText(report));
  return report.passed ? 0 : 1;
}
