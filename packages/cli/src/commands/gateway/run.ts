import { gatewayConfig, gatewayRole, readConfig, runRole } from "@turingfog/network";

import { ends, newCommand } from "../../lib/command.js";
import { configOption } from "../../lib/configOption.js";

export const command = newCommand({
  description: `Runs a card gateway, until SIGTERM or SIGINT.

It quotes orders in currencies of cards, has Stripe charge them, opens and holds one order for each payment, hands results to
customers, and refunds what was not used. Logs lines of JSON to stdout, with or without --json. Ends with 0 if it was told to
end, and with 1 if it could not start. It may be killed at any time, and goes on where it was. See docs/operators/gateway.md.`,
  examples: ["turingfog gateway run --config gateway/gateway.json5"],
})
  .addOption(configOption("gateway"))
  .action(async ({ config }) => ends(await runRole(gatewayRole(await readConfig(config, gatewayConfig)))));
