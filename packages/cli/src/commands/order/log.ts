import { HttpClient, NodeClient, Rental, type ToldState } from "@turingfog/network";

import { ends, newCommand } from "../../lib/command.js";
import { type Output, outputOf } from "../../lib/output.js";
import { progressLine } from "../../lib/progress.js";
import { FOLDER } from "./status.js";

export const command = newCommand({
  description: `Prints an order's progress as the node tells it, until its result is there or the node has refused it.

Asks the node alone, and no chain; progress that was encrypted to the renter is decrypted. The connection may be broken off and
begun again: the node tells where the run stands then. Ends with 1 unless the result is there.

--json prints {orderId, states} at the end.`,
  examples: ["turingfog order log ORDER"],
})
  .addArgument(FOLDER)
  .action((folder, values) => log(folder, outputOf(values)));

async function log(folder: string, output: Output): Promise<void> {
  const rental = new Rental(folder);
  const { orderId, endpoint } = await rental.readOpen();
  const client = new HttpClient();
  const states: ToldState[] = [];
  try {
    output.doing("Waiting for the node to tell more");
    for await (const state of new NodeClient(client, endpoint, orderId).progress(await rental.resultIdentity())) {
      states.push(state);
      output.say(progressLine(state));
    }
  } finally {
    client.close();
  }
  const last = states.at(-1)?.state;
  output.result({ orderId, states }, endText(orderId, last));
  ends(last === "released" ? 0 : 1);
}

function endText(orderId: bigint, last: ToldState["state"] | undefined): string {
  if (last === undefined) return `The node has told nothing of order ${orderId}: run the same command again`;
  if (last === "released" || last === "refused") return `The node has ended with order ${orderId}: ${last}`;
  return `The node has ended the connection before it has ended with order ${orderId}: run the same command again`;
}
