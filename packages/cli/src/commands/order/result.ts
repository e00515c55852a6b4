import { rm } from "node:fs/promises";
import path from "node:path";

import { fetchResult, HttpClient, NodeClient, Rental, SignerClient, unpackBundle } from "@turingfog/network";

import { newCommand, wholeNumber } from "../../lib/command.js";
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
  .action((folder, values) => result(folder, values, outputOf(values)));

interface Values {
  to?: string;
  signer?: string[];
  maxMib: string;
}

async function result(folder: string, values: Values, output: Output): Promise<void> {
  const rental = new Rental(folder);
  const { orderId, nodeId, endpoint } = await rental.readOpen();
  const to = values.to ?? path.join(folder, "result");
  const maxBytes = wholeNumber("max-mib", values.maxMib, 1) * MIB;
  const file = path.join(folder, "result.age");
  await rm(file, { force: true });
  const client = new HttpClient();
  try {
    const node = new NodeClient(client, endpoint, orderId);
    const addresses = (values.signer ?? []).map((each) => each.replace(/\/$/, ""));
    const signers = addresses.map((each) => new SignerClient(client, each, { orderId, nodeId }));
    const note = (line: string) => output.note(line);
    const hash = await fetchResult({ orderId, node, signers, note }, file, maxBytes);
    const job = await unpackBundle(file, await rental.resultIdentity(), to, maxBytes);
    await rental.checkResult(job);
    output.result({ orderId, hash, folder: to }, `The result of order ${orderId} is in ${to}`);
  } finally {
    client.close();
  }
}
