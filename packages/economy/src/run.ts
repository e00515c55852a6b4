import { type Stake } from "./adversaries.js";
import type { PhaseTotals, Snapshot } from "./records.js";
import { type Scenario, YEAR } from "./scenario.js";
import { World } from "./world.js";

/** What became of an economy. Shares are of the market's worth; amounts whole. */
export interface Outcome {
  scenario: Scenario;
  years: readonly Snapshot[];
  phases: readonly PhaseTotals[];
  /** Days by which the reserve was empty and the token mature, if they were. */
  emptyBy?: number;
  matureBy?: number;
  /** Part of their worth that all lots brought together, the median lot, and the worst one. */
  auction: { all: number; median: number; worst: number; lots: number };
  /** Dollars of lots that were written off. */
  lost: number;
  /** The most unfinished rounds of one asset at a day's end. */
  unfinished: number;
  /** The furthest that a reference was off the market's price, as a factor above 1. */
  furthest: number;
  /** What the adversary gave up and got, by phase. */
  stakes?: readonly Stake[];
}

/**
 * Lives an economy.
 * @throws ScenarioError, OutOfRangeError, NotIntegerError; UnsoundError if a rule was broken
 */
export function run(scenario: Scenario): Outcome {
  const world = new World(scenario);
  for (let day = 0; day < scenario.years * YEAR; ++day) world.step();
  const { records, adversary } = world;
  const { years, phases, emptyBy, matureBy, lost, unfinished, furthest } = records;
  const shares = [...records.shares].sort((a, b) => a - b);
  return {
    ...{ scenario, years, phases, emptyBy, matureBy, lost, unfinished, furthest },
    auction: {
      all: records.paid / records.worth,
      median: quantile(shares, 0.5),
      worst: shares[0],
      lots: shares.length,
    },
    stakes: adversary?.stakes,
  };
}

/** Returns a quantile of ascending numbers, by the nearest rank; NaN if there are none. */
export function quantile(ascending: readonly number[], part: number): number {
  return ascending.length === 0 ? NaN : ascending[Math.max(Math.ceil(part * ascending.length) - 1, 0)];
}
