import { readFileSync } from "node:fs";
import path from "node:path";

import { WAD } from "@turingfog/sdk";

import type { Property } from "./check";

const SOURCE = path.join(__dirname, "../../node_modules/@prb/math/src/Common.sol");

/** Binary digits that exact values are enclosed with: far more than the 64 that exp2 works with. */
const PRECISION = 512n;
const ONE = 1n << PRECISION;

/** The least distance, in 64 binary decimals, of the exponents that {AuctionExponentProperties} finds between seconds. */
const GAP_BITS = 44n;

/** bit of the exponent's fraction → what exp2 multiplies by when it is set, in 64 binary decimals. */
export type Factors = Map<bigint, bigint>;

/** The table of exp2, from the source; its shape is fixed, so that nothing is overlooked. */
export function readFactors(source = readFileSync(SOURCE, "utf8")): Factors {
  const step = /if \(x & 0x([0-9A-F]+) > 0\) \{\s*result = \(result \* 0x([0-9A-F]+)\) >> 64;\s*\}/g;
  return new Map([...source.matchAll(step)].map(([, bit, factor]) => [BigInt(`0x${bit}`), BigInt(`0x${factor}`)]));
}

/** exp2 of PRBMath over 64 binary decimals, with 18 decimals, as its source computes it. */
export function exp2(x: bigint, factors: Factors): bigint {
  let result = 1n << 191n;
  for (const [bit, factor] of factors) if ((x & bit) !== 0n) result = (result * factor) >> 64n;
  return (result * WAD) >> (191n - (x >> 64n));
}

/** ⌊√n⌋. */
function squareRoot(n: bigint): bigint {
  let root = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** 2^(2^−i) for i from 1 to 64, each between two values that differ in the last of the digits. */
function roots(): { below: bigint; above: bigint }[] {
  const enclosures: { below: bigint; above: bigint }[] = [];
  let [below, above] = [ONE << 1n, ONE << 1n];
  for (let i = 0; i < 64; i++) {
    [below, above] = [squareRoot(below << PRECISION), squareRoot(above << PRECISION) + 1n];
    enclosures.push({ below, above });
  }
  return enclosures;
}

/**
 * Whether exp2 never falls between exponents 2^44 or more apart, by exact arithmetic.
 *
 * The computed power is 2^x · e, where e is the product of factor / 2^(bit) over the bits set, times what 64 roundings
 * down take away, each less than one part in 2^190. All e lie between `least` and `most`, products of the deviations that
 * lower and that raise. Two exponents 2^44 apart differ by a factor of 2^(2^−20) at least, so it is enough that
 * least · 2^(2^−20) ≥ most. What follows in exp2, a product, a shift and roundings down, keeps the order.
 */
export function isMonotone(factors: Factors): boolean {
  const exact = roots();
  if (factors.size !== exact.length) return false;

  let [least, most] = [ONE, ONE];
  for (const [i, { below, above }] of exact.entries()) {
    const factor = factors.get(1n << BigInt(63 - i));
    if (factor === undefined) return false;
    const scaled = factor << (PRECISION - 64n);
    const [low, high] = [(scaled << PRECISION) / above, (scaled << PRECISION) / below + 1n];
    if (low < ONE) least = (least * low) >> PRECISION;
    if (high > ONE) most = ((most * high) >> PRECISION) + 1n;
    least -= (least >> 190n) + 1n;
  }
  return (least * exact[Number(63n - GAP_BITS)].below) >> PRECISION >= most;
}

/** Facts about the auction's exp2 that are computed here, because the checker is not asked for them. */
export function checkExp2(): Property[] {
  const factors = readFactors();
  const whole = Array.from({ length: 129 }, (_, n) => BigInt(n));
  const isExact = whole.every((n) => exp2(n << 64n, factors) === WAD << n);

  const property = (name: string, statement: string, holds: boolean): Property => ({
    suite: "Exp2 (by exact arithmetic over its table)",
    name,
    statement,
    questions: 1,
    ...(holds ? { verdict: "proven" } : { verdict: "refuted", reason: "the arithmetic says otherwise" }),
  });
  return [
    property(
      "exp2IsMonotone",
      "exp2 does not fall between exponents 2^44 or more apart, of the 2^64 that make one.",
      isMonotone(factors),
    ),
    property("exp2IsExactAtWholePowers", "exp2 of a whole number up to 128 is that power of two.", isExact),
  ];
}
