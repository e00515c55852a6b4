import { formatUnits } from "ethers";

/**
 * An amount to read: thousands separated by commas, and exactly so many decimals of it, the rest cut off.
 * @param amount base units
 * @param unitDecimals decimals of the token: 18 for TFT and TU
 * @param shownDecimals at most `unitDecimals`; all of them when left out
 */
export function formatAmount(amount: bigint, unitDecimals = 18, shownDecimals = unitDecimals): string {
  const shown = amount / 10n ** BigInt(unitDecimals - shownDecimals);
  const [whole, fraction = ""] = formatUnits(shown, shownDecimals).split(".");
  const separated = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return shownDecimals === 0 ? separated : `${separated}.${fraction.padEnd(shownDecimals, "0")}`;
}
