import { addressOf, connect, planDeployment, preflight, readBuild, readParameters } from "@turingfog/operator";

import { defineCommand } from "../../lib/command.js";
import { describePlan } from "../../lib/preflight.js";
import { keySource } from "../../lib/sender.js";

const USAGE = `Shows what a deployment would do and cost. Sends nothing and needs no passphrase.

  turingfog deploy plan --network NAME --parameters FILE [--keystore FILE | --from ADDRESS] [--json]

  --network NAME     a chain of docs/networks.md; its RPC URL is taken from NAME_RPC_URL
  --parameters FILE  parameters to deploy, as deploy/parameters/*.json5; checked as a whole
  --keystore FILE    keystore of the sender, whose balance is shown; otherwise as for npm run deploy
  --from ADDRESS     address of the sender, instead of a keystore
  --json             print JSON alone
  --help             print this

Prints first what prevents the deployment, and what on the chain is not as expected. Then the address of every contract
and whether it is deployed, every transaction with the gas that the node finds by trying it, the fees at the current price,
every allocation of TFT with its terms, the quorum, and the kind of account at every address that the parameters name. Ends
with 1 if a problem prevents the deployment.`;

export const command = defineCommand({
  usage: USAGE,
  options: {
    network: { type: "string" },
    parameters: { type: "string" },
    keystore: { type: "string" },
    from: { type: "string" },
  },
  required: ["network", "parameters"],
  async run(values, output) {
    const parameters = readParameters(values.parameters);
    const connection = await connect(values.network);
    const build = await readBuild();
    const plan = planDeployment(parameters, build);
    const sender = values.from ?? (await addressOf(keySource(values.network, values.keystore)));

    const found = await preflight(plan, parameters, build, connection, sender);
    output.result(
      { deployment: plan.id, addresses: plan.addresses, ...found },
      describePlan({ plan, parameters, connection, found }),
    );
    return found.problems.length === 0 ? 0 : 1;
  },
});
