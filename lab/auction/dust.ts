import { ceilDiv, FULL_PROCEEDS, WAD } from "@turingfog/sdk";

/** Roundings of a step of the reference. */
export const ROUNDINGS = ["towards r", "nearest", "away from r"] as const;
export type Rounding = (typeof ROUNDINGS)[number];

/** Returns by how much a lot moves a reference that is `distance` from the lot's clipped average. */
export function stepOf(distance: bigint, proceeds: bigint, rounding: Rounding): bigint {
  const product = distance * (proceeds < FULL_PROCEEDS ? proceeds : FULL_PROCEEDS);
  switch (rounding) {
    case "towards r":
      return product / FULL_PROCEEDS;
    case "nearest":
      return (product + FULL_PROCEEDS / 2n) / FULL_PROCEEDS;
    case "away from r":
      return ceilDiv(product, FULL_PROCEEDS);
  }
}

/** Returns the reference after `count` lots that each bring `proceeds`, at an average of double the reference or more. */
export function pushedUp(reference: bigint, proceeds: bigint, count: number, rounding: Rounding): bigint {
  let pushed = reference;
  for (let i = 0; i < count; ++i) pushed += stepOf(pushed, proceeds, rounding);
  return pushed;
}

/** A walk of the reference by a factor of two. */
export interface Walk {
  readonly lots: number;
  /** TFT that all of its lots brought. */
  readonly proceeds: bigint;
}

/** Walks a reference to double or half, with lots that each bring `proceeds` and are as far off as counts. */
export function walkByTwo(reference: bigint, proceeds: bigint, direction: "up" | "down"): Walk {
  let at = reference;
  let lots = 0;
  const isDone = () => (direction === "up" ? at >= 2n * reference : 2n * at <= reference);
  for (; !isDone(); ++lots) {
    if (direction === "up") at += stepOf(at, proceeds, "away from r");
    else at -= stepOf(at - ceilDiv(at, 2n), proceeds, "away from r");
  }
  return { lots, proceeds: proceeds * BigInt(lots) };
}

/** TFT that one lot saves at most by the rounding: a step is less than a unit, 10^−9 of the lowest r, above the exact one. */
export const SAVED_BY_A_LOT = WAD / 1_000_000n;
