import { DAY, max, min } from "@turingfog/sdk";

import type { Sighting } from "./rental.js";

/** How much of what a node says a renter acknowledges: `all` that was seen, what was `sampled` often enough, or `none`. */
export const POLICIES = ["all", "sampled", "none"] as const;

export type Policy = (typeof POLICIES)[number];

/** The most seconds between two sightings of a sample: what was counted in a longer time nobody has watched. */
export const MAX_GAP = 900n;

export interface Acknowledged {
  policy: Policy;
  /** What was seen, in the order of time. */
  seen: readonly Sighting[];
  /** Whether the result was fetched and is the one that the last reading names. */
  hasResult: boolean;
  /** TU per day of the node, 18 decimals. */
  ratePerDay: bigint;
  order: { startedAt: bigint; tuAmount: bigint };
}

/**
 * Returns the TU to acknowledge, 18 decimals: no more than was seen, than the node's rate makes of the time until then, and
 * than was ordered.
 */
export function acknowledgedTU({ policy, seen, hasResult, ratePerDay, order }: Acknowledged): bigint {
  if (policy === "none" || seen.length === 0) return 0n;
  const possible = ({ at, cumulativeTU }: Sighting) =>
    min(min(cumulativeTU, order.tuAmount), (ratePerDay * max(at - order.startedAt, 0n)) / DAY);
  const last = possible(seen[seen.length - 1]);
  return policy === "all" || hasResult ? last : min(last, sampled(seen, order.startedAt));
}

/** Returns what was counted between sightings that are close enough to each other, the order's start being the first. */
function sampled(seen: readonly Sighting[], startedAt: bigint): bigint {
  let [total, before]: [bigint, Sighting] = [0n, { at: startedAt, cumulativeTU: 0n }];
  for (const each of seen) {
    if (each.at - before.at <= MAX_GAP) total += max(each.cumulativeTU - before.cumulativeTU, 0n);
    before = each;
  }
  return total;
}
