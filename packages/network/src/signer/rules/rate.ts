import { attainableTU, max, min } from "@turingfog/sdk";

/** TU between two times on one order of a node, of which others may leave no more than a part. */
export interface Claim {
  from: bigint;
  until: bigint;
  /** 18 decimals. */
  amount: bigint;
  /** Its rank among the claims of other orders at the same time: the lower is served first. */
  rank: readonly bigint[];
}

/**
 * Returns what counts of each claim, if a node counts at no instant more than its rated speed allows over all its orders.
 * What a claim says is spread evenly over its time. Rounds down.
 * @param orders the claims of each order of one node, none of which overlaps another of the same order
 * @param ratePerDay TU, 18 decimals
 */
export function shareRate(orders: readonly (readonly Claim[])[], ratePerDay: bigint): bigint[][] {
  const counted = orders.map((claims) => claims.map(() => 0n));
  const next = orders.map(() => 0);
  const times = [...new Set(orders.flatMap((claims) => claims.flatMap(({ from, until }) => [from, until])))];
  times.sort((a, b) => (a < b ? -1 : 1));
  for (let i = 1; i < times.length; ++i) {
    const [start, end] = [times[i - 1], times[i]];
    const active = orders.flatMap((claims, order) => {
      while (next[order] < claims.length && claims[next[order]].until <= start) ++next[order];
      const claim = claims.at(next[order]);
      return claim !== undefined && claim.from <= start ? [{ order, claim }] : [];
    });
    let left = attainableTU(ratePerDay, end - start);
    for (const { order, claim } of active.sort((a, b) => compareRanks(a.claim.rank, b.claim.rank))) {
      const part = min(within(claim, end) - within(claim, start), left);
      counted[order][next[order]] += part;
      left -= part;
    }
  }
  return counted;
}

/** Returns how much of a claim is of the time before `time`. */
function within({ from, until, amount }: Claim, time: bigint): bigint {
  return (amount * max(time - from, 0n)) / (until - from);
}

/** Compares ranks of equal length, whose first number counts most. */
export function compareRanks(a: readonly bigint[], b: readonly bigint[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  if (at < 0) return 0;
  return a[at] < b[at] ? -1 : 1;
}
