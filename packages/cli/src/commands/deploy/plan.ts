import { addressOf, connect, planDeployment, preflight, readBuild, readParameters } from "@turingfog/operator";

import { ends, newCommand } from "../../lib/command.js";
import { type Output, outputOf } from "../../lib/output.js";
import { NETWORK, PARAMETERS } from "../../lib/deployed.js";
import { describePlan } from "../../lib/preflight.js";
import { KEYSTORE, keySource } from "../../lib/sender.js";

export const command = newCommand({
  description: `Shows what a deployment would do and cost. Sends nothing and needs no passphrase.

Prints first what prevents the deployment, and what on the chain is not as expected. Then the address of every contract and
whether it is deployed, every transaction with the gas that the node finds by trying it, the fees at the current price, every
allocation of TFT with its terms, the quorum, and the kind of account at every address that the parameters name. Ends with 1
if a problem prevents the deployment.`,
  examples: [
    "turingfog deploy plan --network localhost --parameters deploy/parameters/local.json5",
    "turingfog deploy plan --network sepolia --parameters sepolia.json5 --keystore deployer.json",
    "turingfog deploy plan --network ethereum --parameters mainnet.json5 --from 0x…",
  ],
})
  .addOption(NETWORK)
  .addOption(PARAMETERS)
  .addOption(KEYSTORE)
  .option("--from <ADDRESS>", "address of the sender, instead of a keystore")
  .action(async (values) => ends(await plan(values, outputOf(values))));

interface Values {
  network: string;
  parameters: string;
  keystore?: string;
  from?: string;
}

async function plan({ network, parameters: file, keystore, from }: Values, output: Output): Promise<number> {
  const parameters = readParameters(file);
  const connection = await connect(network);
  const build = await readBuild();
  const planned = planDeployment(parameters, build);
  const sender = from ?? (await addressOf(keySource(network, keystore)));

  output.doing("Trying every transaction");
  const found = await preflight(planned, parameters, build, connection, sender);
  output.result(
    { deployment: planned.id, addresses: planned.addresses, ...found },
    describePlan({ plan: planned, parameters, connection, found }),
  );
  return found.problems.length === 0 ? 0 : 1;
}
