import { type Context, type EventNames, type IndexingFunctionArgs, ponder } from "ponder:registry";
import { event as events, snapshot } from "ponder:schema";

import config from "../ponder.config";

/** An event's place in the chain. */
export interface Placed {
  id: string;
  block: { number: bigint; hash: `0x${string}`; timestamp: bigint };
  transaction: { hash: `0x${string}` };
}

/** What is read of an event of any contract. */
interface AnyEvent extends Placed {
  args: unknown;
  log: { address: `0x${string}`; logIndex: number };
}

/** The block, its time and the transaction of an event, which are in every row that it makes or changes. */
export interface Origin {
  block: bigint;
  time: bigint;
  transactionHash: `0x${string}`;
}

type Handler<N extends EventNames> = (args: IndexingFunctionArgs<N>) => Promise<void>;

const handled = new Set<EventNames>();

export function originOf({ block, transaction }: Placed): Origin {
  return { block: block.number, time: block.timestamp, transactionHash: transaction.hash };
}

/** Records an event as it is and then by a handler, unless its contract is not in the deployment. */
export function on<N extends EventNames>(name: N, handle?: Handler<N>): void {
  const [contract, eventName] = name.split(":");
  if (!(contract in config.contracts)) return;

  handled.add(name);
  const register = ponder.on.bind(ponder) as unknown as (name: N, handler: Handler<N>) => void;
  register(name, async (args) => {
    const event: unknown = args.event;
    await record(contract, eventName, event as AnyEvent, args.context);
    await handle?.(args);
  });
}

/** Records the events that have no handler. */
export function onAllOthers(): void {
  for (const [contract, { abi }] of Object.entries(config.contracts)) {
    for (const item of abi) {
      const name = `${contract}:${"name" in item ? item.name : ""}` as EventNames;
      if (item.type === "event" && !handled.has(name)) on(name);
    }
  }
}

async function record(contract: string, name: string, event: AnyEvent, { db, chain }: Context): Promise<void> {
  const { id, args, log, block } = event;
  const { address, logIndex } = log;
  await db.insert(events).values({ id, contract, address, name, args: storable(args), logIndex, ...originOf(event) });

  const now = { block: block.number, blockHash: block.hash, time: block.timestamp };
  await db
    .insert(snapshot)
    .values({ id: chain.id, ...now })
    .onConflictDoUpdate(now);
}

/** Returns a text as PostgreSQL takes it, which has no NUL. */
export function storableText(text: string): string {
  return text.replaceAll("\0", "\uFFFD");
}

/** Returns arguments in JSON, which has no whole numbers of their size. */
function storable(args: unknown): Record<string, unknown> {
  const text = JSON.stringify(args, (_, value: unknown) => {
    if (typeof value === "bigint") return value.toString();
    return typeof value === "string" ? storableText(value) : value;
  });
  return JSON.parse(text) as Record<string, unknown>;
}
