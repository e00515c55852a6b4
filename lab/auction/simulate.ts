import { filledAmount, max, MAX_REFERENCE, min, MIN_REFERENCE, tftOwed, WAD } from "@turingfog/sdk";

import { Random } from "@turingfog/economy";
import {
  bidders,
  type Bidder,
  type Crowd,
  DAY,
  type Drift,
  FIRST_MARKET_PRICE,
  HOUR,
  pricesOf,
  WHOLE_UNIT,
  willingnessOf,
} from "./market";
import { mostUnfinished, type Round, Rounds } from "./rounds";
import type { Version } from "./versions";

/** A market over some days. */
export interface Scenario {
  /** Times that the first reference is too high, or too low; 1 if it is right. */
  readonly factor: bigint;
  readonly side: "high" | "low";
  /** Earnings of a day, in whole TFT at the first day's market price. */
  readonly value: bigint;
  readonly crowd: Crowd;
  readonly drift: Drift;
  /** Hours for which nobody can bid, from the 15th hour of the 60th day on. */
  readonly standstill: number;
  readonly days: number;
  readonly seed: number;
  /** True if the run ends when the reference has come within a factor of two. */
  readonly untilHealed?: boolean;
}

/** The outcome of a simulation. Ratios are of the reference to the market price, shares of proceeds to market value. */
export interface Outcome {
  /** The most unfinished rounds at one time. */
  readonly unfinished: number;
  readonly rounds: readonly Round[];
  /** The number of them that were sold out. */
  readonly lots: number;
  /** The lowest share of a lot, and that of all lots together. */
  readonly worst: number;
  readonly average: number;
  /** The day by which the reference was within a factor of two of the market for the first time. */
  readonly healedBy?: number;
  /** The ratio at the end of each day. */
  readonly ratios: readonly number[];
  /** The furthest that it was off, on either side, on any day after it had healed. */
  readonly furthest: number;
  /** Hours from the first lot's start to its end. */
  readonly firstLotHours?: number;
}

export const STANDSTILL_FROM = 60 * DAY + 15 * HOUR;

/** Lives a scenario by the rules of a version. */
export function simulate(version: Version, scenario: Scenario): Outcome {
  const { value, crowd, days, standstill, drift } = scenario;
  const prices = pricesOf(drift, days, new Random(scenario.seed));
  const pauses = standstill === 0 ? [] : [{ from: STANDSTILL_FROM, to: STANDSTILL_FROM + standstill * HOUR }];
  // a sequence of its own, so that a longer run begins as a shorter one does
  const buyers = bidders(crowd, pauses, days, new Random(~scenario.seed)).map((bidder) => new Buyer(bidder, version));
  const rounds = new Rounds(version, WHOLE_UNIT, firstReference(scenario));
  const earnedAnHour = (value * WAD * WHOLE_UNIT) / FIRST_MARKET_PRICE / 24n;

  const ratios: number[] = [];
  let healedBy: number | undefined;
  let furthest = 1;
  for (let day = 0; day < days; ++day) {
    const marketPrice = prices[day];
    for (let from = day * DAY; from < (day + 1) * DAY; from += HOUR) {
      rounds.earn(from, earnedAnHour);
      trade(rounds, buyers, marketPrice, from, from + HOUR);
    }
    const ratio = ratioOf(rounds.reference, marketPrice);
    ratios.push(ratio);
    const off = Math.max(ratio, 1 / ratio);
    if (off <= 2) healedBy ??= day + 1;
    if (healedBy !== undefined) furthest = Math.max(furthest, off);
    if (healedBy !== undefined && scenario.untilHealed === true) break;
  }

  const [first] = rounds.all;
  const lots = rounds.all.filter(({ finishedAt }) => finishedAt !== undefined);
  return {
    unfinished: mostUnfinished(rounds.all),
    rounds: rounds.all,
    lots: lots.length,
    ...sharesOf(lots),
    healedBy,
    ratios,
    furthest,
    firstLotHours: first.finishedAt === undefined ? undefined : (first.finishedAt - rounds.startsAt(0)) / HOUR,
  };
}

/** Returns the reference with which a scenario begins, within the bounds of a reference. */
export function firstReference({ factor, side }: Pick<Scenario, "factor" | "side">): bigint {
  const reference = side === "high" ? FIRST_MARKET_PRICE * factor : FIRST_MARKET_PRICE / factor;
  return max(min(reference, MAX_REFERENCE), MIN_REFERENCE);
}

/** Sells what the buyers take from a time to another, at one market price. */
function trade(rounds: Rounds, buyers: readonly Buyer[], marketPrice: bigint, from: number, to: number): void {
  for (let now = from; ;) {
    const lot = rounds.next();
    if (lot === undefined || lot.startsAt >= to) return;

    const since = Math.max(now, lot.startsAt);
    const bids = buyers.map((buyer) => ({
      buyer,
      at: buyer.nextBid(rounds.reference, lot.startsAt, marketPrice, since),
    }));
    const { buyer, at } = bids.reduce((best, bid) => (bid.at < best.at ? bid : best));
    if (at >= to) return;

    const price = buyer.version.priceAt(rounds.reference, BigInt(at - lot.startsAt));
    const wanted = price === 0n ? lot.round.remaining : max((buyer.purse * WHOLE_UNIT) / price, 1n);
    const filled = filledAmount(wanted, lot.round.remaining, lot.round.amount);
    const owed = tftOwed(filled, price, WHOLE_UNIT);
    rounds.sell(at, filled, owed, (filled * marketPrice) / WHOLE_UNIT);
    now = at;
  }
}

/** A bidder that knows the price curve. */
class Buyer {
  private known?: { reference: bigint; limit: bigint; elapsed: number };

  constructor(
    private readonly bidder: Bidder,
    readonly version: Version,
  ) {}

  get purse(): bigint {
    return this.bidder.purse;
  }

  /** Returns when it bids on a lot, at `since` at the earliest. */
  nextBid(reference: bigint, startsAt: number, marketPrice: bigint, since: number): number {
    const limit = willingnessOf(this.bidder, marketPrice);
    if (this.known?.reference !== reference || this.known.limit !== limit) {
      this.known = { reference, limit, elapsed: this.reach(reference, limit) };
    }
    return this.bidder.nextBid(Math.max(startsAt + this.known.elapsed, since));
  }

  /** Returns the first second of a lot's age at which its price is at or below the limit. */
  private reach(reference: bigint, limit: bigint): number {
    const isReached = (elapsed: number) => this.version.priceAt(reference, BigInt(elapsed)) <= limit;
    const guess = Math.round(this.version.ageAt(Number(limit) / Number(reference)) * this.version.timing.period);
    let low = Math.max(guess - 2, 0);
    while (low > 0 && isReached(low)) low = Math.max(low - 60, 0);
    let high = low;
    while (!isReached(high)) high += 4;
    // low is not reached, unless it is 0
    if (high === low) return low;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (isReached(middle)) high = middle;
      else low = middle;
    }
    return high;
  }
}

/** Returns the lowest share of a lot and the share of all lots together. */
function sharesOf(lots: readonly Round[]): { worst: number; average: number } {
  const sum = (field: "proceeds" | "worth") => lots.reduce((total, lot) => total + Number(lot[field]), 0);
  return {
    worst: lots.reduce((worst, { proceeds, worth }) => Math.min(worst, Number(proceeds) / Number(worth)), Infinity),
    average: sum("proceeds") / sum("worth"),
  };
}

function ratioOf(reference: bigint, marketPrice: bigint): number {
  return Number(reference) / Number(marketPrice);
}
