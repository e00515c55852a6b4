import { BURNING_END, Phase, phase, PRODUCTION_MINING_END, supplyOf } from "@turingfog/sdk";

import type { ComputeMarket } from "./compute.js";
import { type Destroyed, type Ledger, TFT } from "./ledger.js";
import type { Pool } from "./pool.js";
import { type Sale, whole } from "./sale.js";
import { ASSETS, YEAR } from "./scenario.js";

/** Days over which the lots of a day are averaged. */
const MEMORY = 7;

/** What a phase has brought. TFT whole, and dollars. */
export interface PhaseTotals {
  bought: number;
  /** TFT to miners. */
  rewards: number;
  /** Dollars: what renters paid, and what the rewards were worth when they were claimed. */
  revenue: number;
  income: number;
}

/** The state at the end of a year. */
export interface Snapshot {
  year: number;
  phase: Phase;
  /** TFT, whole ones. */
  circulating: number;
  total: number;
  /** Dollars for a TFT, for a TU, and of a day's compute. */
  price: number;
  computePrice: number;
  revenue: number;
  /** TU a day. */
  capacity: number;
}

/** What a day's end is read from. */
export interface Today {
  readonly day: number;
  readonly ledger: Ledger;
  readonly pool: Pool;
  readonly compute: ComputeMarket;
  /** Dollars that renters paid for the day's compute. */
  readonly revenue: number;
}

/** Notes what happens in a run. */
export class Records {
  readonly phases: PhaseTotals[] = [Phase.ProductionMining, Phase.BuybackDistribution, Phase.Mature].map(() => ({
    ...{ bought: 0, rewards: 0, revenue: 0, income: 0 },
  }));
  readonly years: Snapshot[] = [];
  /** Part of its market worth that each lot that was sold out has brought. */
  readonly shares: number[] = [];
  paid = 0;
  worth = 0;
  /** Dollars of lots that were written off. */
  lost = 0;
  /** TFT bought back on the latest day, whole ones. */
  bought = 0;
  /** Dollars of lots that are sold in a day, averaged. */
  dailyLots = 0;
  unfinished = 0;
  /** The furthest that a reference was off the market's price on any day, as a factor above 1. */
  furthest = 1;
  /** Days by which the reserve was empty and the token mature. */
  emptyBy?: number;
  matureBy?: number;
  private boughtToday = 0;
  private soldToday = 0;
  private readonly lots = new Map<string, { paid: number; worth: number }>();

  destroyed({ bought, b1, b2, reward, burned }: Destroyed, day: number): void {
    const totals = this.phases[b1 > 0n ? Phase.ProductionMining : b2 > 0n ? Phase.BuybackDistribution : Phase.Mature];
    totals.bought += whole(bought);
    totals.rewards += whole(reward);
    this.boughtToday += whole(bought);
    if (burned >= PRODUCTION_MINING_END) this.emptyBy ??= day;
    if (burned >= BURNING_END) this.matureBy ??= day;
  }

  sale({ asset, round, paid, worth, value, isSoldOut }: Sale): void {
    this.paid += paid;
    this.worth += worth;
    this.soldToday += value;
    const key = `${asset} ${round}`;
    const lot = this.lots.get(key) ?? { paid: 0, worth: 0 };
    lot.paid += paid;
    lot.worth += worth;
    if (isSoldOut) {
      this.shares.push(lot.paid / lot.worth);
      this.lots.delete(key);
    } else {
      this.lots.set(key, lot);
    }
  }

  /** Notes what miners claimed and renters paid on a day, in dollars. */
  paidOut(income: number, revenue: number, burned: bigint): void {
    const totals = this.phases[phase(burned)];
    totals.income += income;
    totals.revenue += revenue;
  }

  endDay({ day, ledger, pool, compute, revenue }: Today): void {
    this.bought = this.boughtToday;
    this.dailyLots += (this.soldToday - this.dailyLots) / MEMORY;
    this.boughtToday = 0;
    this.soldToday = 0;
    for (const asset of [TFT, ...ASSETS.map(([each]) => each)]) {
      this.unfinished = Math.max(this.unfinished, ledger.unfinished(asset).length);
      if (asset === TFT) continue;
      const ratio = whole(ledger.reference(asset)) / pool.price;
      this.furthest = Math.max(this.furthest, ratio, 1 / ratio);
    }
    if ((day + 1) % YEAR !== 0) return;
    const { total, circulating, phase: now } = supplyOf(ledger.supply);
    this.years.push({
      ...{ year: (day + 1) / YEAR, phase: now, circulating: whole(circulating), total: whole(total) },
      ...{ price: 1 / pool.price, computePrice: compute.price, revenue, capacity: compute.capacity },
    });
  }
}
