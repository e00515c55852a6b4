import { ageAt } from "@turingfog/economy";
import { LATER_PERIOD_HALVINGS, nextReference, priceAt } from "@turingfog/sdk";

import { firstVersionNextReference, firstVersionPriceAt, priceWithLater } from "./rules";

/** Parameters of a deployment, in seconds. */
export interface Timing {
  readonly epoch: number;
  readonly period: number;
}

/** Rules of the auction, in one version. */
export interface Version {
  readonly name: string;
  /** True if what is earned gathers in the open round until the lot before it is sold; else each epoch is a lot. */
  readonly gathers: boolean;
  readonly timing: Timing;
  /** Returns a lot's price; times in seconds. */
  priceAt(reference: bigint, elapsed: bigint): bigint;
  nextReference(reference: bigint, proceeds: bigint, amount: bigint, wholeUnit: bigint): bigint;
  /** Returns the age, in periods, at which the price has fallen to `ratio` times the reference; approximate. */
  ageAt(ratio: number): number;
}

export const EPOCH = 86_400;
export const PERIOD = 86_400;
const DAILY: Timing = { epoch: EPOCH, period: PERIOD };

/** Halvings that are weighed for each period after the first. */
export const LATER_CHOICES = [4n, 6n, 8n] as const;

/** Returns the rules of version 2, with another LATER than the contracts' if one is given. */
export function versionTwo(later = LATER_PERIOD_HALVINGS, timing = DAILY): Version {
  const period = BigInt(timing.period);
  return {
    name: `version 2, ${later} halvings`,
    gathers: true,
    timing,
    priceAt: (reference, elapsed) =>
      later === LATER_PERIOD_HALVINGS
        ? priceAt(reference, elapsed, period)
        : priceWithLater(reference, elapsed, period, later),
    nextReference,
    ageAt: (ratio) => ageAt(ratio, later),
  };
}

/** Returns the rules of version 1, which the contracts followed before. */
export function versionOne(timing = DAILY): Version {
  const period = BigInt(timing.period);
  return {
    name: "version 1",
    gathers: false,
    timing,
    priceAt: (reference, elapsed) => firstVersionPriceAt(reference, elapsed, period),
    nextReference: firstVersionNextReference,
    ageAt: (ratio) => {
      const halvings = 3 - Math.log2(ratio);
      if (halvings <= 0) return 0;
      return halvings <= 5 ? halvings / 5 : 1 + (halvings - 5) / 8;
    },
  };
}

export const VERSION_ONE = versionOne();
