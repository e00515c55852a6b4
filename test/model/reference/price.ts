/**
 * The price of a lot, protocol.md, 3.3(4). Powers of two by the series of ln 2 and exp in 320 binary decimals; nothing is
 * shared with the contracts.
 */

const BITS = 320n;
const ONE = 1n << BITS;

/** Halvings in each period after the first. */
const LATER = 4n;

/** ln 2 = Σ 1 / (k · 2^k) */
const LN_2 = (() => {
  let total = 0n;
  for (let k = 1n; k <= BITS; ++k) total += (ONE >> k) / k;
  return total;
})();

/** 2^(−numerator / denominator) for 0 ≤ numerator < denominator, by exp(−y) = Σ (−y)^n / n!; 320 binary decimals. */
function powerOfHalf(numerator: bigint, denominator: bigint): bigint {
  const y = (LN_2 * numerator) / denominator;
  let total = 0n;
  let term = ONE;
  for (let n = 1n; term !== 0n; ++n) {
    total += term;
    term = (-term * y) / (ONE * n);
  }
  return total;
}

/**
 * @param referencePrice r: TFT (18 decimals) per whole unit
 * @param elapsed seconds since the lot's clock started
 * @param period length of a period in seconds
 * @returns the exact price, rounded down
 */
export function exactPrice(referencePrice: bigint, elapsed: bigint, period: bigint): bigint {
  // 2^doublings · r has fallen by this part of its halvings
  const fallen = (doublings: bigint, halvings: bigint, part: bigint, whole: bigint): bigint => {
    const numerator = halvings * part;
    const scaledPrice = (referencePrice << 13n) * powerOfHalf(numerator % whole, whole);
    return scaledPrice >> (BITS + 13n - doublings + numerator / whole);
  };
  const twelfths = 12n * elapsed;
  if (twelfths <= period) return fallen(13n, 10n, twelfths, period);
  if (elapsed <= period) return fallen(3n, 5n, twelfths - period, 11n * period);
  return fallen(-2n, LATER, elapsed - period, period);
}

/**
 * How far the contracts' price may be from the exact one. They keep 64 binary decimals and round 64 factors to as many,
 * so one unit and 2^−56 of the price.
 */
export function priceTolerance(price: bigint): bigint {
  return 1n + (price >> 56n);
}
