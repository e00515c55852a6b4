/** The highest value of a uint256. */
export const MAX_UINT256 = 2n ** 256n - 1n;

/** Returns the smaller of two integers. */
export function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** Returns the larger of two integers. */
export function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** Returns max(a − b, 0), like OpenZeppelin's `Math.saturatingSub`. */
export function saturatingSub(a: bigint, b: bigint): bigint {
  return max(a - b, 0n);
}

/** Returns ⌈a / b⌉ for a ≥ 0 and b > 0. */
export function ceilDiv(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}
