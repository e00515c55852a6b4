import { checkRange } from "@turingfog/sdk";

const WORD = 32;
const HIGHEST = 2n ** 256n - 1n;
const UINT64 = 2n ** 64n - 1n;

/**
 * Returns an id or an amount as it stands in the store: 32 bytes, the highest first, so that they sort as the numbers do.
 * @throws OutOfRangeError
 */
export function toBlob(value: bigint): Uint8Array {
  checkRange("A value for the store", value, 0n, HIGHEST);
  const blob = Buffer.alloc(WORD);
  for (let at = WORD - 8, rest = value; rest > 0n; at -= 8, rest >>= 64n) blob.writeBigUInt64BE(rest & UINT64, at);
  return blob;
}

/** Returns the id or the amount of 32 bytes. */
export function fromBlob(blob: Uint8Array): bigint {
  return BigInt(fromBytes(blob));
}

/** Returns a hash, an address or a signature as it stands in the store: its bytes. */
export function toBytes(hex: string): Uint8Array {
  return Buffer.from(hex.slice(2), "hex");
}

/** Returns bytes as 0x and lower-case hex digits. */
export function fromBytes(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;
}
