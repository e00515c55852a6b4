import { readConfig, runRole, signerConfig, signerRole } from "@turingfog/network";
import { defineCommand } from "../../lib/command.js";

const USAGE = `Runs an oracle signer, until SIGTERM or SIGINT.

  turingfog signer run --config FILE

  --config FILE  configuration file, as turingfog signer init writes it
  --help         print this

Logs lines of JSON to stdout. Ends with 0 when it was told to end, and with 1 if it could not start. It may be killed at any
time, and goes on where it was. See docs/operators/signer.md.`;

export const command = defineCommand({
  usage: USAGE,
  options: { config: { type: "string" } },
  required: ["config"],
  run: async ({ config }) => runRole(signerRole(await readConfig(config, signerConfig))),
});
