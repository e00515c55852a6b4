import { accept, readBuild, readParameters, reportOf } from "@turingfog/operator";

import { defineCommand } from "../../lib/command.js";
import {
  checkedDeployment,
  DEPLOYED_OPTIONS,
  DEPLOYED_USAGE,
  factsOf,
  openDeployment,
  publish,
} from "../../lib/deployed.js";

const USAGE = `Compares everything of a deployment with its parameters, as one report. Sends nothing, needs no key.

  turingfog deploy accept --network NAME --parameters FILE [--report PATH] [--json]

${DEPLOYED_USAGE}
  --parameters FILE  what was deployed
  --report PATH      write the report to PATH.md and PATH.json as well
  --json             print the report as JSON alone
  --help             print this

Code and immutables of every contract against the local build, every role and delay, the deployer, every reference, every
time and setting, supply, reserve, allocations and vesting. Ends with 1 when one check fails.`;

export const command = defineCommand({
  usage: USAGE,
  options: { ...DEPLOYED_OPTIONS, parameters: { type: "string" }, report: { type: "string" } },
  required: ["network", "parameters"],
  async run(values, output) {
    const parameters = readParameters(values.parameters);
    const deployed = await openDeployment(values);
    const build = await readBuild();
    const checks = await accept(build, checkedDeployment(deployed, parameters));
    const report = reportOf("Acceptance of TuringFog", await factsOf(deployed, values.parameters), checks);
    return publish(report, output, values.report);
  },
});
