import { keeperConfig, keeperRole, readConfig, runRole } from "@turingfog/network";

import { ends, newCommand } from "../../lib/command.js";
import { configOption } from "../../lib/configOption.js";

export const command = newCommand({
  description: `Runs a keeper, until SIGTERM or SIGINT.

It settles final receipts, burns, buys and writes off lots, closes orders, pays operations and claims, as its configuration says.
Anybody may run one; every act is done once, whoever does it. Logs lines of JSON to stdout, with or without --json. Ends with
0 if it was told to end, and with 1 if it could not start. It may be killed at any time, and goes on where it was. See
docs/operators/keeper.md.`,
  examples: ["turingfog keeper run --config keeper/keeper.json5"],
})
  .addOption(configOption("keeper"))
  .action(async ({ config }) => ends(await runRole(keeperRole(await readConfig(config, keeperConfig)))));
