import { latestBlock, type Sender } from "@turingfog/operator";
import { formatDuration, formatInstant } from "@turingfog/sdk";
import {
  cancelCall,
  type Change,
  changesOf,
  checkRole,
  connectContracts,
  decodeAction,
  diff,
  encodeAction,
  executeCall,
  findOperation,
  type GovernedContracts,
  newOperation,
  type Operation,
  operations,
  OperationState,
  proposedChanges,
  scheduleCall,
  simulate,
  stateOf,
  type TimelockCall,
} from "@turingfog/sdk/ethers";

import { ACTION_OPTIONS, ACTION_USAGE, type ActionValues, readAction } from "../lib/actions.js";
import { defineCommand, type Output, UsageError } from "../lib/command.js";
import {
  DEPLOYED_OPTIONS,
  DEPLOYED_USAGE,
  describeBlock,
  openDeployment,
  type OpenDeployment,
} from "../lib/deployed.js";
import { progressOn } from "../lib/progress.js";
import { openSender, SENDER_OPTIONS, SENDER_USAGE, type SenderValues } from "../lib/sender.js";
import { describeOutcome, indent, type Outcome, submitCall } from "../lib/steps.js";

const USAGE = `Builds, schedules, executes, cancels and lists operations of a deployment's timelock. Shows what they change.

  turingfog govern build ACTION --network NAME [--json]      prints the operation and its calls; needs no key
  turingfog govern schedule ACTION --network NAME [...]      for a proposer; the delay runs from then on
  turingfog govern execute --id ID --network NAME [...]      for an executor, after the delay
  turingfog govern cancel --id ID --network NAME [...]       for a canceller, during the delay and after it
  turingfog govern list --network NAME [--json]              lists the operations that are waiting or ready

ACTION
${ACTION_USAGE}

${DEPLOYED_USAGE}
  --id ID            id of an operation, as schedule and list print it
${SENDER_USAGE}
  --json             print JSON alone
  --help             print this

Tries each action as the timelock before anything is sent, so that an action that must fail does not wait for the delay
first. The same action can be scheduled only once at a time. Everyone who builds it gets the same operation.`;

const OPTIONS = { ...DEPLOYED_OPTIONS, ...SENDER_OPTIONS, ...ACTION_OPTIONS, id: { type: "string" } } as const;

interface Values extends ActionValues, SenderValues {
  id?: string;
}

/** Inputs of every step. */
interface Context extends OpenDeployment {
  governance: GovernedContracts;
  values: Values;
  output: Output;
}

const STEPS: Record<string, (context: Context, action?: string) => Promise<void>> = {
  build,
  schedule,
  execute,
  cancel,
  list,
};

export const command = defineCommand({
  usage: USAGE,
  options: OPTIONS,
  required: ["network"],
  words: 2,
  async run(values, output, [step, action]) {
    if (step === undefined || !Object.hasOwn(STEPS, step)) {
      throw new UsageError(
        `The step is ${step ?? "missing"}, must be one of ${Object.keys(STEPS).join(", ")}; see --help`,
      );
    }
    if (action !== undefined && step !== "build" && step !== "schedule") {
      throw new UsageError(`Unexpected argument '${action}': ${step} takes no action; see --help`);
    }
    const deployed = await openDeployment(values);
    const governance = connectContracts(deployed.book.addresses, deployed.connection.provider);
    await STEPS[step]({ ...deployed, governance, values, output }, action);
  },
});

/** Builds the operation of an action, after checking that the action would succeed. */
async function propose({ connection, governance, values }: Context, kind?: string) {
  const { timelock } = governance;
  const proposal = await readAction(kind ?? "", values, governance);
  const changes = await proposedChanges(governance, proposal);
  const call = await encodeAction(governance, proposal);
  await simulate(connection.provider, await timelock.getAddress(), call);
  const operation = await newOperation(timelock, call);
  return { action: proposal, changes, operation, delay: await timelock.getMinDelay() };
}

async function build(context: Context, kind?: string): Promise<void> {
  const { governance, output } = context;
  const { action, changes, operation, delay } = await propose(context, kind);
  const { to, data, value, predecessor, salt, id } = operation;
  const { timelock } = governance;
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

async function schedule(context: Context, kind?: string): Promise<void> {
  const { connection, governance, values, output, book } = context;
  const { action, changes, operation, delay } = await propose(context, kind);
  const sender = await openSender(connection, values, output, `TuringFog: schedule ${action.kind}`);
  const outcome = await submitAs("proposer", context, sender, await scheduleCall(governance.timelock, operation));
  const text = [
    describeOutcome(`Schedule ${action.kind} as ${operation.id}`, changes, outcome),
    `It can be executed ${formatDuration(delay)} after it was scheduled:`,
    `  turingfog govern execute --id ${operation.id} --network ${book.network}`,
  ].join("\n");
  output.result({ action, changes, operation, delay, outcome }, text);
}

async function execute(context: Context): Promise<void> {
  const { connection, governance, values, output } = context;
  const operation = await operationOf(context);
  const call = await executeCall(governance.timelock, operation);
  await simulate(connection.provider, await governance.timelock.getAddress(), operation);
  const { name, changes } = await describeOperation(governance, operation);
  const sender = await openSender(connection, values, output, `TuringFog: execute ${name}`);
  const outcome = await submitAs("executor", context, sender, call);
  output.result({ operation, changes, outcome }, describeOutcome(`Execute ${name}`, changes, outcome));
}

async function cancel(context: Context): Promise<void> {
  const { connection, governance, values, output } = context;
  const operation = await operationOf(context);
  const { name, changes } = await describeOperation(governance, operation);
  const call = await cancelCall(governance.timelock, operation.id);
  const sender = await openSender(connection, values, output, `TuringFog: cancel ${name}`);
  const outcome = await submitAs("canceller", context, sender, call);
  const text = describeOutcome(`Cancel ${name}, which would have changed`, changes, outcome);
  output.result({ operation, changes, outcome }, text);
}

/** Submits a call to the timelock, after checking that the sender, if it is known, has the role that the call takes. */
async function submitAs(
  role: "proposer" | "executor" | "canceller",
  { connection, governance, book }: Context,
  sender: Sender,
  call: TimelockCall,
): Promise<Outcome> {
  if (sender.address !== undefined) {
    await checkRole(governance.timelock, connection.provider, book.firstBlock ?? 0, role, sender.address);
  }
  return submitCall(connection, sender, call);
}

async function list({ connection, governance, book, output }: Context): Promise<void> {
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

async function operationOf({ connection, governance, values, book, output }: Context): Promise<Operation> {
  if (values.id === undefined) throw new UsageError("--id is missing; see --help");
  const { provider } = connection;
  return findOperation(governance.timelock, provider, book.firstBlock ?? 0, values.id, progressOn(output));
}

/** Describes an operation: as one of the actions, or as the bare call if it is none. */
async function describeOperation(
  governance: GovernedContracts,
  operation: Operation,
): Promise<{ name: string; changes: Change[] }> {
  const action = decodeAction(governance, operation);
  if (action !== null) return { name: action.kind, changes: await changesOf(governance, action) };
  return { name: `a call to ${operation.to} with ${operation.value} wei and ${operation.data}`, changes: [] };
}
