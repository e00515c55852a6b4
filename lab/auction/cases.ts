import { CONSTANT, type Crowd } from "./market";
import { type Outcome, type Scenario, simulate } from "./simulate";
import type { Version } from "./versions";

export const YEAR = 365;

/** A first reference: how far it is off, and on which side. */
export type Off = Pick<Scenario, "factor" | "side">;

export const RIGHT: Off = { factor: 1n, side: "high" };
export const REFERENCES: readonly Off[] = [
  { factor: 1_000_000n, side: "high" },
  { factor: 10_000n, side: "high" },
  { factor: 100n, side: "high" },
  RIGHT,
  { factor: 100n, side: "low" },
  { factor: 10_000n, side: "low" },
  { factor: 1_000_000n, side: "low" },
];

/** Earnings of a day in TFT at the market's price. */
export const VALUES = [50n, 800n, 12_000n] as const;
export const CROWDS: readonly Crowd[] = ["two", "one"];
/** Hours. */
export const STANDSTILLS = [6, 24, 72, 168] as const;

/** Epochs and periods, in hours: a day each, and pairs in which they are far apart. */
export const TIMINGS: readonly (readonly [epoch: number, period: number])[] = [
  [24, 24],
  [12, 24],
  [1, 24],
  [24, 1],
  [168, 24],
  [24, 168],
  [1, 720],
  [720, 1],
];

/** A scenario and what became of it under one version. */
export interface Result {
  readonly version: string;
  readonly scenario: Scenario;
  readonly outcome: Outcome;
}

/** Returns a scenario of a year in a constant market that never stands still, changed as given. */
export function scenarioOf(change: Off & Pick<Scenario, "value" | "crowd" | "seed"> & Partial<Scenario>): Scenario {
  return { drift: CONSTANT, standstill: 0, days: YEAR, ...change };
}

/** Lives all combinations of reference, value, bidders and stand-still; says how many are done. */
export function runGrid(version: Version, seed: number, progress: (done: number, all: number) => void): Result[] {
  const scenarios = REFERENCES.flatMap((off) =>
    VALUES.flatMap((value) =>
      CROWDS.flatMap((crowd) =>
        [0, ...STANDSTILLS].map((standstill) => scenarioOf({ ...off, value, crowd, standstill, seed })),
      ),
    ),
  );
  return scenarios.map((scenario, i) => {
    if (i % 50 === 0) progress(i, scenarios.length);
    return { version: version.name, scenario, outcome: simulate(version, scenario) };
  });
}
