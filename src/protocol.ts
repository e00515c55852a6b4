import { getAddress, toBeHex } from "ethers";

import { checkRange } from "./errors";
import { ceilDiv, min } from "./math";
import type { Receipt } from "./receipts";

export { Phase } from "./supply";

/** What became of a root of receipts; as in ITUReceiptOracle.sol. */
export enum RootStatus {
  Unknown,
  Pending,
  Final,
  Vetoed,
  Expired,
}

/** Why a receipt was passed over; as in IComputeEscrow.sol. */
export enum SkipReason {
  OtherAsset,
  UnknownOrder,
  WrongNode,
  BeforeStart,
  AfterSubmission,
  NotAttested,
  NothingNew,
}

/** One whole TU. */
export const TU = 10n ** 18n;

const ADDRESS_BITS = 160n;
const ORDER_SERIAL_BITS = 40n;
const NODE_SERIAL_BITS = 32n;

const SPEED_NUMERATOR = 11n;
const SPEED_DENOMINATOR = 10n * 86_400n;

/** The epoch of a time; both in unix seconds. */
export function epochOf(timestamp: bigint, epochLength: bigint): bigint {
  return timestamp / epochLength;
}

/** The bucket of what was earned in an asset during an epoch: epoch << 160 | asset. */
export function bucketId(epoch: bigint, asset: string): bigint {
  return (epoch << ADDRESS_BITS) | BigInt(getAddress(asset));
}

/** What a bucket's id says. */
export function decodeBucketId(id: bigint): { epoch: bigint; asset: string } {
  return { epoch: id >> ADDRESS_BITS, asset: getAddress(toBeHex(BigInt.asUintN(160, id), 20)) };
}

/** What an order's id says: orderId = asset index << 40 | serial. */
export function decodeOrderId(orderId: bigint): { assetIndex: bigint; serial: bigint } {
  return { assetIndex: orderId >> ORDER_SERIAL_BITS, serial: BigInt.asUintN(40, orderId) };
}

/** What a node's id says: nodeId = model index << 32 | serial. */
export function decodeNodeId(nodeId: bigint): { modelIndex: bigint; serial: bigint } {
  return { modelIndex: nodeId >> NODE_SERIAL_BITS, serial: BigInt.asUintN(32, nodeId) };
}

/** What an order costs: ⌈tuAmount · unitPrice / 1e18⌉ base units of the asset; TU with 18 decimals. */
export function depositOf(tuAmount: bigint, unitPrice: bigint): bigint {
  return ceilDiv(tuAmount * unitPrice, TU);
}

/** What a node has earned with its TU on one order: ⌊tu · unitPrice / 1e18⌋ base units of the asset. */
export function earnedBy(tu: bigint, unitPrice: bigint): bigint {
  return (tu * unitPrice) / TU;
}

/** The terms of an order, as far as a settlement looks at them. */
export interface OrderTerms {
  /** The node, or 0 for a joint order. */
  nodeId: bigint;
  unitPrice: bigint;
  /** 18 decimals. */
  tuAmount: bigint;
  startedAt: bigint;
  endsAt: bigint;
}

/** A node, as far as a settlement looks at it; as `NodeRegistry.standing`. */
export interface Standing {
  attestedFrom: bigint;
  attestedUntil: bigint;
  /** The attestation that lapsed before the one in force, if any; as `NodeRegistry.wasAttested` knows it. */
  lapsed?: { from: bigint; until: bigint };
  /** TU per day, 18 decimals. */
  rate: bigint;
}

/** What a receipt leads to: what its node has settled on the order from now on, and what is newly earned. */
export type Settlement = { settled: bigint; earned: bigint } | { skipped: SkipReason };

/**
 * Settles one receipt of a known order of the asset being settled, by the rule of `ComputeEscrow.settle`: with
 * t = min(measuredAt, end), the node's TU become min(cumulativeTU, 1.1 · rate · (t − start) / day, tuAmount − what other
 * nodes have settled) when that is more than before.
 * @param submittedAt when the receipt's root was submitted, in unix seconds
 * @param settledBefore TU that the node has settled on the order, 18 decimals
 * @param settledByOthers TU that other nodes have settled on it, 18 decimals; 0 unless it is a joint order
 */
export function settleReceipt(
  receipt: Receipt,
  order: OrderTerms,
  node: Standing,
  submittedAt: bigint,
  settledBefore: bigint,
  settledByOthers: bigint,
): Settlement {
  if (order.nodeId !== 0n && receipt.nodeId !== order.nodeId) return { skipped: SkipReason.WrongNode };
  if (receipt.measuredAt < order.startedAt) return { skipped: SkipReason.BeforeStart };
  if (receipt.measuredAt > submittedAt) return { skipped: SkipReason.AfterSubmission };
  const t = min(receipt.measuredAt, order.endsAt);
  if (!wasAttested(node, t)) return { skipped: SkipReason.NotAttested };

  const attainable = (node.rate * (t - order.startedAt) * SPEED_NUMERATOR) / SPEED_DENOMINATOR;
  const settled = min(receipt.cumulativeTU, min(attainable, order.tuAmount - settledByOthers));
  if (settled <= settledBefore) return { skipped: SkipReason.NothingNew };
  return { settled, earned: earnedBy(settled, order.unitPrice) - earnedBy(settledBefore, order.unitPrice) };
}

function wasAttested({ attestedFrom, attestedUntil, lapsed }: Standing, t: bigint): boolean {
  if (attestedFrom <= t && t <= attestedUntil) return true;
  return lapsed !== undefined && lapsed.from <= t && t <= lapsed.until;
}

/**
 * A miner's part of a final bucket: ⌊reward · weight / total weight⌋ TFT.
 * @throws OutOfRangeError when the weight is not part of the total
 */
export function claimShare(reward: bigint, weight: bigint, totalWeight: bigint): bigint {
  if (weight === 0n) return 0n;
  checkRange("weight", weight, 0n, totalWeight);
  return (reward * weight) / totalWeight;
}
