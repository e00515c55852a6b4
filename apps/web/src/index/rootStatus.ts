import { RootStatus } from "@turingfog/sdk";

/** Times of a root in the index. */
interface RootTimes {
  finalAt: string;
  vetoedAt: string | null;
  expiredAt: string | null;
}

/** Returns a root's status at a time, as `TUReceiptOracle.status` does from the same times. */
export function statusOf({ finalAt, vetoedAt, expiredAt }: RootTimes, time: bigint): RootStatus {
  if (vetoedAt !== null) return RootStatus.Vetoed;
  if (expiredAt !== null) return RootStatus.Expired;
  return time < BigInt(finalAt) ? RootStatus.Pending : RootStatus.Final;
}

export const STATUS_TONES = {
  [RootStatus.Unknown]: "plain",
  [RootStatus.Pending]: "wait",
  [RootStatus.Final]: "good",
  [RootStatus.Vetoed]: "bad",
  [RootStatus.Expired]: "bad",
} as const;
