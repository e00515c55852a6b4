import type { EventLog, Provider } from "ethers";

import {
  readEvents,
  type LogRange,
  type Selection,
  type SystemContracts,
  timelockWitness,
  type TypedContractEvent,
} from "@turingfog/sdk/ethers";
import { fromBytes, toBytes } from "../store/index.js";
import type { ChainEvent } from "./facts.js";

/** The events that facts follow from, by their contract. */
const EVENTS = {
  escrow: [
    ...["AssetListed", "OrderOpened", "Transfer", "OrderStopped", "OrderClosed"],
    ...["ReceiptSettled", "AcknowledgementSettled"],
  ],
  registry: ["ModelRated", "NodeRegistered", "NodeTransferred", "MetadataURISet", "NodeAttested", "NodeRevoked"],
  oracle: ["SignersSet", "RootSubmitted", "RootVetoed", "Frozen", "Thawed"],
} as const;

/** Those that take effect by the time of their block. */
const TIMED = new Set([
  ...["OrderOpened", "NodeTransferred", "NodeRevoked"],
  ...["SignersSet", "RootSubmitted", "RootVetoed", "Frozen", "Thawed"],
]);

const WORD = 32;

type Source = keyof typeof EVENTS;

/** An event as it stands in the store. */
export interface EventRow {
  block: bigint;
  log_index: bigint;
  /** Unix seconds; 0 if nothing follows from the time of the event. */
  time: bigint;
  contract: string;
  topics: Uint8Array;
  data: Uint8Array;
}

/**
 * Reads the events of some blocks, in the order of the chain.
 * @throws IncompleteLogsError, NoContractError, NodeBehindError, or the node's own error
 */
export async function readRows(contracts: SystemContracts, range: LogRange): Promise<EventRow[]> {
  const sources = Object.keys(EVENTS) as Source[];
  const selections = sources.flatMap((source) =>
    EVENTS[source].map((name) => ({ source, selection: selectionOf(contracts, source, name) })),
  );
  const found = await readEvents(
    range,
    await timelockWitness(contracts.timelock),
    ...selections.map(({ selection }) => selection),
  );
  const timeOf = blockTimes(range.provider);
  const rows: EventRow[] = [];
  for (const [i, logs] of found.entries()) {
    for (const log of logs as unknown as EventLog[]) {
      rows.push({
        block: BigInt(log.blockNumber),
        log_index: BigInt(log.index),
        time: TIMED.has(log.eventName) ? await timeOf(log.blockNumber) : 0n,
        contract: selections[i].source,
        topics: toBytes(`0x${log.topics.map((topic) => topic.slice(2)).join("")}`),
        data: toBytes(log.data),
      });
    }
  }
  return rows.sort((a, b) => Number(a.block - b.block || a.log_index - b.log_index));
}

/** Returns the event of a row. */
export function eventOf(contracts: SystemContracts, { block, time, contract, topics, data }: EventRow): ChainEvent {
  const count = topics.length / WORD;
  const words = Array.from({ length: count }, (_, i) => fromBytes(topics.subarray(i * WORD, (i + 1) * WORD)));
  const { interface: abi } = contracts[contract as Source];
  const parsed = abi.parseLog({ topics: words, data: fromBytes(data) });
  if (parsed === null) throw new Error(`${contract} has no event ${words[0]}, which the store has`);
  return { name: parsed.name, args: parsed.args.toObject(), block: Number(block), time };
}

function selectionOf(contracts: SystemContracts, source: Source, name: string): Selection<TypedContractEvent> {
  const contract = contracts[source];
  const event = (contract.filters as unknown as Record<string, TypedContractEvent>)[name];
  return { contract, event };
}

function blockTimes(provider: Provider): (block: number) => Promise<bigint> {
  const known = new Map<number, bigint>();
  return async (number) => {
    const time = known.get(number) ?? BigInt((await provider.getBlock(number))?.timestamp ?? 0);
    if (time === 0n) throw new Error(`The node has logs of block ${number}, and not the block`);
    known.set(number, time);
    return time;
  };
}
