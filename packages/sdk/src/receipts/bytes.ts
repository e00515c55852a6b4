/** A number that no hex digit stands for. */
const NOT_HEX = 255;

export const HASH_BYTES = 32;

/** The ASCII code of each hex digit. */
const HEX_CODES = ascii("0123456789abcdef");

const HEX_VALUES = new Uint8Array(256).fill(NOT_HEX);
HEX_CODES.forEach((code, value) => (HEX_VALUES[code] = value));

const decoder = new TextDecoder();
const hexText = ascii(`0x${"00".repeat(HASH_BYTES)}`);

/** Encodes text that is known to be ASCII. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Returns the value of a lower-case hex digit's ASCII code, or undefined for any other code. */
export function hexValue(code: number): number | undefined {
  const value = HEX_VALUES[code];
  return value === NOT_HEX ? undefined : value;
}

/** Returns the byte that two lower-case hex digits of a text stand for. */
export function hexByte(text: string, at: number): number {
  return (HEX_VALUES[text.charCodeAt(at)] << 4) | HEX_VALUES[text.charCodeAt(at + 1)];
}

/** Returns the 32 bytes of a hash as 0x and lower-case hex. */
export function hashToHex(bytes: Uint8Array, start = 0): string {
  writeHash(bytes, start, hexText, 2);
  return decoder.decode(hexText);
}

/** Writes the 32 bytes of a hash as 64 hex digits. */
export function writeHash(bytes: Uint8Array, start: number, out: Uint8Array, at: number): void {
  for (let i = start; i < start + HASH_BYTES; ++i) {
    out[at++] = HEX_CODES[bytes[i] >>> 4];
    out[at++] = HEX_CODES[bytes[i] & 15];
  }
}

/** Compares `length` bytes as big-endian numbers: below 0 if the first is lower, 0 if both are equal. */
export function compareBytes(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, length: number): number {
  for (let i = 0; i < length; ++i) {
    const difference = a[aStart + i] - b[bStart + i];
    if (difference !== 0) return difference;
  }
  return 0;
}
