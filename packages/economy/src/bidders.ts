import { max, min } from "@turingfog/sdk";

import type { Fill } from "./ledger.js";
import type { Pool } from "./pool.js";
import { type Buyer, DOLLAR, dollars, type Offer, units, whole } from "./sale.js";

/** A lot's smallest part that a filler takes: less would leave a rest that the auction does not leave either. */
const SLICES = 20n;

/** A time in which nobody of a kind can act, in unix seconds. */
export interface Pause {
  from: number;
  to: number;
}

/** Circumstances that all bidders share and that change from day to day. */
export interface Weather {
  pauses: Pause[];
  /** The market's price before the lots of the day are sold, to which it returns: TFT for a dollar. */
  market: number;
  /** Dollars that a transaction costs. */
  fee: number;
}

/** Returns the first time from `at` on that is in no pause. */
export function afterPauses(at: number, pauses: readonly Pause[]): number {
  const pause = pauses.find(({ from, to }) => from <= at && at < to);
  return pause === undefined ? at : afterPauses(pause.to, pauses);
}

/**
 * A bidder with capital: they pay out of TFT that they hold and buy these back on the market later, in parts, so that
 * the market recovers in between.
 */
export class Bidder implements Buyer {
  /** Dollars of lots that are to be turned into TFT again. */
  proceeds = 0;

  constructor(
    readonly pool: Pool,
    readonly weather: Weather,
    /** Part of the market's price that they ask for. */
    public margin: number,
    /** Seconds between two looks. */
    readonly delay: number,
    /** Base units. */
    public tft: bigint,
  ) {}

  nextLook(at: number): number {
    const look = Math.ceil(at / this.delay) * this.delay;
    const awake = afterPauses(look, this.weather.pauses);
    return awake === look ? look : this.nextLook(awake);
  }

  offer(remaining: bigint): Offer | undefined {
    const { market } = this.weather;
    const affordable = dollars(whole(this.tft) / (market * (1 - this.margin)) / 1.001);
    const amount = min(remaining, affordable);
    if (amount === 0n) return undefined;
    const value = Number(amount) / Number(DOLLAR);
    return { limit: market * (1 - this.margin) * (1 - this.weather.fee / value), amount };
  }

  settle({ filled, destroyed }: Fill): void {
    this.tft -= destroyed.bought;
    this.proceeds += Number(filled) / Number(DOLLAR);
  }

  /** Buys TFT for a part of the proceeds. */
  rebalance(part: number): void {
    const spent = dollars(this.proceeds * part);
    this.proceeds -= Number(spent) / Number(DOLLAR);
    this.tft += this.pool.sellDollars(spent);
  }
}

/**
 * A filler without capital: in one transaction they buy a part of a lot and sell it to the pool for the TFT that it
 * costs and a margin.
 */
export class Filler implements Buyer {
  /** Margins kept, in base units of TFT. */
  tft = 0n;

  constructor(
    readonly pool: Pool,
    readonly weather: Weather,
    public margin: number,
  ) {}

  nextLook(at: number): number {
    return afterPauses(Math.ceil(at / 12) * 12, this.weather.pauses);
  }

  offer(remaining: bigint, lot: bigint): Offer | undefined {
    const amount = min(remaining, max(lot / SLICES, 1n));
    const value = Number(amount) / Number(DOLLAR);
    const average = whole(this.pool.quoteDollars(amount).out) / value;
    return { limit: average * (1 - this.margin) * (1 - this.weather.fee / value), amount };
  }

  settle({ filled, destroyed }: Fill): void {
    this.tft += this.pool.sellDollars(filled) - destroyed.bought;
  }
}

/** Returns bidders with capital, of the TFT given in all, who differ in margin and delay. */
export function crowd(pool: Pool, weather: Weather, count: number, tft: number): Bidder[] {
  return Array.from(
    { length: count },
    (_, i) => new Bidder(pool, weather, 0.005 * (i + 1), [12, 300, 3_600][i % 3], units(tft / count)),
  );
}
