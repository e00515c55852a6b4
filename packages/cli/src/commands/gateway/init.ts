import { initGateway } from "@turingfog/network";

import { newCommand, UsageError } from "../../lib/command.js";
import { DEPLOYMENTS, NETWORK, noteMissingBook } from "../../lib/deployed.js";
import { type Output, outputOf } from "../../lib/output.js";
import { monitorPort } from "../../lib/port.js";
import { readAddress } from "../../lib/token.js";

export const command = newCommand({
  description: `Writes a new card gateway's payer key and its configuration file to an empty folder, with empty files for Stripe's secrets.

Then somebody puts the secrets into them, and sends the payer the asset and some coins. See docs/operators/gateway.md.

--json prints {config, payer}.`,
  examples: [
    "turingfog gateway init --folder gateway --network sepolia --endpoint https://pay.example " +
      "--asset 0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238 --currency eur --rate 0.92 --spending 1000",
  ],
})
  .requiredOption("--folder <DIR>", "folder to write to; nothing in it is overwritten")
  .addOption(NETWORK)
  .requiredOption("--endpoint <URL>", "where customers and Stripe reach it")
  .requiredOption("--asset <ADDRESS>", "what orders are paid in")
  .requiredOption("--currency <CODE>", "a currency of cards, as eur; others are added in the file")
  .requiredOption("--rate <NUMBER>", "units of the currency for a whole unit of the asset, as 0.92")
  .requiredOption("--spending <AMOUNT>", "the most whole units of the asset that go into orders in 24 hours")
  .option("--signer <URL...>", "endpoints of signers, which audit jobs of the built-in trainer", [])
  .option("--port <N>", "port that it listens on at 127.0.0.1; the next one is that of /health and /metrics", "7040")
  .addOption(DEPLOYMENTS)
  .action((values) => init(values, outputOf(values)));

interface Values {
  folder: string;
  network: string;
  endpoint: string;
  asset: string;
  currency: string;
  rate: string;
  spending: string;
  signer: string[];
  port: string;
  deployments: string;
}

async function init({ signer: signers, ...values }: Values, output: Output): Promise<void> {
  const port = monitorPort(values.port);
  const asset = readAddress("asset", values.asset);
  if (!/^[a-z]{3}$/.test(values.currency)) {
    throw new UsageError(`--currency is ${values.currency}, must be three lower-case letters, such as eur`);
  }
  const made = await initGateway({ ...values, asset, port, signers });
  noteMissingBook(values, output);
  const { config, payer } = made;
  output.result(made, `${config} and the key beside it are written.\nPayer, which needs the asset and coins: ${payer}`);
}
