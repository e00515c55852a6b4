import { isHexString, type Provider, toBeHex, ZeroHash } from "ethers";

import type { TimelockController } from "../../bindings/index.js";
import { TuringFogError } from "../../errors.js";
import { IncompleteLogsError, type LogRange, type OnProgress, readEvents, timelockWitness } from "../logs.js";
import { withRevertDecoded } from "../revert.js";
import { formatInstant } from "../../time.js";
import type { GovernorCall } from "./actions.js";

/** State of an operation; `OperationState` of OpenZeppelin's TimelockController. */
export enum OperationState {
  Unset,
  Waiting,
  Ready,
  Done,
}

/** A call that was or is to be scheduled with the timelock. */
export interface Operation extends GovernorCall {
  /** keccak256 of target, value, data, predecessor and salt, by which the timelock knows the operation. */
  id: string;
  value: bigint;
  /** Id of the operation that must be done before; zero for none. */
  predecessor: string;
  salt: string;
}

/** A call to the timelock itself, for an account with the role that it takes. */
export interface TimelockCall extends GovernorCall {
  description: string;
}

/** Thrown when the same call is already waiting or ready. */
export class AlreadyScheduledError extends TuringFogError {
  constructor(
    readonly id: string,
    readonly state: OperationState,
  ) {
    super(`The same call is scheduled as ${id} and is ${OperationState[state].toLowerCase()}: execute or cancel it`);
  }
}

/** Thrown when no operation of one call was ever scheduled under an id. */
export class UnknownOperationError extends TuringFogError {
  constructor(readonly id: string) {
    super(`No operation of one call was ever scheduled as ${id}: see govern list`);
  }
}

/** Thrown when an operation is not in the state that a step needs. */
export class OperationStateError extends TuringFogError {
  constructor(
    readonly id: string,
    readonly state: OperationState,
    needed: string,
    readyAt: bigint,
  ) {
    const when = state === OperationState.Waiting ? ` until ${formatInstant(readyAt)}` : "";
    super(`${id} is ${OperationState[state].toLowerCase()}${when}, must be ${needed}`);
  }
}

/**
 * Returns the operation with which a call can be scheduled now. The salt counts how often the same call was done, so
 * that everyone who builds the operation gets the same one.
 * @throws AlreadyScheduledError
 */
export async function newOperation(timelock: TimelockController, { to, data }: GovernorCall): Promise<Operation> {
  for (let count = 0; ; ++count) {
    const salt = toBeHex(count, 32);
    const id = await timelock.hashOperation(to, 0, data, ZeroHash, salt);
    const state = await stateOf(timelock, id);
    if (state === OperationState.Unset) return { id, to, value: 0n, data, predecessor: ZeroHash, salt };
    if (state !== OperationState.Done) throw new AlreadyScheduledError(id, state);
  }
}

export async function stateOf(timelock: TimelockController, id: string): Promise<OperationState> {
  return Number(await timelock.getOperationState(id));
}

/**
 * Returns every operation of one call that was ever scheduled, in order.
 * @param since a block not later than the timelock's; 0 if it is not known
 * @throws IncompleteLogsError, NoContractError
 */
export async function operations(
  timelock: TimelockController,
  provider: Provider,
  since: number,
  onProgress?: OnProgress,
): Promise<Operation[]> {
  const calls = await scheduledCalls(timelock, { provider, since, onProgress });
  const hashes = await Promise.all(calls.map((call) => hashOf(timelock, call)));
  return calls.filter(({ id }, i) => hashes[i] === id);
}

/**
 * Finds an operation by its id, in upper or lower case.
 * @param since a block not later than the timelock's; 0 if it is not known
 * @throws UnknownOperationError, IncompleteLogsError, NoContractError
 */
export async function findOperation(
  timelock: TimelockController,
  provider: Provider,
  since: number,
  id: string,
  onProgress?: OnProgress,
): Promise<Operation> {
  const range = { provider, since, to: await provider.getBlockNumber(), onProgress };
  const call = (await scheduledCalls(timelock, range)).find((each) => each.id === id.toLowerCase());
  if (call !== undefined && (await hashOf(timelock, call)) === call.id) return call;
  // the timelock itself is a second witness: it keeps the id of what waits, is ready or was done
  if (call === undefined && isHexString(id, 32) && (await stateOf(timelock, id)) !== OperationState.Unset) {
    throw new IncompleteLogsError(await timelock.getAddress(), `CallScheduled(${id})`, since, range.to);
  }
  throw new UnknownOperationError(id);
}

/**
 * Returns every call that was ever scheduled by itself, and one call of every batch. Returns each once, even if it was
 * cancelled and scheduled again.
 */
async function scheduledCalls(timelock: TimelockController, range: LogRange): Promise<Operation[]> {
  const [scheduled, salted] = await readEvents(
    range,
    await timelockWitness(timelock),
    { contract: timelock, event: timelock.filters.CallScheduled },
    { contract: timelock, event: timelock.filters.CallSalt },
  );
  const salts = new Map(salted.map(({ args }) => [args.id, args.salt]));
  const calls = scheduled.map(({ args }) => ({
    id: args.id,
    to: args.target,
    value: args.value,
    data: args.data,
    predecessor: args.predecessor,
    salt: salts.get(args.id) ?? ZeroHash,
  }));
  return [...new Map(calls.map((each) => [each.id, each])).values()];
}

/** Returns the id that a call has by itself. In a batch it has another. */
function hashOf(timelock: TimelockController, { to, value, data, predecessor, salt }: Operation): Promise<string> {
  return timelock.hashOperation(to, value, data, predecessor, salt);
}

/** Returns the call with which a proposer schedules an operation. Once it is mined, the timelock's delay runs. */
export async function scheduleCall(timelock: TimelockController, operation: Operation): Promise<TimelockCall> {
  const { id, to, value, data, predecessor, salt } = operation;
  const delay = await timelock.getMinDelay();
  const call = await timelock.schedule.populateTransaction(to, value, data, predecessor, salt, delay);
  return { description: `schedule ${id}`, to: call.to, data: call.data };
}

/**
 * Returns the call with which an executor executes an operation.
 * @throws OperationStateError if the delay has not passed, or the operation was done or cancelled
 */
export async function executeCall(timelock: TimelockController, operation: Operation): Promise<TimelockCall> {
  const { id, to, value, data, predecessor, salt } = operation;
  await checkState(timelock, id, [OperationState.Ready], "ready");
  const call = await timelock.execute.populateTransaction(to, value, data, predecessor, salt);
  return { description: `execute ${id}`, to: call.to, data: call.data };
}

/**
 * Returns the call with which a canceller cancels an operation.
 * @throws OperationStateError if the operation was done or cancelled
 */
export async function cancelCall(timelock: TimelockController, id: string): Promise<TimelockCall> {
  await checkState(timelock, id, [OperationState.Waiting, OperationState.Ready], "waiting or ready");
  const call = await timelock.cancel.populateTransaction(id);
  return { description: `cancel ${id}`, to: call.to, data: call.data };
}

async function checkState(
  timelock: TimelockController,
  id: string,
  states: OperationState[],
  needed: string,
): Promise<void> {
  const state = await stateOf(timelock, id);
  if (!states.includes(state)) throw new OperationStateError(id, state, needed, await timelock.getTimestamp(id));
}

/**
 * Tries a call from an account without sending anything.
 * @throws RevertError with the error that the contract declares
 */
export async function simulate(provider: Provider, from: string, { to, data }: GovernorCall): Promise<void> {
  await withRevertDecoded(provider.call({ from, to, data }));
}
