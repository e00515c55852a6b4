import { checkRange } from "../errors.js";

/** A measurement by the oracle's quorum; see `Receipt` in IComputeEscrow.sol. */
export interface Receipt {
  orderId: bigint;
  nodeId: bigint;
  /** All TU, 18 decimals, that the node has delivered on the order until `measuredAt`. */
  cumulativeTU: bigint;
  /** Unix seconds. */
  measuredAt: bigint;
}

/** A receipt as it is published: with the hash of the meter log that the signers checked. */
export interface MeteredReceipt extends Receipt {
  /** 32 bytes, lower-case hex. */
  meterLogHash: string;
}

/** The arguments of `ComputeEscrow.settle` that follow the asset. */
export interface Multiproof {
  receiptsRoot: string;
  /** In the order that the multiproof wants. */
  receipts: Receipt[];
  proof: string[];
  proofFlags: boolean[];
}

export type ReceiptField = keyof Receipt;

/** The types of a leaf, in the order in which `Receipt` declares them. */
export const RECEIPT_LEAF_ENCODING: readonly string[] = Object.freeze(["uint256", "uint256", "uint96", "uint40"]);

/** The width of each field's type. */
export const FIELD_BYTES: Readonly<Record<ReceiptField, number>> = {
  orderId: 32,
  nodeId: 32,
  cumulativeTU: 12,
  measuredAt: 5,
};

const HIGHEST: Readonly<Record<ReceiptField, bigint>> = {
  orderId: 2n ** 256n - 1n,
  nodeId: 2n ** 256n - 1n,
  cumulativeTU: 2n ** 96n - 1n,
  measuredAt: 2n ** 40n - 1n,
};

/** @throws NotIntegerError, OutOfRangeError unless the field's type can hold the value */
export function checkField(field: ReceiptField, value: bigint): void {
  checkRange(field, value, 0n, HIGHEST[field]);
}
