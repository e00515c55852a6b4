import { formatDuration } from "@turingfog/sdk";
import { scheduleCall } from "@turingfog/sdk/ethers";

import { ACTION, type ActionKind, type ActionValues, ASSET, GUARDIAN, QUORUM } from "../../lib/actions.js";
import { REFERENCE_PRICE, SHARE, SIGNERS, TREASURY } from "../../lib/actions.js";
import { type Output, outputOf } from "../../lib/output.js";
import { openGovernance, propose, submitAs } from "../../lib/governing.js";
import { openSender, sendingCommand, type SenderValues } from "../../lib/sender.js";
import { outcomeLine } from "../../lib/steps.js";

export const command = sendingCommand({
  description: `Schedules an action, for a proposer. The delay runs from then on.

Tries the action as the timelock before anything is sent, so that an action that must fail does not wait for the delay
first. The same action can be scheduled only once at a time.`,
  examples: [
    "turingfog govern schedule replace-guardian --guardian 0x… --network sepolia --dry-run",
    "turingfog govern schedule rotate-signers --signers 0x…,0x…,0x…,0x… --quorum 3 --network ethereum --safe schedule.json",
  ],
})
  .addArgument(ACTION)
  .addOption(SIGNERS)
  .addOption(QUORUM)
  .addOption(GUARDIAN)
  .addOption(ASSET)
  .addOption(REFERENCE_PRICE)
  .addOption(TREASURY)
  .addOption(SHARE)
  .action((kind, values) => schedule(kind, values, outputOf(values)));

interface Values extends ActionValues, SenderValues {
  network: string;
  deployments: string;
}

async function schedule(kind: ActionKind, values: Values, output: Output): Promise<void> {
  const governed = await openGovernance(values);
  const { action, changes, operation, delay } = await propose(governed, kind, values);
  const sender = await openSender(governed.connection, values, output, `TuringFog: schedule ${kind}`);
  const title = `Schedule ${kind} as ${operation.id}`;
  const call = await scheduleCall(governed.governance.timelock, operation);
  const outcome = await submitAs(sender, governed, { role: "proposer", title, changes, call }, values, output);
  const text = [
    outcomeLine(outcome),
    `It can be executed ${formatDuration(delay)} after it was scheduled:`,
    `  turingfog govern execute --id ${operation.id} --network ${values.network}`,
  ].join("\n");
  output.result({ action, changes, operation, delay, outcome }, text);
}
