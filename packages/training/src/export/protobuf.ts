/** Wire types of Protocol Buffers (https://protobuf.dev/programming-guides/encoding). */
const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** A field of a message: its number, and what it holds; a list is a repeated field. */
export type Field = [number: number, value: FieldValue | readonly FieldValue[]];

/** A message or bytes, a text, or an integer from 0 to 2^32 − 1. */
type FieldValue = Uint8Array | string | number;

/** Returns the bytes of a message of Protocol Buffers. */
export function message(...fields: readonly Field[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [number, value] of fields) {
    for (const each of Array.isArray(value) ? (value as FieldValue[]) : [value as FieldValue]) {
      if (typeof each === "number") {
        parts.push(varint((number << 3) | VARINT), varint(each));
        continue;
      }
      const bytes = typeof each === "string" ? new TextEncoder().encode(each) : each;
      parts.push(varint((number << 3) | LENGTH_DELIMITED), varint(bytes.length), bytes);
    }
  }
  return join(parts);
}

/** Returns an integer in groups of seven bits, the lowest first; all but the last have their highest bit set. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Uint8Array.from([...bytes, value]);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
