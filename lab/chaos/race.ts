import type { Interface } from "ethers";

import type { ChainNode } from "./entries";

/** What racers have done and what it has cost, by the chain's own blocks and receipts. */
export interface Race {
  /** How often each act was done, by who has done it. */
  done: ReadonlyMap<string, ReadonlyMap<string, number>>;
  gas: bigint;
  /** Gas of transactions that were refused, or did nothing. */
  wasted: bigint;
  /** What those were, and by whom. */
  vain: readonly string[];
}

interface Block {
  transactions: { hash: string; from: string; to: string | null; input: string }[];
}

interface Receipt {
  status: string;
  gasUsed: string;
  logs: unknown[];
}

/**
 * Reads all that some accounts have sent. A transaction that did something succeeded, and some contract says so.
 * @param racers names by their addresses in lower case
 * @param contracts functions by the addresses of their contracts in lower case
 */
export async function readRace(
  node: ChainNode,
  racers: ReadonlyMap<string, string>,
  contracts: ReadonlyMap<string, Interface>,
): Promise<Race> {
  const done = new Map<string, Map<string, number>>();
  const vain: string[] = [];
  let [gas, wasted] = [0n, 0n];
  const last = Number(await node.send("eth_blockNumber", []));
  for (let number = 0; number <= last; ++number) {
    const block = (await node.send("eth_getBlockByNumber", [`0x${number.toString(16)}`, true])) as Block;
    for (const { hash, from, to, input } of block.transactions) {
      const racer = racers.get(from.toLowerCase());
      if (racer === undefined) continue;
      const { status, gasUsed, logs } = (await node.send("eth_getTransactionReceipt", [hash])) as Receipt;
      gas += BigInt(gasUsed);
      const act = contracts.get(String(to).toLowerCase())?.parseTransaction({ data: input })?.name ?? "cancellation";
      if (status !== "0x1" || logs.length === 0) {
        wasted += BigInt(gasUsed);
        vain.push(`${act} of ${racer} ${BigInt(gasUsed)}`);
      } else {
        const by = done.get(act) ?? new Map<string, number>();
        done.set(act, by.set(racer, (by.get(racer) ?? 0) + 1));
      }
    }
  }
  return { done, gas, wasted, vain };
}

/** Returns the part of the gas that was wasted, in percent. */
export function wastedPercent({ gas, wasted }: Race): number {
  return gas === 0n ? 0 : Number((wasted * 10_000n) / gas) / 100;
}

/** Returns a race as lines of text: who has done which act how often. */
export function raceLines(race: Race): string[] {
  const rows = Array.from(race.done, ([act, by]) => {
    const counts = Array.from(by, ([racer, count]) => `${racer} ${count}`);
    return `  ${act.padEnd(16)}${counts.sort().join(", ")}`;
  });
  const vain = race.vain.length === 0 ? "" : `: ${race.vain.join(", ")}`;
  return [...rows.sort(), `  ${wastedPercent(race)} % of ${race.gas} gas was for nothing${vain}`];
}
