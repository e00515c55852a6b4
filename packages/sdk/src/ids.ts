import { getAddress, toBeHex } from "ethers";

const ADDRESS_BITS = 160n;
const ORDER_SERIAL_BITS = 40n;
const NODE_SERIAL_BITS = 32n;

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
