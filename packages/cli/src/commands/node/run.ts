import { availabilityConfig, NODE_CONFIG, nodeRole, readNodeConfig, runRole } from "@turingfog/network";
import { loadWallet } from "@turingfog/operator";

import { ends, newCommand } from "../../lib/command.js";
import { KEYSTORE, keySource } from "../../lib/sender.js";

export const command = newCommand({
  description: `Runs a node's agent until SIGTERM: takes orders, runs jobs, meters them, and hands readings and results out.

Logs lines of JSON to stdout, with or without --json. A run goes on while no agent runs, and the next agent finds it. See docs/operators/node.md.`,
  examples: [`turingfog node run --config node/${NODE_CONFIG}`],
})
  .requiredOption("--config <FILE>", `configuration, ${NODE_CONFIG} of the folder that turingfog node init has made`)
  .option("--settle-acknowledged", "settle what renters acknowledge as soon as they do, and pay the gas for it", false)
  .option("--when-idle", "run jobs only while nobody else uses the machine", false)
  .addOption(KEYSTORE)
  .action(async (values) => ends(await run(values)));

interface Values {
  config: string;
  settleAcknowledged: boolean;
  whenIdle: boolean;
  keystore?: string;
}

async function run({ config: file, settleAcknowledged, whenIdle, keystore }: Values): Promise<number> {
  const config = await readNodeConfig(file);
  const { availability } = config;
  if (whenIdle) availability.whenIdle ??= availabilityConfig.parse({ whenIdle: {} }).whenIdle;
  const source = keySource(config.chain.network, keystore);
  const payer = settleAcknowledged ? await loadWallet(source, null) : undefined;
  return runRole(nodeRole(config, file, payer));
}
