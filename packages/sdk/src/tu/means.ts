/** Returns the mean that a rating is. Each network's ratio adds to it independently of the others. */
export function arithmeticMean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The n-th root of the product; at most the arithmetic mean. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(arithmeticMean(values.map(Math.log)));
}

/** The inverse of the mean of inverses; at most the geometric mean. */
export function harmonicMean(values: readonly number[]): number {
  return 1 / arithmeticMean(values.map((value) => 1 / value));
}

/** Standard deviation over mean, of the whole population. */
export function coefficientOfVariation(values: readonly number[]): number {
  const mean = arithmeticMean(values);
  return Math.sqrt(arithmeticMean(values.map((value) => (value - mean) ** 2))) / mean;
}

/** Returns the middle of the values in their order. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}
