import type { Sender } from "@turingfog/operator";
import {
  type Change,
  changesOf,
  checkRole,
  connectContracts,
  decodeAction,
  encodeAction,
  findOperation,
  type GovernanceAction,
  type GovernedContracts,
  newOperation,
  type Operation,
  proposedChanges,
  simulate,
  type TimelockCall,
} from "@turingfog/sdk/ethers";

import { type ActionKind, type ActionValues, readAction } from "./actions.js";
import type { Output } from "./output.js";
import { openDeployment, type OpenDeployment } from "./deployed.js";
import { progressOn } from "./progress.js";
import type { SenderValues } from "./sender.js";
import { type Outcome, outcomeOf, submitShown } from "./steps.js";

/** A deployment with the contracts that are governed. */
export interface Governed extends OpenDeployment {
  governance: GovernedContracts;
}

/** Opens a deployment to govern it. */
export async function openGovernance(values: { network: string; deployments: string }): Promise<Governed> {
  const deployed = await openDeployment(values);
  return { ...deployed, governance: connectContracts(deployed.book.addresses, deployed.connection.provider) };
}

/** An action as an operation of the timelock. */
export interface Proposal {
  action: GovernanceAction;
  changes: Change[];
  operation: Operation;
  /** Seconds from schedule to execute. */
  delay: bigint;
}

/** Builds the operation of an action, after checking that the action would succeed. */
export async function propose(
  { connection, governance }: Governed,
  kind: ActionKind,
  values: ActionValues,
): Promise<Proposal> {
  const { timelock } = governance;
  const action = await readAction(kind, values, governance);
  const changes = await proposedChanges(governance, action);
  const call = await encodeAction(governance, action);
  await simulate(connection.provider, await timelock.getAddress(), call);
  const operation = await newOperation(timelock, call);
  return { action, changes, operation, delay: await timelock.getMinDelay() };
}

/** A call to the timelock, with what people are shown before it is sent. */
export interface Submission {
  /** Role of the timelock that the call takes. */
  role: "proposer" | "executor" | "canceller";
  title: string;
  changes: readonly Change[];
  call: TimelockCall;
}

/** Submits a call to the timelock, after checking that the sender, if it is known, has the role that the call takes. */
export async function submitAs(
  sender: Sender,
  { connection, governance, book }: Governed,
  { role, title, changes, call }: Submission,
  values: SenderValues,
  output: Output,
): Promise<Outcome> {
  if (sender.address !== undefined) {
    await checkRole(governance.timelock, connection.provider, book.firstBlock ?? 0, role, sender.address);
  }
  return outcomeOf(connection, await submitShown({ connection, sender, values, output }, title, changes, call));
}

/** Returns a scheduled operation by its id. */
export function operationOf(
  { connection, governance, book }: Governed,
  id: string,
  output: Output,
): Promise<Operation> {
  return findOperation(governance.timelock, connection.provider, book.firstBlock ?? 0, id, progressOn(output));
}

/** Describes an operation: as one of the actions, or as the bare call if it is none. */
export async function describeOperation(
  governance: GovernedContracts,
  operation: Operation,
): Promise<{ name: string; changes: Change[] }> {
  const action = decodeAction(governance, operation);
  if (action !== null) return { name: action.kind, changes: await changesOf(governance, action) };
  return { name: `a call to ${operation.to} with ${operation.value} wei and ${operation.data}`, changes: [] };
}
