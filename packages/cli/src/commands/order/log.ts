import { HttpClient, NodeClient, Rental, type ToldState } from "@turingfog/network";

import { newCommand } from "../../lib/command.js";
import { type Output, outputOf } from "../../lib/output.js";
import { progressLine } from "../../lib/progress.js";
import { FOLDER } from "./status.js";

export const command = newCommand({
  description: `Prints an order's progress as the node tells it, until its result is there or the node has refused it.

Asks the node alone, and no chain; progress that was encrypted to the renter is decrypted. The connection may be broken off and
begun again: the node tells where the run stands then.

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
  const last = states.at(-1);
  const end =
    last === undefined ? "The node has told nothing" : `The node has ended with order ${orderId}: ${last.state}`;
  output.result({ orderId, states }, end);
}
