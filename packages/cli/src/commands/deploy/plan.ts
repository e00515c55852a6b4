import { addressOf, connect, planDeployment, preflight, readBuild, readParameters } from "@turingfog/operator";

import { defineCommand } from "../../lib/command.js";
import { describePlan } from "../../lib/preflight.js";
import { keySource } from "../../lib/sender.js";

const USAGE = `Says what a deployment would do and cost. Sends nothing, and needs no passphrase.

  turingfog deploy plan --network NAME --parameters FILE [--keystore FILE | --from ADDRESS] [--json]

  --network NAME     a chain of docs/networks.md; its RPC URL is taken from NAME_RPC_URL
  --parameters FILE  what to deploy, as deploy/parameters/*.json5; checked as a whole
  --keystore FILE    whose balance to look at; otherwise as for npm run deploy
  --from ADDRESS     the same, by address
  --json             print JSON alone
  --help             print this

Prints the address of every contract and whether it stands, every transaction with its gas as the node finds it by trying
it, the fees at the present price, who gets how much TFT on which terms, the quorum, and what stands at every address that
the parameters name. Ends with 1 when the deployment is not possible as it is.`;

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

    const found = await preflight(plan, parameters, connection, sender);
    output.result(
      { deployment: plan.id, addresses: plan.addresses, ...found },
      describePlan({ plan, parameters, connection, found }),
    );
    return found.problems.length === 0 ? 0 : 1;
  },
});
