import { initKeeper } from "@turingfog/network";

import { newCommand, UsageError } from "../../lib/command.js";
import { DEPLOYMENTS, NETWORK, noteMissingBook } from "../../lib/deployed.js";
import { type Output, outputOf } from "../../lib/output.js";
import { monitorPort } from "../../lib/port.js";

export const command = newCommand({
  description: `Writes a new keeper's key and its configuration file to an empty folder.

Then somebody sends the key some coins. See docs/operators/keeper.md.

--json prints {config, keeper}.`,
  examples: [
    "turingfog keeper init --folder keeper --network sepolia --signer https://signer.example https://b.example --budget 0.05",
  ],
})
  .requiredOption("--folder <DIR>", "folder to write to; nothing in it is overwritten")
  .addOption(NETWORK)
  .requiredOption("--signer <URL...>", "endpoints of signers, which have the receipt files")
  .requiredOption("--budget <COINS>", "the most that gas may cost in 24 hours, in the chain's coin")
  .option("--port <N>", "port of /health and /metrics, at 127.0.0.1", "8620")
  .addOption(DEPLOYMENTS)
  .action((values) => init(values, outputOf(values)));

interface Values {
  folder: string;
  network: string;
  signer: string[];
  budget: string;
  port: string;
  deployments: string;
}

async function init({ signer: signers, budget, ...values }: Values, output: Output): Promise<void> {
  const port = monitorPort(values.port);
  if (!/^\d+(\.\d{1,18})?$/.test(budget)) {
    throw new UsageError(`--budget is ${budget}, must be a decimal number of coins, such as 0.05`);
  }
  const made = await initKeeper({ ...values, port, signers, budget });
  noteMissingBook(values, output);
  const { config, keeper } = made;
  output.result(
    made,
    `${config} and the key beside it are written.\nKeeper, which needs coins: ${keeper}\nNext: turingfog keeper run --config ${config}`,
  );
}
