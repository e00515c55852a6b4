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

/** Characters kept of a token's symbol, and the characters that are never kept. */
const MAX_SYMBOL = 32;
const UNSHOWN = /[\p{C}\p{Z}]+/gu;

/** Returns a token's symbol without what hides or breaks a line; empty if nothing is left. */
export function plainSymbol(symbol: string): string {
  return symbol.replace(UNSHOWN, " ").trim().slice(0, MAX_SYMBOL);
}

/** Returns what people call a token: its symbol, or the ends of its address if it has none. */
export function shownSymbol(symbol: string | null | undefined, address: string): string {
  const plain = plainSymbol(symbol ?? "");
  return plain === "" ? `${address.slice(0, 6)}…${address.slice(-4)}` : plain;
}
