/**
 * Exponential and logarithm from products, sums and quotients of binary32 alone. The library's own differ in the last bit
 * between engines, and between releases of one.
 */
const { fround } = Math;

/** High part of ln 2, of nine bits: its product with a whole number below 2^15 is exact. */
const LN2_HIGH = 0.693359375;
/** ln 2 less the high part. */
const LN2_LOW = fround(-0.00021219444005469057);
const LOG2_E = fround(1.4426950408889634);
const SQRT2 = fround(1.4142135623730951);

/** Below it the exponential is no longer normal. */
const LEAST = -87;

/** Coefficients of exp's Taylor series, 1 / k! from k = 7 down to 0; the rest is below 6 · 10⁻⁹ for |x| ≤ ln 2 / 2. */
const EXP = [1 / 5_040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1, 1].map(fround);

/** Coefficients of artanh's series, 1 / k for k = 9, 7, 5, 3, 1; the rest is below 10⁻⁹ for |x| ≤ 0.172. */
const ARTANH = [1 / 9, 1 / 7, 1 / 5, 1 / 3, 1].map(fround);

/** Returns e^x of a binary32 x ≤ 0, within two units in the last place; zero below −87. */
export function exp(x: number): number {
  if (x < LEAST) return 0;
  const n = Math.floor(fround(fround(x * LOG2_E) + 0.5));
  const r = fround(fround(x - fround(n * LN2_HIGH)) - fround(n * LN2_LOW));
  let result = horner(EXP, r);
  for (let i = n; i < 0; i++) result *= 0.5;
  return fround(result);
}

/** Returns the natural logarithm of a binary32 x ≥ 1, within three units in the last place (of 1 / 16 near one). */
export function ln(x: number): number {
  let [mantissa, exponent] = [x, 0];
  for (; mantissa > SQRT2; exponent++) mantissa *= 0.5;
  const s = fround(fround(mantissa - 1) / fround(mantissa + 1));
  const fraction = fround(fround(2 * s) * horner(ARTANH, fround(s * s)));
  return fround(fround(exponent * LN2_HIGH) + fround(fraction + fround(exponent * LN2_LOW)));
}

function horner(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => fround(fround(sum * x) + coefficient));
}
