import { executeCall, simulate } from "@turingfog/sdk/ethers";

import { type Output, outputOf } from "../../lib/output.js";
import { describeOperation, openGovernance, operationOf, submitAs } from "../../lib/governing.js";
import { openSender, sendingCommand, type SenderValues } from "../../lib/sender.js";
import { outcomeLine } from "../../lib/steps.js";

export const command = sendingCommand({
  description: "Executes a scheduled operation after its delay, for an executor. Tries it before anything is sent.",
  examples: ["turingfog govern execute --id 0x8f…02 --network sepolia --keystore executor.json"],
})
  .requiredOption("--id <ID>", "id of the operation, as schedule and list print it")
  .action((values) => execute(values, outputOf(values)));

interface Values extends SenderValues {
  network: string;
  deployments: string;
  id: string;
}

async function execute(values: Values, output: Output): Promise<void> {
  const governed = await openGovernance(values);
  const { connection, governance } = governed;
  const operation = await operationOf(governed, values.id, output);
  const call = await executeCall(governance.timelock, operation);
  await simulate(connection.provider, await governance.timelock.getAddress(), operation);
  const { name, changes } = await describeOperation(governance, operation);
  const title = `Execute ${name}`;
  const sender = await openSender(connection, values, output, `TuringFog: execute ${name}`);
  const outcome = await submitAs(sender, governed, { role: "executor", title, changes, call }, values, output);
  output.result({ operation, changes, outcome }, outcomeLine(outcome));
}
