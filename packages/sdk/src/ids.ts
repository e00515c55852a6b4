import { getAddress, toBeHex } from "ethers";

const ADDRESS_BITS = 160n;
const NODE_SERIAL_BITS = 32n;

/**
 * Returns the epoch that a time falls in.
 * @param timestamp unix seconds
 * @param epochLength seconds
 */
export function epochOf(timestamp: bigint, epochLength: bigint): bigint {
  return timestamp / epochLength;
}

/** Returns the id of the bucket of a round and an asset: round << 160 | asset. */
export function bucketId(round: bigint, asset: string): bigint {
  return (round << ADDRESS_BITS) | BigInt(getAddress(asset));
}

/** Splits a bucket's id into its round and its asset. */
export function decodeBucketId(id: bigint): { round: bigint; asset: string } {
  return { round: id >> ADDRESS_BITS, asset: getAddress(toBeHex(BigInt.asUintN(160, id), 20)) };
}

/** Generation of an order behind which no other takes over its place. */
export const LAST_GENERATION = 2n ** 16n - 1n;

/**
 * Splits an order's id, which is place << 32 | asset index << 16 | generation: orders take over places of the escrow's
 * storage from each other, and the generation counts them.
 */
export function decodeOrderId(orderId: bigint): { place: bigint; assetIndex: bigint; generation: bigint } {
  return {
    place: orderId >> 32n,
    assetIndex: BigInt.asUintN(16, orderId >> 16n),
    generation: BigInt.asUintN(16, orderId),
  };
}

/** Splits a node's id, which is model index << 32 | serial. */
export function decodeNodeId(nodeId: bigint): { modelIndex: bigint; serial: bigint } {
  return { modelIndex: nodeId >> NODE_SERIAL_BITS, serial: BigInt.asUintN(32, nodeId) };
}
