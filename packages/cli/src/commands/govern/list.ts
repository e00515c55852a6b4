import { latestBlock } from "@turingfog/operator";
import { formatInstant } from "@turingfog/sdk";
import { diff, operations, OperationState, stateOf } from "@turingfog/sdk/ethers";

import { type Output, outputOf } from "../../lib/output.js";
import { deployedCommand, describeBlock } from "../../lib/deployed.js";
import { describeOperation, openGovernance } from "../../lib/governing.js";
import { progressOn } from "../../lib/progress.js";
import { indent } from "../../lib/steps.js";

export const command = deployedCommand({
  description: "Lists the operations that are waiting or ready, and what each changes. Needs no key.",
  examples: ["turingfog govern list --network sepolia"],
}).action((values) => list(values, outputOf(values)));

async function list(values: { network: string; deployments: string }, output: Output): Promise<void> {
  const { connection, governance, book } = await openGovernance(values);
  const { timelock } = governance;
  const block = await latestBlock(connection.provider);
  const all = await operations(timelock, connection.provider, book.firstBlock ?? 0, progressOn(output));
  const pending = [];
  for (const operation of all) {
    const state = await stateOf(timelock, operation.id);
    if (state !== OperationState.Waiting && state !== OperationState.Ready) continue;
    const readyAt = await timelock.getTimestamp(operation.id);
    pending.push({
      operation,
      state: OperationState[state],
      readyAt,
      ...(await describeOperation(governance, operation)),
    });
  }
  const text = pending.map(({ operation, state, readyAt, name, changes }) =>
    [`${operation.id}  ${state}, ready ${formatInstant(readyAt)}: ${name}`, indent(diff(changes))].join("\n"),
  );
  text.push(`${text.length === 0 ? "No operation is waiting or ready as" : "As"} of block ${describeBlock(block)}`);
  output.result({ block: block.number, time: BigInt(block.timestamp), operations: pending }, text.join("\n"));
}
