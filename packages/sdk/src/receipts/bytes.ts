/** A number that no hex digit stands for. */
const NOT_HEX = 255;

const HEX_DIGITS = "0123456789abcdef";

/** The ASCII code of each hex digit. */
export const HEX_CODES = ascii(HEX_DIGITS);

/** Two hex digits for each byte. */
const HEX_PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

const HEX_VALUES = new Uint8Array(256).fill(NOT_HEX);
HEX_CODES.forEach((code, value) => (HEX_VALUES[code] = value));

/** Encodes text that is known to be ASCII. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Returns the value of a lower-case hex digit's ASCII code, or undefined for any other code. */
export function hexValue(code: number): number | undefined {
  const value = HEX_VALUES[code];
  return value === NOT_HEX ? undefined : value;
}

/** Returns bytes as 0x and lower-case hex. */
export function toHex(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = "0x";
  for (let i = start; i < end; ++i) text += HEX_PAIRS[bytes[i]];
  return text;
}

/** Compares `length` bytes as big-endian numbers: below 0 if the first is lower, 0 if both are equal. */
export function compareBytes(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, length: number): number {
  for (let i = 0; i < length; ++i) {
    const difference = a[aStart + i] - b[bStart + i];
    if (difference !== 0) return difference;
  }
  return 0;
}
