import equivalent from "./equivalent.json";

import type { Outcome } from "./campaign";
import { keyOf, type Mutant, type MutantKey } from "./schemata";

/** Mutants that change nothing that anyone could see, with the argument why. */
export interface Equivalence {
  argument: string;
  mutants: MutantKey[];
}

/** A mutant and what became of it; one that is listed as equivalent need not be run. */
export interface Judged {
  mutant: Mutant;
  outcome: Outcome | "listed";
}

/** Whether a mutant is listed as equivalent. */
export function isListed(mutant: MutantKey): boolean {
  return equivalent.some(({ mutants }) => mutants.some((each) => keyOf(each) === keyOf(mutant)));
}

/** What became of a contract's mutants. */
export interface Tally {
  contract: string;
  mutants: number;
  killed: number;
  /** Of the killed, by a test that did not end. */
  timeouts: number;
  equivalent: number;
  survived: number;
  unreached: number;
}

export interface MutationReport {
  tallies: Tally[];
  total: Tally;
  /** Killed mutants of those that are not equivalent, in percent. */
  score: number;
  /** Mutants that live and are not listed as equivalent. */
  alive: (Mutant & { outcome: string })[];
  /** Listed as equivalent, but killed or gone. */
  stale: { why: string; key: string }[];
  /** Whether every mutant is accounted for. */
  isComplete: boolean;
}

/**
 * @param judged The mutants that were run.
 * @param all All that there are, run or not.
 * @param equivalences Those that are listed, unless given those of equivalent.json.
 */
export function report(
  judged: readonly Judged[],
  all: readonly Mutant[],
  equivalences: readonly Equivalence[] = equivalent,
): MutationReport {
  const listed = new Set(equivalences.flatMap(({ mutants }) => mutants.map(keyOf)));
  const existing = new Set(all.map(keyOf));
  const isAlive = ({ outcome }: Judged) => outcome !== "killed" && outcome !== "timeout";

  const alive = judged.filter((each) => isAlive(each) && !listed.has(keyOf(each.mutant)));
  const killed = new Set(judged.filter((each) => !isAlive(each)).map(({ mutant }) => keyOf(mutant)));
  const stale = [...listed].flatMap((key) => {
    if (!existing.has(key)) return [{ why: "there is no such mutant", key }];
    return killed.has(key) ? [{ why: "is killed", key }] : [];
  });

  const contracts = [...new Set(judged.map(({ mutant }) => mutant.contract))].sort();
  const tally = (contract: string, of: readonly Judged[]): Tally => {
    const count = (isCounted: (each: Judged) => boolean) => of.filter(isCounted).length;
    const isEquivalent = (each: Judged) => isAlive(each) && listed.has(keyOf(each.mutant));
    return {
      contract,
      mutants: of.length,
      killed: count((each) => !isAlive(each)),
      timeouts: count(({ outcome }) => outcome === "timeout"),
      equivalent: count(isEquivalent),
      survived: count((each) => each.outcome === "survived" && !isEquivalent(each)),
      unreached: count((each) => each.outcome === "unreached" && !isEquivalent(each)),
    };
  };
  const total = tally("all", judged);
  const relevant = total.mutants - total.equivalent;
  return {
    tallies: contracts.map((name) =>
      tally(
        name,
        judged.filter(({ mutant }) => mutant.contract === name),
      ),
    ),
    total,
    score: relevant === 0 ? 100 : (100 * total.killed) / relevant,
    alive: alive.map(({ mutant, outcome }) => ({ ...mutant, outcome })),
    stale,
    isComplete: alive.length === 0 && stale.length === 0,
  };
}

const COLUMNS = ["mutants", "killed", "timeouts", "equivalent", "survived", "unreached"] as const;

/** The report as a table, with what is left to do below it. */
export function toText({ tallies, total, score, alive, stale }: MutationReport): string {
  const rows = [...tallies, total].map((tally) => [tally.contract, ...COLUMNS.map((column) => String(tally[column]))]);
  const table = [["contract", ...COLUMNS], ...rows].map(([name, ...cells]) =>
    [name.padEnd(24), ...cells.map((cell) => cell.padStart(11))].join(""),
  );
  return [
    ...table,
    "",
    `${total.killed} of ${total.mutants - total.equivalent} mutants that are not equivalent are killed: ${score.toFixed(2)} %`,
    ...alive.flatMap((mutant) => [
      "",
      `${mutant.outcome}: ${mutant.contract}.${mutant.function}, line ${mutant.line}: ${mutant.operator}`,
      `  - ${mutant.source}`,
      `  + ${mutant.replacement}`,
    ]),
    ...stale.map(({ why, key }) => `\nstale in equivalent.json, ${why}: ${key}`),
  ].join("\n");
}
