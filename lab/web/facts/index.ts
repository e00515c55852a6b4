import { ACCOUNTS } from "./accounts";
import type { History, Reading } from "./history";
import { NODES } from "./nodes";
import { ORACLE } from "./oracle";
import { ORDERS } from "./orders";
import { ROUNDS } from "./rounds";
import { SUPPLY } from "./supply";

/** What the page's numbers must be, by `subject:field`. */
const READINGS: Readonly<Record<string, Reading>> = {
  ...SUPPLY,
  ...NODES,
  ...ORDERS,
  ...ROUNDS,
  ...ORACLE,
  ...ACCOUNTS,
};

/**
 * Returns what the chain says of a number that a page has named.
 * @param name `subject:id:field`
 * @param at time by which the page has worked it out, in unix seconds
 */
export async function readFact(history: History, name: string, at: bigint): Promise<string> {
  const [, subject, id, field] = /^([^:]*):(.*):([^:]*)$/.exec(name) ?? [];
  if (subject === "event") return eventField(history, id, field);
  const reading = READINGS[`${subject}:${field}`];
  if (reading === undefined) throw new Error(`There is no reading of ${subject}:${field}`);
  return String(await reading(history, id, at));
}

/** The parts of an event's id, each of so many digits: time, chain, block, transaction, kind, log. */
const EVENT_ID = /^\d{10}\d{16}(\d{16})\d{16}\d(\d{16})$/;

function eventField(history: History, id: string, field: string): string {
  const [, block, logIndex] = EVENT_ID.exec(id) ?? [];
  if (block === undefined) throw new Error(`${id} is no id of an event`);
  const { args, time, block: number } = history.at(Number(block), Number(logIndex));
  if (field === "time") return String(time);
  if (field === "block") return String(number);
  return plain(args.getValue(field));
}

/** Renders an argument as the index does. */
function plain(value: unknown): string {
  if (Array.isArray(value)) return JSON.stringify(value.map(plain));
  return typeof value === "string" && /^0x[\da-f]{40}$/i.test(value) ? value.toLowerCase() : String(value);
}
