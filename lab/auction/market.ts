import { WAD } from "@turingfog/sdk";

import type { Random } from "@turingfog/economy";

export const BLOCK = 12;
export const HOUR = 3_600;
export const DAY = 86_400;

/** The asset sold has 6 decimals, as dollar tokens have. */
export const WHOLE_UNIT = 1_000_000n;
/** TFT for a whole unit of the asset on the first day. */
export const FIRST_MARKET_PRICE = (WAD * 5n) / 4n;

const BASIS_POINTS = 10_000n;

/** A course of the market price, day by day. */
export interface Drift {
  readonly name: string;
  /** Change from a day to the next, in basis points. */
  readonly trend: number;
  /** Random change on top, at most so much either way, in basis points. */
  readonly swing: number;
}

export const CONSTANT: Drift = { name: "constant", trend: 0, swing: 0 };
export const DRIFTS: readonly Drift[] = [
  { name: "falls 1 % a day", trend: -100, swing: 0 },
  { name: "rises 1 % a day", trend: 100, swing: 0 },
  { name: "swings by up to 10 % a day", trend: 0, swing: 1_000 },
];

/** Returns the market price of each day. */
export function pricesOf({ trend, swing }: Drift, days: number, random: Random): bigint[] {
  const prices = [FIRST_MARKET_PRICE];
  while (prices.length <= days) {
    const change = BigInt(trend + random.below(2 * swing + 1) - swing);
    prices.push((prices[prices.length - 1] * (BASIS_POINTS + change)) / BASIS_POINTS);
  }
  return prices;
}

/** A time in which nobody can bid, in seconds. */
export interface Pause {
  readonly from: number;
  readonly to: number;
}

/** Someone who buys once the price is below the market's by the margin. */
export interface Bidder {
  /** Basis points. */
  readonly margin: bigint;
  /** The most TFT that it pays in one fill. */
  readonly purse: bigint;
  /** Returns when it can bid at the earliest on something that it can see from `at` on. */
  nextBid(at: number): number;
}

/** Returns the highest price that a bidder pays. */
export function willingnessOf({ margin }: Bidder, marketPrice: bigint): bigint {
  return (marketPrice * (BASIS_POINTS - margin)) / BASIS_POINTS;
}

export type Crowd = "one" | "two";

/** Returns the bidders of a case, all of whom pause when the chain does. */
export function bidders(crowd: Crowd, pauses: readonly Pause[], days: number, random: Random): Bidder[] {
  if (crowd === "two") return [watcher(50n, pauses), watcher(100n, pauses)];
  return [sleeper(100n, pauses, days, random)];
}

/** A bidder that watches every block and bids in the one after. */
function watcher(margin: bigint, pauses: readonly Pause[]): Bidder {
  return {
    margin,
    purse: 5_000n * WAD,
    nextBid: (at) => afterPauses(Math.ceil(at / BLOCK) * BLOCK + BLOCK, pauses),
  };
}

/** A bidder that looks once an hour, and on one day in fourteen falls asleep for a whole day. */
function sleeper(margin: bigint, pauses: readonly Pause[], days: number, random: Random): Bidder {
  const minute = random.below(HOUR / BLOCK) * BLOCK;
  const away = [...pauses];
  for (let day = 0; day < days; ++day) {
    const from = day * DAY + random.below(24) * HOUR;
    if (random.below(14) === 0) away.push({ from, to: from + DAY });
  }
  const nextLook = (at: number) => Math.ceil((at - minute) / HOUR) * HOUR + minute;
  const nextBid = (at: number): number => {
    const look = nextLook(at);
    const awake = afterPauses(look, away);
    return awake === look ? look : nextBid(awake);
  };
  return { margin, purse: 50_000n * WAD, nextBid };
}

/** Returns the first time from `at` on that is in no pause. */
function afterPauses(at: number, pauses: readonly Pause[]): number {
  for (const { from, to } of pauses) if (from <= at && at < to) return afterPauses(to, pauses);
  return at;
}
