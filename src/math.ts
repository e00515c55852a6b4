export function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

export function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** max(a − b, 0), as OpenZeppelin's `Math.saturatingSub`. */
export function saturatingSub(a: bigint, b: bigint): bigint {
  return max(a - b, 0n);
}

/** ⌈a / b⌉ for a ≥ 0 and b > 0. */
export function ceilDiv(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}
