import * as sdk from "@turingfog/sdk";

import * as rules from "./rules";

/** Rules of the auction, in one version. */
export interface Version {
  readonly name: string;
  /** True if what is earned gathers in the open round until the lot before it is sold; else each epoch is a lot. */
  readonly gathers: boolean;
  /** Returns a lot's price; times in seconds. */
  priceAt(reference: bigint, elapsed: bigint): bigint;
  nextReference(reference: bigint, proceeds: bigint, amount: bigint, wholeUnit: bigint): bigint;
  /** Returns the age, in periods, at which the price has fallen to `ratio` times the reference; approximate. */
  ageAt(ratio: number): number;
}

export const EPOCH = 86_400;
export const PERIOD = 86_400;

/** Halvings that are weighed for each period after the first. */
export const LATER_CHOICES = [4n, 6n, 8n] as const;
/** The one of them that docs/auction.md recommends. */
export const RECOMMENDED_LATER = 4n;

/** Returns the rules of version 2. */
export function versionTwo(later: bigint): Version {
  return {
    name: `version 2, ${later} halvings`,
    gathers: true,
    priceAt: (reference, elapsed) => rules.priceAt(reference, elapsed, BigInt(PERIOD), later),
    nextReference: rules.nextReference,
    ageAt: (ratio) => {
      const halvings = 13 - Math.log2(ratio);
      if (halvings <= 0) return 0;
      if (halvings <= 10) return halvings / 120;
      if (halvings <= 15) return 1 / 12 + ((halvings - 10) / 5) * (11 / 12);
      return 1 + (halvings - 15) / Number(later);
    },
  };
}

/** The rules of version 1, which the contracts follow. */
export const VERSION_ONE: Version = {
  name: "version 1",
  gathers: false,
  priceAt: (reference, elapsed) => sdk.priceAt(reference, elapsed, BigInt(PERIOD)),
  nextReference: sdk.nextReference,
  ageAt: (ratio) => {
    const halvings = 3 - Math.log2(ratio);
    if (halvings <= 0) return 0;
    return halvings <= 5 ? halvings / 5 : 1 + (halvings - 5) / 8;
  },
};
