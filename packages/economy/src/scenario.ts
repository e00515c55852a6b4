import { checkCount, TuringFogError } from "@turingfog/sdk";

/** Days. */
export const YEAR = 365;

/** Dollar tokens that are listed, and how many of the renters in dollars prefer each. */
export const ASSETS: readonly (readonly [asset: string, preference: number])[] = [
  ["USDC", 0.7],
  ["DAI", 0.3],
];

/** Blows that an economy can be dealt, by name. */
export const SHOCKS = {
  crash: "the holders' valuation falls by 90 % in a day",
  rocket: "the holders' valuation rises a hundredfold in a day",
  drought: "nobody rents for a year",
  frozen: "the main dollar's transfers stop for good",
  thaw: "the main dollar's transfers stop for 20 days",
  outage: "the chain stands still for 5 days",
  asleep: "no bidder acts for 7 days",
  fees: "transactions cost 50 times as much for a year",
} as const;
export type ShockName = keyof typeof SHOCKS;

/** People who attack an economy, by name. */
export const ADVERSARIES = {
  wash: "rents from itself every day, for a tenth of what all others pay",
  faker: "sells itself nine times the honest TU at a ten-thousandth of the price",
  walker: "owns nine tenths of an asset's lots, and bids half of their reference price for them",
  ring: "waits, as every bidder does, until a lot costs half of the market's price",
  dust: "bids for one base unit of every lot, 20 times in front of its sale",
  quorum: "has a corrupt quorum settle a week's deposits for work that nobody did, once",
} as const;
export type AdversaryName = keyof typeof ADVERSARIES;

/** A blow and the day on which it falls. */
export interface Shock {
  name: ShockName;
  day: number;
}

/** An economy to be lived. */
export interface Scenario {
  /** From 0 to 2^31 − 1; the same seed gives the same run. */
  seed: number;
  years: number;
  /** Dollars of compute asked for on the first day. */
  demand: number;
  /** Growth of demand a year, as a factor, until it has grown a hundredfold. */
  growth: number;
  /** Years of buybacks at which holders value all that circulates. */
  multiple: number;
  /** Part of the renters who pay in TFT. */
  tftShare: number;
  /** Bidders with capital; fillers without it always act. */
  bidders: number;
  shocks: readonly Shock[];
  adversary?: AdversaryName;
}

export const DEFAULT_SCENARIO: Scenario = {
  seed: 1,
  years: 20,
  demand: 10_000,
  growth: 1.5,
  multiple: 10,
  tftShare: 0.3,
  bidders: 3,
  shocks: [],
};

const BOUNDS = {
  demand: [1, 1e9],
  growth: [0.1, 10],
  multiple: [0.1, 1_000],
  tftShare: [0, 1],
} as const;

/** Thrown when a scenario has a number that no economy can be lived with. */
export class ScenarioError extends TuringFogError {}

/**
 * Checks a scenario.
 * @throws ScenarioError, OutOfRangeError, NotIntegerError
 */
export function checkScenario(scenario: Scenario): void {
  checkCount("seed", scenario.seed, 0, 2 ** 31 - 1);
  checkCount("years", scenario.years, 1, 100);
  checkCount("bidders", scenario.bidders, 0, 100);
  for (const [name, [lowest, highest]] of Object.entries(BOUNDS)) {
    const value = scenario[name as keyof typeof BOUNDS];
    if (value >= lowest && value <= highest) continue;
    throw new ScenarioError(`${name} is ${value}, must be from ${lowest} to ${highest}`);
  }
  for (const { day } of scenario.shocks) checkCount("day of a shock", day, 0, scenario.years * YEAR - 1);
}
