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

const USAGE = `Compares a whole deployment with its parameters, in one report. Sends nothing and needs no key.

  turingfog deploy accept --network NAME --parameters FILE [--report PATH] [--json]

${DEPLOYED_USAGE}
  --parameters FILE  parameters of the deployment
  --report PATH      also write the report to PATH.md and PATH.json
  --json             print the report as JSON alone
  --help             print this

Compares the code and immutables of every contract with the local build, and every role and delay, the deployer, every
reference, time and setting, the supply, the reserve, the allocations and the vesting with the parameters. Ends with 1 if a
check fails.`;

export const command = defineCommand({
  usage: USAGE,
  options: { ...DEPLOYED_OPTIONS, parameters: { type: "string" }, report: { type: "string" } },
  required: ["network", "parameters"],
  async run(values, output) {
    const parameters = readParameters(values.parameters);
    const deployed = await openDeployment(values);
    const facts = await factsOf(deployed, values.parameters);
    const build = await readBuild();
    const checks = await accept(build, await checkedDeployment(deployed, parameters, output));
    const report = reportOf("Acceptance of TuringFog", facts, checks);
    return publish(report, output, values.report);
  },
});
