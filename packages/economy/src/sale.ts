import { WAD } from "@turingfog/sdk";

import { ageAt } from "./curve.js";
import type { Destroyed, Fill, Ledger } from "./ledger.js";

/** Base units in a dollar: dollar tokens have 6 decimals here. */
export const DOLLAR = 1_000_000n;

/** Seconds. */
export const DAY = 86_400;

/** What a buyer would take of a lot. */
export interface Offer {
  /** The highest price that they pay: TFT for a dollar, whole units. */
  limit: number;
  /** Base units of the asset, at least 1. */
  amount: bigint;
}

/** Somebody who buys of lots. Times are unix seconds. */
export interface Buyer {
  /** Returns the first time from `at` on at which they can buy. */
  nextLook(at: number): number;
  /** Returns what they would buy of what remains of a lot now; undefined if nothing. */
  offer(remaining: bigint, lot: bigint, asset: string): Offer | undefined;
  /** Takes over what they bought. */
  settle(fill: Fill): void;
}

/** A fill of a lot, beside what it was worth. */
export interface Sale {
  asset: string;
  round: number;
  at: number;
  /** TFT, whole ones: what was paid, and what it was worth at the market's price. */
  paid: number;
  worth: number;
  /** Dollars, whole ones. */
  value: number;
  isSoldOut: boolean;
  destroyed: Destroyed;
}

/**
 * Sells what the buyers take of an asset's lots from one time to another, each at the first price that suits them, and
 * returns the fills.
 * @param market the market's price: TFT for a dollar, whole units
 */
export function sellLots(
  ledger: Ledger,
  asset: string,
  [from, to]: readonly [number, number],
  buyers: readonly Buyer[],
  market: number,
): Sale[] {
  const sales: Sale[] = [];
  for (let now = from; ;) {
    const lot = ledger.lot(asset, BigInt(Math.max(to - 1, 0)));
    if (lot === undefined) return sales;
    const startedAt = Number(lot.startedAt);
    const reference = Number(ledger.reference(asset)) / Number(WAD);

    let best: { buyer: Buyer; offer: Offer; at: number } | undefined;
    for (const buyer of buyers) {
      const offer = buyer.offer(lot.remaining, lot.round.weight, asset);
      if (offer === undefined || !(offer.limit > 0)) continue;
      // a second later, so that rounding leaves the price below the limit
      const suits = startedAt + Math.ceil(ageAt(offer.limit / reference) * DAY) + 1;
      const at = buyer.nextLook(Math.max(suits, now, startedAt));
      if (best === undefined || at < best.at) best = { buyer, offer, at };
    }
    if (best === undefined || best.at >= to) return sales;

    const { buyer, offer, at } = best;
    const fill = ledger.buy(asset, offer.amount, BigInt(at));
    buyer.settle(fill);
    sales.push({
      ...{ asset, round: lot.round.number, at },
      paid: whole(fill.destroyed.bought),
      worth: (Number(fill.filled) / Number(DOLLAR)) * market,
      value: Number(fill.filled) / Number(DOLLAR),
      isSoldOut: lot.round.finalAt !== undefined,
      destroyed: fill.destroyed,
    });
    now = at;
  }
}

/** Returns base units of TFT as whole ones. */
export function whole(amount: bigint): number {
  return Number(amount) / Number(WAD);
}

/** Returns whole TFT as base units. */
export function units(amount: number): bigint {
  return BigInt(Math.floor(Math.max(amount, 0) * 1e6)) * 10n ** 12n;
}

/** Returns whole dollars as base units. */
export function dollars(amount: number): bigint {
  return BigInt(Math.floor(Math.max(amount, 0) * 1e6));
}
