import { formatUnits } from "ethers";

/**
 * Formats an amount for people: separates thousands by commas, keeps a fixed number of decimals and cuts off the rest.
 * @param amount base units
 * @param unitDecimals decimals of the token: 18 for TFT and TU
 * @param shownDecimals decimals to keep, at most `unitDecimals`; all of them if left out
 */
export function formatAmount(amount: bigint, unitDecimals = 18, shownDecimals = unitDecimals): string {
  const shown = amount / 10n ** BigInt(unitDecimals - shownDecimals);
  const [whole, fraction = ""] = formatUnits(shown, shownDecimals).split(".");
  const separated = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return shownDecimals === 0 ? separated : `${separated}.${fraction.padEnd(shownDecimals, "0")}`;
}
