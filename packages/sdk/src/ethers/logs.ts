import { type BaseContract, EventLog, getAddress, type Log, type Provider, type TopicFilter, ZeroHash } from "ethers";

import type { TypedContractEvent, TypedEventLog } from "../bindings/common.js";
import type { TimelockController } from "../bindings/index.js";
import { NodeError } from "./nodeError.js";

/** Blocks of which logs are read, and the node that is asked for them. */
export interface LogRange {
  provider: Provider;
  /**
   * A block not later than the one in which the contracts were created. If it is 0 or left out, the search begins at the
   * last block and goes back to the contracts' creation.
   */
  since?: number;
  /** First block; `since` if left out. */
  from?: number;
  /** Last block; the latest if left out. */
  to?: number;
  onProgress?: OnProgress;
}

/** Hears how far a reading is, after each answer of the node. */
export type OnProgress = (progress: LogProgress) => void;

/** Progress of a reading, which begins at the last block. */
export interface LogProgress {
  /** First block that is read; those after it are too. */
  from: number;
  /** Blocks that are read, and blocks to read at most. */
  done: number;
  total: number;
}

/** Events of a contract: all of one kind, or those with certain indexed arguments. */
export interface Selection<E extends TypedContractEvent> {
  contract: BaseContract;
  event: E;
  /** Indexed arguments in their order; undefined or null for any value. */
  args?: readonly unknown[];
}

/** A log of the transaction that created a contract. A node that does not return it does not have all logs. */
export interface Witness {
  address: string;
  event: string;
  /** First topics of the log. */
  topics: readonly string[];
}

/** Thrown when a node's answer lacks a log that must be in it, so that nothing follows from what else it lacks. */
export class IncompleteLogsError extends NodeError {
  constructor(
    readonly address: string,
    readonly event: string,
    readonly from: number,
    readonly to: number,
  ) {
    super(
      (node, url) =>
        `${node} has pruned or not indexed logs of blocks ${from} to ${to}, where ${event} of ${address} must be and ` +
        `is not: check ${url}, and use a node that has every log since the deployment`,
    );
  }
}

/** Thrown when there is no contract at an address of the deployment. */
export class NoContractError extends NodeError {
  constructor(readonly address: string) {
    super(
      (node, url) =>
        `${node} has no contract at ${address}: check ${url} and the address book, and deploy again if a local ` +
        "chain was started afresh",
    );
  }
}

/** Thrown when a node's latest block is before the first of a deployment. */
export class NodeBehindError extends NodeError {
  constructor(
    readonly latest: number,
    readonly first: number,
  ) {
    super(
      (node, url) =>
        `${node} is at block ${latest}, before block ${first}, in which the deployment began: ` +
        `check ${url}, wait until the node has caught up, or use another`,
    );
  }
}

/**
 * Returns the log that a timelock's creation emitted: its constructor makes it its own administrator. It is the first log
 * of a deployment, so it witnesses those of every contract.
 */
export async function timelockWitness(timelock: TimelockController): Promise<Witness> {
  const address = await addressOf(timelock);
  const topics = timelock.interface.encodeFilterTopics("RoleGranted", [ZeroHash, address]) as string[];
  return { address, event: "RoleGranted", topics };
}

/**
 * Reads events in the order of the chain. Asks for all blocks at once. If the node refuses, it is asked for each half,
 * until it answers or refuses a single block.
 *
 * An empty answer is never taken for the absence of events: some nodes answer so for blocks that they have pruned. The
 * answer must hold the witness, which is asked for in the same blocks.
 * @returns the events of each selection, in the order of the selections
 * @throws the node's own error for a single block
 * @throws IncompleteLogsError, NoContractError if the witness is missing
 * @throws NodeBehindError if the node has no block of the deployment yet
 */
export async function readEvents<E extends TypedContractEvent[]>(
  range: LogRange,
  witness: Witness,
  ...selections: { [I in keyof E]: Selection<E[I]> }
): Promise<{ [I in keyof E]: TypedEventLog<E[I]>[] }> {
  const { provider, since = 0, from = since, onProgress } = range;
  const to = range.to ?? (await provider.getBlockNumber());
  if (to < since) throw new NodeBehindError(to, since);
  const filters = await filtersOf(selections, witness);
  const ask = async (first: number, last: number): Promise<Log[]> => {
    const logs: Log[] = [];
    for (const filter of filters) {
      logs.push(...(await provider.getLogs({ ...filter, fromBlock: first, toBlock: last })));
    }
    return logs;
  };
  const isEnough = (found: Log[]) => since === 0 && hasWitness(found, witness);
  const logs = inOrder(await inHalves(ask, from, to, isEnough, onProgress));
  if (!hasWitness(logs, witness)) await checkWitness({ provider, since, from, to }, witness);

  const events = await Promise.all(selections.map((selection) => eventsOf(selection, logs)));
  return events as { [I in keyof E]: TypedEventLog<E[I]>[] };
}

interface Filter {
  address: string[];
  topics: TopicFilter;
}

/** Returns as few filters as select the events and the witness. */
async function filtersOf(selections: readonly Selection<TypedContractEvent>[], witness: Witness): Promise<Filter[]> {
  const addresses = new Set([witness.address]);
  const topicHashes = new Set([witness.topics[0]]);
  const filters: Filter[] = [];
  for (const { contract, event, args } of selections) {
    const address = await addressOf(contract);
    if (args === undefined) {
      addresses.add(address);
      topicHashes.add(event.fragment.topicHash);
    } else {
      filters.push({ address: [address], topics: contract.interface.encodeFilterTopics(event.fragment, args) });
    }
  }
  return [...filters, { address: [...addresses], topics: [[...topicHashes]] }];
}

/**
 * Asks for the logs of a range, newest first, in halves of what the node refuses.
 * @param isEnough tells from the logs of an answer whether earlier blocks are of no interest
 */
async function inHalves(
  ask: (from: number, to: number) => Promise<Log[]>,
  first: number,
  last: number,
  isEnough: (logs: Log[]) => boolean,
  onProgress?: OnProgress,
): Promise<Log[]> {
  const answers: Log[][] = [];
  const pending: [number, number][] = first <= last ? [[first, last]] : [];
  for (let range = pending.pop(); range !== undefined; range = pending.pop()) {
    const [from, to] = range;
    try {
      answers.unshift(await ask(from, to));
    } catch (error) {
      if (from === to) throw error;
      // a node that refuses the last block too refuses more than the length of the range
      if (from === first && to === last) await ask(last, last);
      const middle = Math.floor((from + to) / 2);
      pending.push([from, middle], [middle + 1, to]);
      continue;
    }
    onProgress?.({ from, done: last - from + 1, total: last - first + 1 });
    if (isEnough(answers[0])) break;
  }
  return answers.flat();
}

/** Looks for the witness before a range that begins after the creation. */
async function checkWitness(
  { provider, since, from, to }: LogRange & { since: number; from: number; to: number },
  witness: Witness,
): Promise<void> {
  const [filter] = await filtersOf([], witness);
  const ask = (first: number, last: number) => provider.getLogs({ ...filter, fromBlock: first, toBlock: last });
  const isFound = (logs: Log[]) => hasWitness(logs, witness);
  if (since !== 0 && since < from && isFound(await ask(since, since))) return;
  if (isFound(await inHalves(ask, since, from - 1, isFound))) return;
  if ((await provider.getCode(witness.address)) === "0x") throw new NoContractError(witness.address);
  throw new IncompleteLogsError(witness.address, witness.event, Math.min(since, from), to);
}

/** Returns logs in the order of the chain, each once, even if several filters select it. */
function inOrder(logs: readonly Log[]): Log[] {
  const sorted = [...logs].sort((a, b) => a.blockNumber - b.blockNumber || a.index - b.index);
  return sorted.filter(({ blockNumber, index }, i) => {
    const previous = sorted[i - 1];
    return previous?.blockNumber !== blockNumber || previous.index !== index;
  });
}

function hasWitness(logs: readonly Log[], { address, topics }: Witness): boolean {
  return logs.some((log) => log.address === address && topics.every((topic, i) => log.topics[i] === topic));
}

async function eventsOf<E extends TypedContractEvent>(
  { contract, event, args }: Selection<E>,
  logs: readonly Log[],
): Promise<TypedEventLog<E>[]> {
  const address = await addressOf(contract);
  const { fragment } = event;
  const topics = contract.interface.encodeFilterTopics(fragment, args ?? []);
  const isSelected = (log: Log) =>
    log.address === address && topics.every((topic, i) => topic === null || [topic].flat().includes(log.topics[i]));
  return logs
    .filter(isSelected)
    .map((log) => new EventLog(log, contract.interface, fragment) as unknown as TypedEventLog<E>);
}

async function addressOf(contract: BaseContract): Promise<string> {
  return getAddress(await contract.getAddress());
}
