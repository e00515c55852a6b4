import { endingCommand, endOrder } from "../../lib/ending.js";
import { outputOf } from "../../lib/output.js";

export const command = endingCommand({
  description: `Closes an order, which refunds what is left of its deposit.

Anybody may, from the grace after its end on, or once all of it was delivered; of an order that a contract holds, only the
contract. Keepers do it too.

--json prints {orderId, changes, outcome}.`,
  examples: ["turingfog order close ORDER --keystore wallet.json", "turingfog order close ORDER --dry-run"],
}).action((folder, values) => endOrder("close", folder, values, outputOf(values)));
