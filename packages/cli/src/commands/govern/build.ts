import { formatDuration } from "@turingfog/sdk";
import { diff, scheduleCall } from "@turingfog/sdk/ethers";

import { ACTION, type ActionKind, type ActionValues, ASSET, GUARDIAN, QUORUM } from "../../lib/actions.js";
import { REFERENCE_PRICE, SHARE, SIGNERS, TREASURY } from "../../lib/actions.js";
import { type Output, outputOf } from "../../lib/output.js";
import { deployedCommand } from "../../lib/deployed.js";
import { openGovernance, propose } from "../../lib/governing.js";
import { indent } from "../../lib/steps.js";

export const command = deployedCommand({
  description: `Prints the operation of an action and its calls to the timelock, for someone else to send. Needs no key.

Everyone who builds the same action gets the same operation. Tries the action as the timelock first.`,
  examples: ["turingfog govern build set-operations --share 250 --network sepolia"],
})
  .addArgument(ACTION)
  .addOption(SIGNERS)
  .addOption(QUORUM)
  .addOption(GUARDIAN)
  .addOption(ASSET)
  .addOption(REFERENCE_PRICE)
  .addOption(TREASURY)
  .addOption(SHARE)
  .action((kind, values) => build(kind, values, outputOf(values)));

interface Values extends ActionValues {
  network: string;
  deployments: string;
}

async function build(kind: ActionKind, values: Values, output: Output): Promise<void> {
  const governed = await openGovernance(values);
  const { action, changes, operation, delay } = await propose(governed, kind, values);
  const { to, data, value, predecessor, salt, id } = operation;
  const { timelock } = governed.governance;
  const call = await scheduleCall(timelock, operation);
  const calls = {
    schedule: call.data,
    execute: timelock.interface.encodeFunctionData("execute", [to, value, data, predecessor, salt]),
    cancel: timelock.interface.encodeFunctionData("cancel", [id]),
  };
  const lines = Object.entries(calls).map(([name, each]) => `${name}: ${each}`);
  const text = [
    `Operation ${id}, ${formatDuration(delay)} from schedule to execute`,
    indent(diff(changes)),
    `Calls to the timelock, ${call.to}`,
    indent(lines.join("\n")),
  ].join("\n");
  output.result({ action, changes, operation, delay, timelock: call.to, calls }, text);
}
