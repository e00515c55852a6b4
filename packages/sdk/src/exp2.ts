import { WAD } from "./units.js";

/**
 * Returns 2^x in 18 decimals for a 192.64-bit x, with the roundings of `exp2` in PRBMath 4.2.0 (Common.sol). Multiplies
 * 2^191 by 2^(2^−i) for every bit i set behind the binary point, and shifts by the integer part.
 */
export function exp2(x: bigint): bigint {
  let result = 1n << 191n;
  // a string's digits are 2.5 times as fast to test as the bits of a bigint
  const bits = BigInt.asUintN(64, x).toString(2).padStart(64, "0");
  for (let i = 1; i <= 64; ++i) {
    if (bits[i - 1] === "1") result = (result * ROOTS_OF_TWO[i]) >> 64n;
  }
  return (result * WAD) >> (191n - (x >> 64n));
}

/**
 * 2^(2^−i) with 64 binary decimals, rounded to nearest, for i from 0 to 64. These are PRBMath's 64 constants, each the
 * square root of the one before. The roots are taken with 256 binary decimals, so that the last of 64 is right to the
 * last bit.
 */
const ROOTS_OF_TWO: readonly bigint[] = /* @__PURE__ */ (() => {
  const roots = [2n << 256n];
  for (let i = 1; i <= 64; ++i) roots.push(squareRoot(roots[i - 1] << 256n));
  return roots.map((root) => (root + (1n << 191n)) >> 192n);
})();

/** Returns ⌊√x⌋ by Newton's method, from above. */
function squareRoot(x: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(x.toString(2).length / 2));
  for (;;) {
    const next = (root + x / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
