import { handover, readParameters, reportOf } from "@turingfog/operator";
import { defineCommand } from "../../lib/command.js";
import {
  DEPLOYED_OPTIONS,
  DEPLOYED_USAGE,
  factsOf,
  openDeployment,
  publish,
  checkedDeployment,
} from "../../lib/deployed.js";

const USAGE = `Checks that the roles are those of the parameters, and that the deployer holds nothing.

  turingfog deploy handover --network NAME --parameters FILE [--report PATH] [--json]

${DEPLOYED_USAGE}
  --parameters FILE  parameters of the deployment
  --report PATH      also write the report to PATH.md and PATH.json
  --json             print the report as JSON alone
  --help             print this

There is nothing to hand over: the timelock is created with its proposers, cancellers and executors and administers
itself, and Genesis creates the rest under it. So this sends nothing and needs no key. Ends with 1 if a role differs from
the parameters, or if the deployer has a role, TFT or a vesting wallet, even if the parameters name the deployer.`;

export const command = defineCommand({
  usage: USAGE,
  options: { ...DEPLOYED_OPTIONS, parameters: { type: "string" }, report: { type: "string" } },
  required: ["network", "parameters"],
  async run(values, output) {
    const parameters = readParameters(values.parameters);
    const deployed = await openDeployment(values);
    const facts = await factsOf(deployed, values.parameters);
    const checks = await handover(await checkedDeployment(deployed, parameters, output));
    const report = reportOf("Handover of TuringFog", facts, checks);
    return publish(report, output, values.report);
  },
});
