/** Formats a ratio to the market's price. */
export function times(ratio: number): string {
  if (ratio >= 1e5) return `× ${ratio.toExponential(1).replace("e+", "e")}`;
  return ratio >= 0.01 ? `× ${Number(ratio.toPrecision(3)).toLocaleString("en-US")}` : `× ${ratio.toExponential(1)}`;
}

/** Formats an amount in base units of TFT as whole TFT. */
export function TFT(amount: bigint, decimals = 0): string {
  return (Number(amount) / 1e18).toLocaleString("en-US", { maximumFractionDigits: decimals });
}

/** Formats a factor, to three digits if it is above a million. */
export function factorOf(factor: bigint): string {
  return factor > 1_000_000n ? Number(factor).toExponential(2).replace("e+", "e") : factor.toLocaleString("en-US");
}
