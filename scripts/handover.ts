import { handover } from "../src/deployment/acceptance";
import { readParameters } from "../src/deployment/parameters";
import { reportOf } from "../src/deployment/report";
import { main } from "./lib/command";
import { DEPLOYED_OPTIONS, DEPLOYED_USAGE, factsOf, openDeployed, publish, standingOf } from "./lib/deployed";

const USAGE = `Proves that the system is in the hands that its parameters name, and that its deployer holds nothing.

  npm run handover -- --network NAME --parameters FILE [--report PATH] [--json]

${DEPLOYED_USAGE}
  --parameters FILE  what was deployed
  --report PATH      write the report to PATH.md and PATH.json as well
  --json             print the report as JSON alone
  --help             print this

There is nothing to hand over: the timelock is created with its proposers, cancellers and executors and administers
itself, and Genesis creates the rest under it. So this sends nothing and needs no key. Ends with 1 when a role is not as in
the parameters, or the deployer has a role, TFT or a vesting wallet, though the parameters may name it.`;

main({
  usage: USAGE,
  options: { ...DEPLOYED_OPTIONS, parameters: { type: "string" }, report: { type: "string" } },
  required: ["network", "parameters"],
  async run(values, output) {
    const parameters = readParameters(values.parameters);
    const deployed = await openDeployed(values);
    const checks = await handover(standingOf(deployed, parameters));
    const report = reportOf("Handover of TuringFog", await factsOf(deployed, values.parameters), checks);
    return publish(report, output, values.report);
  },
});
