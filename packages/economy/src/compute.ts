/** Price elasticity of the demand for compute. */
const ELASTICITY = 1.5;
/** Part of the shortage by which the price of compute moves in a day. */
const PRICE_STEP = 0.1;
const GROWTH = 1.01;
const DECLINE = 0.98;
/** Dollars that a TU costs the miners of each kind, whether it is sold or not. */
const COSTS = [0.2, 0.3, 0.4, 0.5, 0.6, 0.8];
/** Days over which miners average what they earn. */
const MEMORY = 30;

/** Miners of one cost, who join while they earn more than that and leave while they earn less. */
export interface Miners {
  readonly name: string;
  /** Dollars a TU. */
  readonly cost: number;
  /** TU a day. */
  capacity: number;
  /** TFT that they hold, base units. */
  tft: bigint;
}

/** A day's trade in compute. */
export interface Trade {
  /** TU. */
  sold: number;
  /** Dollars. */
  revenue: number;
}

/** The market for compute: renters who ask for less the dearer it is, and miners. A TU costs a dollar at first. */
export class ComputeMarket {
  /** Dollars a TU. */
  price = 1;
  /** Dollars that a TU of capacity has earned, averaged. */
  income: number;
  readonly miners: readonly Miners[];

  constructor(demand: number, paidOut: number) {
    this.income = paidOut;
    this.miners = COSTS.map((cost, i) => ({ name: `miners ${i}`, cost, capacity: demand / COSTS.length, tft: 0n }));
  }

  get capacity(): number {
    return this.miners.reduce((sum, { capacity }) => sum + capacity, 0);
  }

  /** Returns what the miners spend in a day, in dollars. */
  get costs(): number {
    return this.miners.reduce((sum, { capacity, cost }) => sum + capacity * cost, 0);
  }

  /**
   * Lives a day.
   * @param demand TU that would be rented at a dollar each
   */
  trade(demand: number): Trade {
    const asked = demand * this.price ** -ELASTICITY;
    const { capacity } = this;
    const sold = Math.min(asked, capacity);
    const trade = { sold, revenue: sold * this.price };
    this.price *= Math.exp((PRICE_STEP * (asked - capacity)) / (asked + capacity + 1e-9));
    this.price = Math.min(Math.max(this.price, 1e-3), 1e3);
    return trade;
  }

  /** Lets miners join and leave by what the day's rewards were worth, in dollars. */
  adjust(rewards: number): void {
    this.income += (rewards / this.capacity - this.income) / MEMORY;
    for (const each of this.miners) {
      if (this.income > each.cost * 1.05) each.capacity *= GROWTH;
      else if (this.income < each.cost) each.capacity = Math.max(each.capacity * DECLINE, 1);
    }
  }
}
