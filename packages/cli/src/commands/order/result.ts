import { existsSync } from "node:fs";
import path from "node:path";

import { HttpClient, Rental, SignerClient, takeResult } from "@turingfog/network";
import { TuringFogError } from "@turingfog/sdk";

import { newCommand, wholeNumber } from "../../lib/command.js";
import { DEPLOYMENTS } from "../../lib/deployed.js";
import { orderNode } from "../../lib/orderNode.js";
import { type Output, outputOf } from "../../lib/output.js";
import { FOLDER } from "./status.js";

const MIB = 1_048_576;

export const command = newCommand({
  description: `Fetches an order's result, checks that it is the one that the node names, and decrypts it into a folder.

With --signer also checks that the node has told the signers the same, and asks them for the result if the node gives no
answer: they keep it for fourteen days.`,
  examples: [
    "turingfog order result ORDER",
    "turingfog order result ORDER --to RESULT --signer https://a.example https://b.example",
  ],
})
  .addArgument(FOLDER)
  .option("--to <DIR>", "folder for the result, which must not be there yet; default: DIR/result")
  .option("--signer <URL...>", "addresses of oracle signers")
  .option("--max-mib <N>", "the most MiB to take", "2048")
  .addOption(DEPLOYMENTS)
  .action((folder, values) => result(folder, values, outputOf(values)));

/** Thrown when a result would be written over something. */
class FolderThereError extends TuringFogError {
  constructor(folder: string) {
    super(`${folder} is there already: the result was fetched before, or name another folder with --to`);
  }
}

interface Values {
  to?: string;
  signer?: string[];
  maxMib: string;
  deployments: string;
}

async function result(folder: string, values: Values, output: Output): Promise<void> {
  const rental = new Rental(folder);
  const record = await rental.readOpen();
  const { orderId, nodeId } = record;
  const to = values.to ?? path.join(folder, "result");
  if (existsSync(to)) throw new FolderThereError(to);
  const maxBytes = wholeNumber("max-mib", values.maxMib, 1) * MIB;
  const client = new HttpClient();
  try {
    const node = await orderNode(rental, record, client, values, output);
    const addresses = (values.signer ?? []).map((each) => each.replace(/\/$/, ""));
    const signers = addresses.map((each) => new SignerClient(client, each, { orderId, nodeId }));
    const note = (line: string) => output.note(line);
    const hash = await takeResult(rental, { orderId, node, signers, note }, to, maxBytes);
    output.result({ orderId, hash, folder: to }, `The result of order ${orderId} is in ${to}`);
  } finally {
    client.close();
  }
}
