/** Decimal digits that one step takes: 256 · 10¹³ is below 2⁵³, so no step is rounded. */
const STEP_DIGITS = 13;
const STEP = 10 ** STEP_DIGITS;
const ZERO = 48;

/** The digits of the highest uint256. */
export const MAX_DIGITS = 78;

/** The bytes that 78 digits can need. */
const MAX_BYTES = 33;

const littleEndian = new Uint8Array(MAX_BYTES);
const dividend = new Uint8Array(MAX_BYTES);

/**
 * Writes a decimal number as big-endian bytes without leading zeros: none for 0.
 * @param digits at most 78 ASCII digits
 * @param out room for 33 bytes
 * @returns the number of bytes
 */
export function decimalToBytes(digits: Uint8Array, length: number, out: Uint8Array): number {
  let used = 0;
  for (let i = 0; i < length;) {
    let carry = 0;
    let scale = 1;
    for (; i < length && scale < STEP; ++i, scale *= 10) carry = carry * 10 + digits[i] - ZERO;
    for (let k = 0; k < used || carry > 0; ++k) {
      const value = (k < used ? littleEndian[k] * scale : 0) + carry;
      carry = Math.floor(value / 256);
      littleEndian[k] = value - carry * 256;
      if (k === used) ++used;
    }
  }
  for (let k = 0; k < used; ++k) out[k] = littleEndian[used - 1 - k];
  return used;
}

/**
 * Writes a big-endian number as ASCII digits, without leading zeros.
 * @returns the position behind the last digit
 */
export function writeDecimal(bytes: Uint8Array, start: number, length: number, out: Uint8Array, at: number): number {
  for (let i = 0; i < length; ++i) dividend[i] = bytes[start + i];
  const end = at + digitsOf(length);
  out.fill(ZERO, at, end);
  for (let first = 0, last = end; first < length; last -= STEP_DIGITS) {
    let remainder = 0;
    for (let i = first; i < length; ++i) {
      const value = remainder * 256 + dividend[i];
      dividend[i] = Math.floor(value / STEP);
      remainder = value - dividend[i] * STEP;
    }
    while (first < length && dividend[first] === 0) ++first;
    for (let digit = last - 1; remainder > 0; --digit) {
      const quotient = Math.floor(remainder / 10);
      out[digit] += remainder - quotient * 10;
      remainder = quotient;
    }
  }
  let first = at;
  while (first < end - 1 && out[first] === ZERO) ++first;
  out.copyWithin(at, first, end);
  return at + end - first;
}

/** Returns how many digits a number of so many bytes can have, at least 1. */
function digitsOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes * 8 * Math.log10(2)));
}
