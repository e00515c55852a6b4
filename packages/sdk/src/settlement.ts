import { checkRange } from "./errors.js";
import { ceilDiv, min } from "./math.js";
import type { Receipt } from "./receipts/index.js";
import { DAY, TU } from "./units.js";

/** Status of a root of receipts; `RootStatus` of ITUReceiptOracle.sol. */
export enum RootStatus {
  Unknown,
  Pending,
  Final,
  Vetoed,
  Expired,
}

/** Reason for which a settlement skips a receipt or an acknowledgement; `SkipReason` of IComputeEscrow.sol. */
export enum SkipReason {
  OtherAsset,
  UnknownOrder,
  WrongNode,
  BeforeStart,
  AfterSubmission,
  NotAttested,
  NothingNew,
  AfterEnd,
  JointOrder,
  NotAcknowledged,
}

const SPEED_NUMERATOR = 11n;
const SPEED_DENOMINATOR = 10n * DAY;

/**
 * Returns the cost of an order in base units of the asset: ⌈tuAmount · unitPrice / 1e18⌉.
 * @param tuAmount TU, 18 decimals
 * @param unitPrice base units of the asset per whole TU
 */
export function depositOf(tuAmount: bigint, unitPrice: bigint): bigint {
  return ceilDiv(tuAmount * unitPrice, TU);
}

/**
 * Returns what a node has earned with its TU on one order, in base units of the asset: ⌊tu · unitPrice / 1e18⌋.
 * @param tu TU, 18 decimals
 * @param unitPrice base units of the asset per whole TU
 */
export function earnedBy(tu: bigint, unitPrice: bigint): bigint {
  return (tu * unitPrice) / TU;
}

/**
 * Returns the most TU (18 decimals) that a node is paid for: 1.1 · ratePerDay · seconds / day, rounded down.
 * @param ratePerDay TU per day, 18 decimals
 * @param seconds from the order's start to the measurement
 */
export function attainableTU(ratePerDay: bigint, seconds: bigint): bigint {
  return (ratePerDay * seconds * SPEED_NUMERATOR) / SPEED_DENOMINATOR;
}

/** Whether a node may take orders: its attestation counts, will count, or has ended or was never given. */
export type Standing = "attested" | "pending" | "unattested";

/**
 * Returns a node's standing at a time, by its attestation.
 * @param attestedFrom,attestedUntil first and last second of the attestation; 0 if there is none
 * @param time unix seconds
 */
export function standingOf(attestedFrom: bigint, attestedUntil: bigint, time: bigint): Standing {
  if (attestedUntil < time) return "unattested";
  return attestedFrom <= time ? "attested" : "pending";
}

/** The terms of an order that a settlement reads. */
export interface OrderTerms {
  /** The node's id, or 0 for a joint order. */
  nodeId: bigint;
  unitPrice: bigint;
  /** TU bought, 18 decimals. */
  tuAmount: bigint;
  startedAt: bigint;
  endsAt: bigint;
}

/** The state of a node that a settlement reads, from `NodeRegistry.standing`. */
export interface SettlingNode {
  attestedFrom: bigint;
  attestedUntil: bigint;
  /** The attestation before that one, if any, which only `NodeRegistry.isAttested` tells of. */
  lapsed?: { from: bigint; until: bigint };
  /** TU per day, 18 decimals. */
  rate: bigint;
}

/**
 * Result of settling a receipt or an acknowledgement: the TU (18 decimals) that the node has now settled on the order and
 * the base units of the asset that it newly earns, or the reason for which nothing is settled.
 */
export type Settlement = { settled: bigint; earned: bigint } | { skipped: SkipReason };

/**
 * Settles one receipt of a known order of the asset being settled, by the rule of `ComputeEscrow.settle`. A receipt
 * measured after the order's end is skipped, and one of a node that was not attested when it was measured or, on a
 * joint order, when the order started. Otherwise the node's TU become min(cumulativeTU, 1.1 · rate ·
 * (measuredAt − start) / day, tuAmount − what other nodes have settled) if that is more than before.
 * @param submittedAt time at which the receipt's root was submitted, in unix seconds
 * @param settledBefore TU that the node has settled on the order, 18 decimals
 * @param settledByOthers TU that other nodes have settled on it, 18 decimals; 0 unless it is a joint order
 */
export function settleReceipt(
  receipt: Receipt,
  order: OrderTerms,
  node: SettlingNode,
  submittedAt: bigint,
  settledBefore: bigint,
  settledByOthers: bigint,
): Settlement {
  if (order.nodeId !== 0n && receipt.nodeId !== order.nodeId) return { skipped: SkipReason.WrongNode };
  if (receipt.measuredAt < order.startedAt) return { skipped: SkipReason.BeforeStart };
  if (receipt.measuredAt > submittedAt) return { skipped: SkipReason.AfterSubmission };
  if (receipt.measuredAt > order.endsAt) return { skipped: SkipReason.AfterEnd };
  const wasAttestedAtStart = order.nodeId !== 0n || isAttested(node, order.startedAt);
  if (!wasAttestedAtStart || !isAttested(node, receipt.measuredAt)) return { skipped: SkipReason.NotAttested };

  const attainable = attainableTU(node.rate, receipt.measuredAt - order.startedAt);
  const settled = min(receipt.cumulativeTU, min(attainable, order.tuAmount - settledByOthers));
  return raise(settled, settledBefore, order.unitPrice);
}

/**
 * Settles an acknowledgement of a known order of the asset being settled, by the rule of
 * `ComputeEscrow.settleAcknowledged`. The order's TU become min(cumulativeTU, tuAmount) if that is more than before.
 * @param cumulativeTU TU acknowledged, 18 decimals
 * @param isAcknowledged whether the one who would be refunded has signed the acknowledgement or sends it
 * @param settledBefore TU settled on the order, 18 decimals
 */
export function settleAcknowledgement(
  cumulativeTU: bigint,
  order: Pick<OrderTerms, "nodeId" | "unitPrice" | "tuAmount">,
  isAcknowledged: boolean,
  settledBefore: bigint,
): Settlement {
  if (order.nodeId === 0n) return { skipped: SkipReason.JointOrder };
  if (!isAcknowledged) return { skipped: SkipReason.NotAcknowledged };
  return raise(min(cumulativeTU, order.tuAmount), settledBefore, order.unitPrice);
}

function raise(settled: bigint, settledBefore: bigint, unitPrice: bigint): Settlement {
  if (settled <= settledBefore) return { skipped: SkipReason.NothingNew };
  return { settled, earned: earnedBy(settled, unitPrice) - earnedBy(settledBefore, unitPrice) };
}

function isAttested({ attestedFrom, attestedUntil, lapsed }: SettlingNode, t: bigint): boolean {
  if (attestedFrom <= t && t <= attestedUntil) return true;
  return lapsed !== undefined && lapsed.from <= t && t <= lapsed.until;
}

/** The most buckets of one claim: each takes up to 40,000 gas. */
export const MOST_BUCKETS = 200;

/**
 * Returns a miner's share of a final bucket in TFT (18 decimals): ⌊reward · weight / total weight⌋.
 * @throws OutOfRangeError if the weight is above the total
 */
export function claimShare(reward: bigint, weight: bigint, totalWeight: bigint): bigint {
  if (weight === 0n) return 0n;
  checkRange("weight", weight, 0n, totalWeight);
  return (reward * weight) / totalWeight;
}

/**
 * Returns the TFT (18 decimals) that TU bring at what each TU settled in a bucket has brought: ⌊reward · tu / settled⌋.
 * @param reward the bucket's reward
 * @param tu TU, 18 decimals; they may be more than were settled
 * @param settled TU settled in the bucket, 18 decimals, above 0
 */
export function rewardAt(reward: bigint, tu: bigint, settled: bigint): bigint {
  return (reward * tu) / settled;
}
