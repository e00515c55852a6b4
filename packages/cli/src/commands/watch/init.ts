import { initWatch } from "@turingfog/network";

import { newCommand } from "../../lib/command.js";
import { DEPLOYMENTS, NETWORK, noteMissingBook } from "../../lib/deployed.js";
import { type Output, outputOf } from "../../lib/output.js";
import { monitorPort } from "../../lib/port.js";

export const command = newCommand({
  description: `Writes a new watch's configuration file to an empty folder. A watch needs no key and no coins.

--json prints {config}.`,
  examples: [
    "turingfog watch init --folder watch --network sepolia --signer https://signer.example --webhook https://hooks.example/T0",
  ],
})
  .requiredOption("--folder <DIR>", "folder to write to; nothing in it is overwritten")
  .addOption(NETWORK)
  .requiredOption("--signer <URL...>", "endpoints of signers, which have the receipt files")
  .option("--webhook <URL...>", "where each alarm is posted", [])
  .option("--port <N>", "port of /health and /metrics, at 127.0.0.1", "8630")
  .addOption(DEPLOYMENTS)
  .action((values) => init(values, outputOf(values)));

interface Values {
  folder: string;
  network: string;
  signer: string[];
  webhook: string[];
  port: string;
  deployments: string;
}

async function init({ signer: signers, webhook: webhooks, ...values }: Values, output: Output): Promise<void> {
  const config = await initWatch({ ...values, port: monitorPort(values.port), signers, webhooks });
  noteMissingBook(values, output);
  output.result({ config }, `${config} is written.\nNext: turingfog watch run --config ${config} --once`);
}
