import type { Pool } from "./pool.js";
import type { Random } from "./random.js";
import { dollars, units, whole } from "./sale.js";

const YEAR = 365;
/** Days over which holders average the buybacks that they value. */
const MEMORY = 90;
/** Part of the gap, in logarithms, that their trades close in a day. */
const EAGERNESS = 0.2;
/** Daily swing of sentiment and its return, in logarithms. */
const SWING = 0.03;
const RETURN = 0.01;
/** Speculators follow a month's trend with this power. */
const TREND = 0.3;
const MONTH = 30;

/**
 * Holders and speculators. Holders value all that circulates at some years of the buybacks, by a sentiment that swings and
 * returns; speculators follow the trend. They buy below that value and sell above it, what they have.
 */
export class Holders {
  /** Natural logarithm. */
  sentiment = 0;
  private eagerness = EAGERNESS;
  private readonly prices: number[] = [];

  constructor(
    private readonly multiple: number,
    /** Dollars bought back a day, averaged. */
    public buybacks: number,
    private readonly random: Random,
  ) {}

  /** Multiplies their valuation by a factor, to which the market goes in a day. */
  shock(factor: number): void {
    this.sentiment += Math.log(factor);
    this.eagerness = 1;
  }

  /** Returns what they think a TFT is worth, in dollars. */
  value(circulating: number): number {
    return (this.buybacks * YEAR * this.multiple * Math.exp(this.sentiment)) / circulating;
  }

  /**
   * Lives a day: trades towards the value, and returns the TFT that they bought, negative if they sold. Base units.
   * @param free TFT that they can sell, base units
   */
  trade(pool: Pool, buybacks: number, circulating: number, free: bigint): bigint {
    this.buybacks += (buybacks - this.buybacks) / MEMORY;
    this.sentiment += SWING * this.normal() - RETURN * this.sentiment;

    const price = 1 / pool.price;
    const before = this.prices.length < MONTH ? price : this.prices[this.prices.length - MONTH];
    this.prices.push(price);
    const wanted = Math.max(this.value(circulating), 1e-9) * (price / before) ** TREND;
    const target = price * (wanted / price) ** this.eagerness;
    this.eagerness = EAGERNESS;
    if (target > price) return pool.sellDollars(dollars(pool.dollarsUntil(1 / target)));
    const sold = units(Math.min(pool.tftUntil(1 / target), whole(free)));
    pool.sellTFT(sold);
    return -sold;
  }

  /** Returns a number of the standard normal distribution. */
  private normal(): number {
    const [first, second] = [this.random.below(2 ** 30), this.random.below(2 ** 30)].map((n) => (n + 1) / 2 ** 30);
    return Math.sqrt(-2 * Math.log(first)) * Math.cos(2 * Math.PI * second);
  }
}
