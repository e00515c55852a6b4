import { compareBytes, HASH_BYTES, hashToHex, hexByte } from "./bytes.js";
import { InvalidReceiptFileError } from "./errors.js";
import { checkField, FIELD_BYTES, type Receipt, type ReceiptField } from "./receipt.js";
import type { Rows } from "./rows.js";

/**
 * The fields in the order of the published file. A row holds each as its number of bytes and then these bytes,
 * big-endian without leading zeros. Thus small numbers are short, and rows are in order when their bytes are. The hash
 * of the meter log may follow.
 */
export const ROW_FIELDS = ["orderId", "nodeId", "measuredAt", "cumulativeTU"] as const satisfies ReceiptField[];

/** The longest row. */
export const ROW_BYTES = ROW_FIELDS.reduce((sum, field) => sum + 1 + FIELD_BYTES[field], HASH_BYTES);

const WORD_BITS = 32n;
const WORD_MASK = 2n ** WORD_BITS - 1n;

/**
 * Writes a receipt's fields as a row.
 * @returns the length of the row
 * @throws OutOfRangeError
 */
export function encodeRow(receipt: Receipt, out: Uint8Array): number {
  let at = 0;
  for (const field of ROW_FIELDS) {
    checkField(field, receipt[field]);
    const length = byteLength(receipt[field]);
    out[at++] = length;
    writeInteger(receipt[field], out, at, length);
    at += length;
  }
  return at;
}

export function decodeRow(bytes: Uint8Array, start: number): Receipt {
  const receipt: Receipt = { orderId: 0n, nodeId: 0n, cumulativeTU: 0n, measuredAt: 0n };
  let at = start;
  for (const field of ROW_FIELDS) {
    const length = bytes[at++];
    receipt[field] = readInteger(bytes, at, length);
    at += length;
  }
  return receipt;
}

/** Returns the length of a row without the hash of the meter log. */
export function keyLength(bytes: Uint8Array, start: number): number {
  let at = start;
  for (let field = 0; field < ROW_FIELDS.length; ++field) at += 1 + bytes[at];
  return at - start;
}

/** Compares two rows of a table by order, node, time and TU: below 0 if the first is lower, 0 if both are equal. */
export function compareRows(rows: Rows, a: number, b: number): number {
  const bytes = rows.bytesOf(a);
  const start = rows.startOf(a);
  return compareBytes(bytes, start, rows.bytesOf(b), rows.startOf(b), keyLength(bytes, start));
}

/**
 * Appends the hash of a meter log to a row.
 * @returns the length of the row
 * @throws InvalidReceiptFileError unless it is 32 bytes of lower-case hex
 */
export function encodeMeterLogHash(hash: string, row: Uint8Array, length: number, at: string): number {
  if (!/^0x[0-9a-f]{64}$/.test(hash)) {
    throw new InvalidReceiptFileError(at, `is ${JSON.stringify(hash)}, not 32 bytes of lower-case hex`);
  }
  for (let i = 0; i < HASH_BYTES; ++i) row[length + i] = hexByte(hash, 2 + 2 * i);
  return length + HASH_BYTES;
}

export function decodeMeterLogHash(bytes: Uint8Array, start: number): string {
  return hashToHex(bytes, start + keyLength(bytes, start));
}

/** Returns the least number of bytes that hold a number: 0 for 0. */
function byteLength(value: bigint): number {
  let words = 0;
  for (; value > WORD_MASK; value >>= WORD_BITS) ++words;
  return 4 * words + Math.ceil((32 - Math.clz32(Number(value))) / 8);
}

function writeInteger(value: bigint, out: Uint8Array, start: number, length: number): void {
  for (let end = length; end > 0; end -= 4, value >>= WORD_BITS) {
    let word = Number(value & WORD_MASK);
    for (let i = end - 1; i >= Math.max(0, end - 4); --i, word >>>= 8) out[start + i] = word & 255;
  }
}

function readInteger(bytes: Uint8Array, start: number, length: number): bigint {
  let value = 0n;
  for (let i = 0; i < length;) {
    const end = i === 0 ? length % 4 || 4 : i + 4;
    let word = 0;
    for (; i < end; ++i) word = word * 256 + bytes[start + i];
    value = (value << WORD_BITS) | BigInt(word);
  }
  return value;
}
