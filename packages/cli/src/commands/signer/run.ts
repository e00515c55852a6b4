import { readConfig, runRole, signerConfig, signerRole } from "@turingfog/network";

import { ends, newCommand } from "../../lib/command.js";
import { configOption } from "../../lib/configOption.js";

export const CONFIG = configOption("signer");

export const command = newCommand({
  description: `Runs an oracle signer, until SIGTERM or SIGINT.

Logs lines of JSON to stdout, with or without --json. Ends with 0 if it was told to end, and with 1 if it could not start. It may be killed at any
time, and goes on where it was. See docs/operators/signer.md.`,
  examples: ["turingfog signer run --config signer/signer.json5"],
})
  .addOption(CONFIG)
  .action(async ({ config }) => ends(await runRole(signerRole(await readConfig(config, signerConfig)))));
