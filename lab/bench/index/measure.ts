import { readFile } from "node:fs/promises";

import { JsonRpcProvider } from "ethers";

import { IndexProcess } from "../../life/indexProcess";
import type { Life } from "../../life/process";

/** Ticks of Linux's clock in a second. */
const TICKS = 100;

/** Places of user and system time in /proc/PID/stat, counted after the program's name. */
const USER = 11;
const SYSTEM = 12;

/** What reading a chain has taken. */
export interface Measured {
  /** CPU time of the process, all threads. */
  seconds: number;
  events: number;
  blocks: number;
  tables: number;
  /** Seconds for which Ponder's own queries have waited, by what they do; they wait for each other. */
  parts: [name: string, seconds: number][];
}

/** Has an index read a chain to its head. */
export async function measure({ url, book }: Life, root: string): Promise<Measured> {
  const provider = new JsonRpcProvider(url);
  const head = await provider.getBlockNumber();
  provider.destroy();
  const index = await IndexProcess.start({ url, book }, { root, env: { BOOK: book } });
  try {
    await index.reaches(head);
    const seconds = await cpuSeconds(index.pid);
    const metrics = await (await fetch(new URL("/metrics", index.url))).text();
    return {
      seconds,
      events: sumOf(metrics, /^ponder_indexing_completed_events\{.*\} (\d+)/gm),
      blocks: head,
      tables: new Set(
        Array.from(metrics.matchAll(/ponder_indexing_cache_query_duration_count\{table="(\w+)"/g), ([, name]) => name),
      ).size,
      parts: Array.from(
        metrics.matchAll(/^ponder_database_method_duration_sum\{method="(\w+)"\} ([\d.]+)/gm),
        ([, name, milliseconds]): [string, number] => [name, Number(milliseconds) / 1_000],
      )
        .sort(([, a], [, b]) => b - a)
        .slice(0, 6),
    };
  } finally {
    await index.stop();
  }
}

async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[USER]) + Number(fields[SYSTEM])) / TICKS;
}

function sumOf(metrics: string, pattern: RegExp): number {
  return Array.from(metrics.matchAll(pattern), ([, value]) => Number(value)).reduce((sum, value) => sum + value, 0);
}
