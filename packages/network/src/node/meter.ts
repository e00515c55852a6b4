import { DAY, max, min, TU } from "@turingfog/sdk";
import { type Evidence, type Job, type Reading, READING_INTERVAL } from "@turingfog/sdk/wire";

import type { Sample } from "../runner/index.js";

/** What a reading is made of beside the chain of readings before it. */
export interface Counted {
  /** TU per day of the node, 18 decimals. */
  ratePerDay: bigint;
  order: { tuAmount: bigint; startedAt: bigint; endsAt: bigint };
  job: Pick<Job, "imagesPerTU">;
  sample: Pick<Sample, "heldMs" | "images">;
  /** Unix seconds. */
  now: bigint;
}

/**
 * Returns the TU that a run has delivered, 18 decimals: as work, images / images of 1 TU; as time, rate per day · time held
 * / day. Never more than the node's rate makes of the time since the order began, nor than what was ordered.
 */
export function countTU({ ratePerDay, order, job, sample, now }: Counted): bigint {
  const counted =
    job.imagesPerTU > 0n
      ? (BigInt(sample.images) * TU) / job.imagesPerTU
      : (ratePerDay * BigInt(Math.floor(sample.heldMs))) / (DAY * 1_000n);
  const possible = (ratePerDay * max(now - order.startedAt, 0n)) / DAY;
  return min(min(counted, possible), order.tuAmount);
}

/** Returns what a reading's evidence says. */
export function evidenceOf({ job, sample }: Counted, result: string): Evidence {
  return job.imagesPerTU > 0n
    ? { counted: "images", amount: BigInt(sample.images), result }
    : { counted: "seconds", amount: BigInt(Math.floor(sample.heldMs / 1_000)), result };
}

/**
 * Returns when the next reading may be dated: a reading of after the order's end counts for nothing, one too soon after the
 * one before is refused.
 * @returns undefined if none may follow any more, or not yet
 */
export function dateOf(
  previous: Pick<Reading, "measuredAt"> | undefined,
  { order, now }: Pick<Counted, "order" | "now">,
): bigint | undefined {
  const date = min(now, order.endsAt);
  const earliest = previous === undefined ? order.startedAt : previous.measuredAt + READING_INTERVAL;
  return date < earliest ? undefined : date;
}
