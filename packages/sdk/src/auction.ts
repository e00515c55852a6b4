import { checkRange } from "./errors.js";
import { exp2 } from "./exp2.js";
import { ceilDiv, max, min } from "./math.js";
import { WAD } from "./units.js";

/**
 * The constants of AuctionPrice.sol. `MAX_REFERENCE` is TFT per whole unit of an asset, `MIN_PROCEEDS` is TFT; both
 * have 18 decimals.
 */
export const OPENING_DOUBLINGS = 3n;
export const FIRST_PERIOD_HALVINGS = 5n;
export const LATER_PERIOD_HALVINGS = 8n;
export const MAX_REFERENCE = 1_000_000_000n * WAD;
export const MIN_PROCEEDS = 1_000n * WAD;

const DUST_DIVISOR = 100n;
const NEGLIGIBLE_HALVINGS = 128n;
/** The highest value of a uint40, the type in which the contracts keep time. */
const MAX_SECONDS = 2n ** 40n - 1n;

/**
 * Returns the price of a lot as the contract computes it, to the last unit: 8 r · 2^(−h), rounded down. h is 5 · age in
 * the first period and 5 + 8 · (age − 1) after it, with age = elapsed / period.
 * @param referencePrice r: TFT (18 decimals) per whole unit of the asset
 * @param elapsed seconds since the lot's clock started
 * @param period length of a period in seconds
 * @returns TFT (18 decimals) per whole unit of the asset
 * @throws OutOfRangeError
 */
export function priceAt(referencePrice: bigint, elapsed: bigint, period: bigint): bigint {
  checkRange("reference price", referencePrice, 0n, MAX_REFERENCE);
  checkRange("elapsed", elapsed, 0n, MAX_SECONDS);
  checkRange("period", period, 1n, MAX_SECONDS);
  const early = min(elapsed, period);
  const late = elapsed - early;
  const halvings = ((FIRST_PERIOD_HALVINGS * early + LATER_PERIOD_HALVINGS * late) << 64n) / period;
  if (halvings >= NEGLIGIBLE_HALVINGS << 64n) return 0n;
  const power = exp2((NEGLIGIBLE_HALVINGS << 64n) - halvings);
  return (referencePrice * (power << OPENING_DOUBLINGS)) / (WAD << NEGLIGIBLE_HALVINGS);
}

/**
 * Returns the reference price after a lot was sold out. It is the lot's volume-weighted average price, but at least
 * half and at most double of the one before, and at most MAX_REFERENCE. It is unchanged if the lot brought less than
 * MIN_PROCEEDS.
 * @param referencePrice TFT (18 decimals) per whole unit of the asset, before
 * @param proceeds TFT (18 decimals) that the whole lot brought
 * @param amount the lot's size in base units of the asset
 * @param wholeUnit base units in one whole unit of the asset
 */
export function nextReference(referencePrice: bigint, proceeds: bigint, amount: bigint, wholeUnit: bigint): bigint {
  if (proceeds < MIN_PROCEEDS) return referencePrice;
  const average = (proceeds * wholeUnit) / amount;
  return min(min(max(average, ceilDiv(referencePrice, 2n)), referencePrice * 2n), MAX_REFERENCE);
}

/**
 * Returns the TFT (18 decimals) owed for a fill, as `BuybackBurnController.buy` computes it: ⌈amount · price⌉, at least
 * one base unit.
 * @param filled base units of the asset
 * @param price TFT (18 decimals) per whole unit
 * @param wholeUnit base units in one whole unit of the asset
 */
export function tftOwed(filled: bigint, price: bigint, wholeUnit: bigint): bigint {
  return max(ceilDiv(filled * price, wholeUnit), 1n);
}

/**
 * Returns the base units that a bid for `amount` is filled with: min(amount, remaining). If less than 1 % of the lot
 * would be left, the bid is filled with all that remains.
 */
export function filledAmount(amount: bigint, remaining: bigint, lotAmount: bigint): bigint {
  const filled = min(amount, remaining);
  return (remaining - filled) * DUST_DIVISOR < lotAmount ? remaining : filled;
}
