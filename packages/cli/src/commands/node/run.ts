import { NODE_CONFIG, nodeRole, readNodeConfig, runRole } from "@turingfog/network";
import { loadWallet } from "@turingfog/operator";

import { defineCommand } from "../../lib/command.js";
import { keySource } from "../../lib/sender.js";

const USAGE = `Runs a node's agent until SIGTERM: takes orders, runs jobs, meters them, and hands readings and results out.

  turingfog node run --config FILE [...]

  --config FILE           configuration, ${NODE_CONFIG} of the folder that turingfog node init has made
  --settle-acknowledged   settle what renters acknowledge as soon as they do, and pay the gas for it
  --keystore FILE         key that pays for it (default: TURINGFOG_KEYSTORE or TURINGFOG_PRIVATE_KEY)
  --help                  print this

Writes its log to stdout, one JSON object a line. A run goes on while no agent runs, and the next one finds it.`;

export const command = defineCommand({
  usage: USAGE,
  options: {
    config: { type: "string" },
    "settle-acknowledged": { type: "boolean", default: false },
    keystore: { type: "string" },
  },
  required: ["config"],
  async run(values) {
    const file = values.config;
    const config = await readNodeConfig(file);
    const source = keySource(config.chain.network, values.keystore);
    const payer = values["settle-acknowledged"] ? await loadWallet(source, null) : undefined;
    return runRole(nodeRole(config, file, payer));
  },
});
