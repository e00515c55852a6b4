import path from "node:path";

import type { Mutant } from "./schemata";

/** A mutant that outlives so many of the tests that come by it, the nearest first, is taken to live: a test belongs near. */
const MOST_TESTS = 120;

/** So many of the tests that killed mutants of the same function are tried before all others. */
const MOST_NEIGHBOURS = 4;

/** Which mutants a test came by while none was active, and how long it took. */
export interface Reach {
  ms: number;
  reached: readonly number[];
}

/** A mutant's line, and the test that killed it. */
export interface Kill {
  line: number;
  killer: string;
}

/**
 * Returns the tests that come by a mutant, the likeliest to fail soon first, each as `FILE#NUMBER`.
 *
 * @param near The mutant's contract and those that import it.
 * @param kills Kills of mutants of the same function.
 */
export function order(
  { id, line }: Pick<Mutant, "id" | "line">,
  tests: ReadonlyMap<string, Reach>,
  near: readonly string[],
  kills: readonly Kill[],
): string[] {
  const reaching = [...tests].filter(([, { reached }]) => reached.includes(id));
  const costs = new Map(reaching.map(([test, reach]) => [test, costOf(test, reach, near)]));
  const cost = (test: string) => costs.get(test) ?? Infinity;
  const ranked = [...costs.keys()].sort((a, b) => cost(a) - cost(b) || (a < b ? -1 : 1));
  const distance = (kill: Kill) => Math.abs(kill.line - line);
  const killers = [...kills].sort((a, b) => distance(a) - distance(b)).map(({ killer }) => killer);
  const neighbours = [...new Set(killers)].filter((killer) => costs.has(killer)).slice(0, MOST_NEIGHBOURS);
  return [...new Set([...neighbours, ...ranked])].slice(0, MOST_TESTS);
}

/**
 * Returns how long a test takes for what it shows: a test of few lines fails by a mutant in one of them more likely than
 * one that goes through all, and one of the mutant's own contract more likely than any other.
 */
function costOf(test: string, { ms, reached }: Reach, near: readonly string[]): number {
  const isOwn = near.some((contract) => path.basename(test).toLowerCase().startsWith(contract.toLowerCase()));
  return ms * reached.length * (isOwn ? 1 : 1_000);
}
