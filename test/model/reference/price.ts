/**
 * The price of a lot in version 1, as protocol.md marks it under 3.3(4): 8 r · 2^(−5 · age) in the first period, r/4 · 2^(−8 · (age − 1))
 * after it. Powers of two by the series of ln 2 and exp in 320 binary decimals; nothing is shared with the contracts.
 */

const BITS = 320n;
const ONE = 1n << BITS;

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
  const isFirst = elapsed <= period;
  // both in halvings · period: from 8 r in the first period, from r/4 after it
  const scaled = isFirst ? 5n * elapsed : 8n * (elapsed - period);
  const whole = scaled / period;
  const scaledPrice = referencePrice * 8n * powerOfHalf(scaled % period, period);
  return scaledPrice >> (BITS + whole + (isFirst ? 0n : 5n));
}

/**
 * How far the contracts' price may be from the exact one. They keep 64 binary decimals and round 64 factors to as many,
 * so one unit and 2^−56 of the price.
 */
export function priceTolerance(price: bigint): bigint {
  return 1n + (price >> 56n);
}
