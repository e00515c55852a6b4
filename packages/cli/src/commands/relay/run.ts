import { readConfig, relayConfig, relayRole, runRole } from "@turingfog/network";

import { ends, newCommand } from "../../lib/command.js";
import { configOption } from "../../lib/configOption.js";

export const command = newCommand({
  description: `Runs a relay, until SIGTERM or SIGINT.

Nodes without an open port keep connections to it, by which it hands on what renters and signers ask. It reads nothing, stores no
job and no result, and needs no trust. Logs lines of JSON to stdout, with or without --json. Ends with 0 if it was told to end,
and with 1 if it could not start. It may be killed at any time: nodes connect again. See docs/operators/relay.md.`,
  examples: ["turingfog relay run --config relay/relay.json5"],
})
  .addOption(configOption("relay"))
  .action(async ({ config }) => ends(await runRole(relayRole(await readConfig(config, relayConfig)))));
