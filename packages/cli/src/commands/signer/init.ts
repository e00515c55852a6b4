import { initSigner } from "@turingfog/network";

import { newCommand, UsageError, wholeNumber } from "../../lib/command.js";
import { DEPLOYMENTS, NETWORK, noteMissingBook } from "../../lib/deployed.js";
import { type Output, outputOf } from "../../lib/output.js";

export const command = newCommand({
  description: `Writes a new oracle signer's keys and its configuration file to an empty folder.

Then the governor names the signer's address (turingfog govern), and somebody sends the gas key some coins. See
docs/operators/signer.md.

--json prints {config, signer, gas}.`,
  examples: ["turingfog signer init --folder signer --network sepolia --endpoint https://signer.example"],
})
  .requiredOption("--folder <DIR>", "folder to write to; nothing in it is overwritten")
  .addOption(NETWORK)
  .requiredOption("--endpoint <URL>", "where other signers and nodes reach this one")
  .option("--peers <URL...>", "endpoints of other signers, to begin with")
  .option("--port <N>", "port to listen on, at 127.0.0.1; /health and /metrics are on the next one", "8600")
  .addOption(DEPLOYMENTS)
  .action((values) => init(values, outputOf(values)));

const LAST_PORT = 65_534;

interface Values {
  folder: string;
  network: string;
  endpoint: string;
  peers?: string[];
  port: string;
  deployments: string;
}

async function init({ peers = [], ...values }: Values, output: Output): Promise<void> {
  const port = wholeNumber("port", values.port, 1);
  if (port > LAST_PORT) throw new UsageError(`--port is ${port}, must be at most ${LAST_PORT}`);
  const made = await initSigner({ ...values, port, peers });
  noteMissingBook(values, output);
  const { config, signer, gas } = made;
  output.result(
    made,
    `${config} and the keys beside it are written.\nSigner, to be named by the governor: ${signer}\nGas key, which needs coins: ${gas}\nNext: turingfog signer run --config ${config}`,
  );
}
