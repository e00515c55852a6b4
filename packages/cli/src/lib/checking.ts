import { Option } from "@commander-js/extra-typings";
import {
  type AcceptanceReport,
  type Build,
  type Check,
  type CheckedDeployment,
  type CheckedPart,
  checkParts,
  type Connection,
  expectedContracts,
  explorerAt,
  latestBlock,
  readBuild,
  readParameters,
  reportOf,
  toMarkdown,
  toText,
  verifyOnExplorer,
} from "@turingfog/operator";
import { toJson } from "@turingfog/sdk";
import { hide, hideAccess, writeAtomically } from "@turingfog/sdk/node";

import { type HelpTexts, UsageError } from "./command.js";
import type { Output } from "./output.js";
import {
  checkedDeployment,
  deployedCommand,
  describeBlock,
  openDeployment,
  type OpenDeployment,
  PARAMETERS,
} from "./deployed.js";

const API_KEY_VARIABLE = "ETHERSCAN_API_KEY";

/** Values of a command that checks a deployment. */
interface Values {
  network: string;
  deployments: string;
  parameters: string;
  explorer?: true;
  explorerApi?: string;
  report?: string;
}

/** Returns a command that checks a deployment. */
export function checkingCommand(texts: HelpTexts) {
  return deployedCommand(texts)
    .addOption(PARAMETERS)
    .option(
      "--explorer",
      "then submit every contract that the chain's block explorer has not verified yet, with the API key in " +
        `${API_KEY_VARIABLE}; waits for the explorer, for five minutes a contract`,
    )
    .addOption(
      new Option(
        "--explorer-api <URL>",
        "the same on another explorer with Etherscan's API, such as Blockscout's https://base.blockscout.com/api",
      ).argParser(readApi),
    )
    .option("--report <PATH>", "also write the report to PATH.md and PATH.json");
}

/** Reads the address of an explorer's API. An error does not repeat it, because it may have a key. */
function readApi(text: string): string {
  if (URL.canParse(text)) return text;
  throw new UsageError("--explorer-api must be a URL, as https://base.blockscout.com/api");
}

/** Checks the parts of a list on a deployment, reports on them, and resolves to the exit code. */
export async function check(
  title: string,
  parts: readonly CheckedPart[],
  values: Values,
  output: Output,
): Promise<number> {
  const parameters = readParameters(values.parameters);
  const deployed = await openDeployment(values);
  const facts = await factsOf(deployed, values.parameters);
  const build = await readBuild();
  const checked = await checkedDeployment(deployed, parameters, output);
  const checks = await checkParts(parts, build, checked, (part) => output.doing(`Checking ${part}`));
  // an explorer would refuse code that differs from the build
  const isOurs = checks.every(({ passed }) => passed);
  if (isOurs && (values.explorer === true || values.explorerApi !== undefined)) {
    checks.push(...(await publishSources(build, checked, deployed.connection, output, values.explorerApi)));
  }
  return publish(reportOf(title, facts, checks), output, values.report);
}

async function publishSources(
  build: Build,
  checked: CheckedDeployment,
  { name, chain, chainId }: Connection,
  output: Output,
  given?: string,
): Promise<Check[]> {
  const api = given ?? chain.explorer?.api;
  if (api === undefined) throw new Error(`No block explorer is known for ${name}: give --explorer-api URL`);
  const key = process.env[API_KEY_VARIABLE] ?? "";
  if (given === undefined && key === "") {
    throw new Error(`The explorer of ${name} needs an API key: set ${API_KEY_VARIABLE}`);
  }
  hide(key, "API key");
  hideAccess(api, "API key");

  const explorer = explorerAt(api, chain.explorer?.url ?? new URL(api).origin, chainId, key);
  return verifyOnExplorer(explorer, expectedContracts(build, checked), (line) => {
    output.note(line);
    output.doing("Waiting for the explorer");
  });
}

/**
 * Returns the facts that a report is made on, by name. The block is the latest now: what is read afterwards is not older.
 * @param parameters name of the parameter file
 */
async function factsOf({ connection, book }: OpenDeployment, parameters: string): Promise<Record<string, string>> {
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
async function publish(report: AcceptanceReport, output: Output, file?: string): Promise<number> {
  if (file !== undefined) {
    await writeAtomically(`${file}.md`, `${toMarkdown(report)}\n`);
    await writeAtomically(`${file}.json`, `${toJson(report)}\n`);
    output.say(`Wrote ${file}.md and ${file}.json`);
  }
  output.result(report, toText(report));
  return report.passed ? 0 : 1;
}
