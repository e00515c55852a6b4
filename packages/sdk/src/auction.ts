import { checkRange } from "./errors.js";
import { exp2 } from "./exp2.js";
import { ceilDiv, max, min } from "./math.js";
import { WAD } from "./units.js";

/**
 * The constants of AuctionPrice.sol. References are TFT per whole unit of an asset, `FULL_PROCEEDS` is TFT; all have 18
 * decimals.
 */
export const OPENING_DOUBLINGS = 13n;
export const OPENING_HALVINGS = 10n;
export const OPENING_PARTS = 12n;
export const FIRST_PERIOD_HALVINGS = 5n;
export const LATER_PERIOD_HALVINGS = 4n;
export const MIN_REFERENCE = 1_000_000_000n;
export const MAX_REFERENCE = 1_000_000_000n * WAD;
export const FULL_PROCEEDS = 1_000n * WAD;

/** Periods of a lot's age from which it can be written off. */
export const WRITE_OFF_PERIODS = 30n;

const DUST_DIVISOR = 100n;
const NEGLIGIBLE_HALVINGS = 128n;
/** The highest value of a uint40, the type in which the contracts keep time. */
const MAX_SECONDS = 2n ** 40n - 1n;

/**
 * Returns the price of a lot as the contract computes it, to the last unit: 8,192 r · 2^(−h), rounded down, and 0 from
 * 128 halvings on. With age = elapsed / period:
 *
 * - h = 10 · 12 · age in the opening, the first twelfth of a period: from 8,192 r to 8 r
 * - h = 10 + 5 · (12 · age − 1) / 11 from there to the period's end: from 8 r to r / 4
 * - h = 15 + 4 · (age − 1) after it
 *
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
  // in twelfths of a second, so that the opening ends on a whole number for every period
  const inPeriod = min(elapsed, period) * OPENING_PARTS;
  const opening = min(inPeriod, period);
  const beyond = elapsed - min(elapsed, period);
  const rest = OPENING_PARTS - 1n;
  const weighted =
    rest * OPENING_HALVINGS * opening +
    FIRST_PERIOD_HALVINGS * (inPeriod - opening) +
    rest * LATER_PERIOD_HALVINGS * beyond;
  const halvings = (weighted << 64n) / (rest * period);
  if (halvings >= NEGLIGIBLE_HALVINGS << 64n) return 0n;
  const power = exp2((NEGLIGIBLE_HALVINGS << 64n) - halvings);
  return (referencePrice * (power << OPENING_DOUBLINGS)) / (WAD << NEGLIGIBLE_HALVINGS);
}

/**
 * Returns the reference price after a lot was sold out. It moves towards the lot's volume-weighted average price,
 * clipped to half and double, by the part of FULL_PROCEEDS that the lot brought. The step is rounded up, so that it
 * never passes the average and is at least one base unit while the two differ.
 * @param referencePrice r: TFT (18 decimals) per whole unit of the asset, before
 * @param proceeds TFT (18 decimals) that the whole lot brought
 * @param amount the lot's size in base units of the asset
 * @param wholeUnit base units in one whole unit of the asset
 * @throws OutOfRangeError
 */
export function nextReference(referencePrice: bigint, proceeds: bigint, amount: bigint, wholeUnit: bigint): bigint {
  checkRange("reference price", referencePrice, MIN_REFERENCE, MAX_REFERENCE);
  const average = (proceeds * wholeUnit) / amount;
  const lowest = max(ceilDiv(referencePrice, 2n), MIN_REFERENCE);
  const highest = min(referencePrice * 2n, MAX_REFERENCE);
  const target = min(max(average, lowest), highest);
  const weight = min(proceeds, FULL_PROCEEDS);
  return target > referencePrice
    ? referencePrice + ceilDiv((target - referencePrice) * weight, FULL_PROCEEDS)
    : referencePrice - ceilDiv((referencePrice - target) * weight, FULL_PROCEEDS);
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
