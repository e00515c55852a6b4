import {
  type Build,
  type Check,
  type CheckedDeployment,
  type Connection,
  expectedContracts,
  explorerAt,
  readBuild,
  readParameters,
  reportOf,
  verify,
  verifyOnExplorer,
} from "@turingfog/operator";
import { hide, hideAccess } from "@turingfog/sdk/node";

import { defineCommand, type Output, UsageError } from "../../lib/command.js";
import {
  checkedDeployment,
  DEPLOYED_OPTIONS,
  DEPLOYED_USAGE,
  factsOf,
  openDeployment,
  publish,
} from "../../lib/deployed.js";

const API_KEY_VARIABLE = "ETHERSCAN_API_KEY";

const USAGE = `Compares the code of every contract with the local build, and every role with the parameters. Sends nothing.

  turingfog deploy verify --network NAME --parameters FILE [--explorer] [--report PATH] [--json]

${DEPLOYED_USAGE}
  --parameters FILE  parameters of the deployment
  --explorer         then submit every contract that the network's block explorer has not verified yet, with the API
                     key in ${API_KEY_VARIABLE}. Waits while the explorer is busy, has not indexed the contract or has not
                     compiled its sources, for five minutes a contract
  --explorer-api URL use another explorer with Etherscan's API, such as Blockscout's https://base.blockscout.com/api
  --report PATH      also write the report to PATH.md and PATH.json
  --json             print the report as JSON alone
  --help             print this

Names each immutable that differs from build and parameters, the first byte that differs around the immutables (the
metadata's hash included), and each role that has a holder too many or too few. Ends with 1 if a check fails.`;

export const command = defineCommand({
  usage: USAGE,
  options: {
    ...DEPLOYED_OPTIONS,
    parameters: { type: "string" },
    explorer: { type: "boolean", default: false },
    "explorer-api": { type: "string" },
    report: { type: "string" },
  },
  required: ["network", "parameters"],
  async run(values, output) {
    const api = values["explorer-api"];
    // not repeated, because it may have a key
    if (api !== undefined && !URL.canParse(api)) {
      throw new UsageError("--explorer-api must be a URL, as https://base.blockscout.com/api");
    }
    const parameters = readParameters(values.parameters);
    const deployed = await openDeployment(values);
    const facts = await factsOf(deployed, values.parameters);
    const build = await readBuild();
    const checked = await checkedDeployment(deployed, parameters, output);
    const checks = await verify(build, checked);
    // an explorer would refuse code that differs from the build
    const isOurs = checks.every(({ passed }) => passed);
    if (isOurs && (values.explorer || api !== undefined)) {
      checks.push(...(await publishSources(build, checked, deployed.connection, output, api)));
    }
    const report = reportOf("Verification of TuringFog", facts, checks);
    return publish(report, output, values.report);
  },
});

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
  if (given === undefined && key === "")
    throw new Error(`The explorer of ${name} needs an API key: set ${API_KEY_VARIABLE}`);
  hide(key, "API key");
  hideAccess(api, "API key");

  const explorer = explorerAt(api, chain.explorer?.url ?? new URL(api).origin, chainId, key);
  return verifyOnExplorer(explorer, expectedContracts(build, checked), (line) => output.note(line));
}
