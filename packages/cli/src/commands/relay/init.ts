import { initRelay } from "@turingfog/network";

import { newCommand } from "../../lib/command.js";
import { DEPLOYMENTS, NETWORK, noteMissingBook } from "../../lib/deployed.js";
import { type Output, outputOf } from "../../lib/output.js";
import { monitorPort } from "../../lib/port.js";

export const command = newCommand({
  description: `Writes a new relay's configuration file to an empty folder. A relay needs no key and no coins.

A proxy with the certificate of the endpoint stands before it. See docs/operators/relay.md.

--json prints {config}.`,
  examples: ["turingfog relay init --folder relay --network sepolia --endpoint https://relay.example"],
})
  .requiredOption("--folder <DIR>", "folder to write to; nothing in it is overwritten")
  .addOption(NETWORK)
  .requiredOption("--endpoint <URL>", "address at which nodes, renters and signers reach the relay")
  .option("--port <N>", "port to listen on, at 127.0.0.1; /health and /metrics are at the next one", "8640")
  .addOption(DEPLOYMENTS)
  .action((values) => init(values, outputOf(values)));

interface Values {
  folder: string;
  network: string;
  endpoint: string;
  port: string;
  deployments: string;
}

async function init(values: Values, output: Output): Promise<void> {
  const config = await initRelay({ ...values, port: monitorPort(values.port) });
  noteMissingBook(values, output);
  output.result({ config }, `${config} is written.\nNext: turingfog relay run --config ${config}`);
}
