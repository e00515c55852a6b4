import { endingCommand, endOrder } from "../../lib/ending.js";
import { outputOf } from "../../lib/output.js";

export const command = endingCommand({
  description: `Stops an order, as who holds it: nothing that is measured later counts.

What was measured before can still be settled. The rest of the deposit comes back when the order is closed: see turingfog order
close.

--json prints {orderId, changes, outcome}.`,
  examples: ["turingfog order stop ORDER --keystore wallet.json", "turingfog order stop ORDER --dry-run"],
}).action((folder, values) => endOrder("stop", folder, values, outputOf(values)));
