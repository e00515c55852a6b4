import { cancelCall } from "@turingfog/sdk/ethers";

import { type Output, outputOf } from "../../lib/output.js";
import { describeOperation, openGovernance, operationOf, submitAs } from "../../lib/governing.js";
import { openSender, sendingCommand, type SenderValues } from "../../lib/sender.js";
import { outcomeLine } from "../../lib/steps.js";

export const command = sendingCommand({
  description: "Cancels a scheduled operation, for a canceller: during its delay and after it.",
  examples: [
    "turingfog govern cancel --id 0x8f…02 --network sepolia --keystore proposer.json",
    "turingfog govern cancel --id 0x8f…02 --network ethereum --safe cancel.json",
  ],
})
  .requiredOption("--id <ID>", "id of the operation, as schedule and list print it")
  .action((values) => cancel(values, outputOf(values)));

interface Values extends SenderValues {
  network: string;
  deployments: string;
  id: string;
}

async function cancel(values: Values, output: Output): Promise<void> {
  const governed = await openGovernance(values);
  const { connection, governance } = governed;
  const operation = await operationOf(governed, values.id, output);
  const { name, changes } = await describeOperation(governance, operation);
  const call = await cancelCall(governance.timelock, operation.id);
  const title = `Cancel ${name}, which would have changed`;
  const sender = await openSender(connection, values, output, `TuringFog: cancel ${name}`);
  const outcome = await submitAs(sender, governed, { role: "canceller", title, changes, call }, values, output);
  output.result({ operation, changes, outcome }, outcomeLine(outcome));
}
