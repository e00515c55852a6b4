import { ceilDiv, checkRange, exp2, max, min, WAD } from "@turingfog/sdk";

/** Doublings from the reference to the price at which a lot opens: 2^13 = 8,192. */
export const OPENING_DOUBLINGS = 13n;
/** Halvings in the opening, the first twelfth of a period: from 8,192 r to 8 r. */
export const OPENING_HALVINGS = 10n;
/** The opening is one part of so many of a period. */
export const OPENING_PARTS = 12n;
/** Halvings from the end of the opening to the end of the first period: from 8 r to r / 4. */
export const FIRST_PERIOD_HALVINGS = 5n;

/** Bounds of a reference price: a billion base units, and the nominal supply. */
export const MIN_REFERENCE = 1_000_000_000n;
export const MAX_REFERENCE = 1_000_000_000n * WAD;
/** Proceeds from which a lot moves the reference by all that it says. */
export const FULL_PROCEEDS = 1_000n * WAD;

const NEGLIGIBLE_HALVINGS = 128n;
/** uint40, as the contracts keep time. */
const MAX_SECONDS = 2n ** 40n - 1n;
const MAX_LATER = 64n;

/**
 * Returns the price of a lot: 8,192 r · 2^(−h), rounded down, and 0 from 128 halvings on. With age = elapsed / period:
 *
 * - h = 10 · 12 · age in the first twelfth of a period
 * - h = 10 + 5 · (12 · age − 1) / 11 from there to the period's end
 * - h = 15 + later · (age − 1) after it
 *
 * h is rounded down to 64 binary decimals, and 2^(128 − h) to 18 decimals.
 * @param referencePrice r: TFT (18 decimals) per whole unit of the asset
 * @param elapsed seconds since the lot's clock started
 * @param period length of a period in seconds
 * @param later halvings in each period after the first
 * @throws OutOfRangeError
 */
export function priceAt(referencePrice: bigint, elapsed: bigint, period: bigint, later: bigint): bigint {
  checkRange("reference price", referencePrice, 0n, MAX_REFERENCE);
  checkRange("elapsed", elapsed, 0n, MAX_SECONDS);
  checkRange("period", period, 1n, MAX_SECONDS);
  checkRange("later", later, 1n, MAX_LATER);
  // in twelfths of a second, so that the opening ends on a whole number whatever the period
  const inPeriod = min(elapsed, period) * OPENING_PARTS;
  const opening = min(inPeriod, period);
  const beyond = elapsed - min(elapsed, period);
  const rest = OPENING_PARTS - 1n;
  // over one denominator, so that it is rounded once
  const weighted =
    rest * OPENING_HALVINGS * opening + FIRST_PERIOD_HALVINGS * (inPeriod - opening) + rest * later * beyond;
  const halvings = (weighted << 64n) / (rest * period);
  if (halvings >= NEGLIGIBLE_HALVINGS << 64n) return 0n;
  const power = exp2((NEGLIGIBLE_HALVINGS << 64n) - halvings);
  return (referencePrice * (power << OPENING_DOUBLINGS)) / (WAD << NEGLIGIBLE_HALVINGS);
}

/**
 * Returns the reference price after a lot was sold out. It moves towards the lot's volume-weighted average price, clipped
 * to half and double, by the part of FULL_PROCEEDS that the lot brought.
 *
 * The average is rounded down and half of r up. The step is rounded away from r: it never passes the average, it is at
 * least one base unit while the two differ, and it exceeds the exact step by less than a base unit.
 * @param referencePrice r: TFT (18 decimals) per whole unit of the asset, before
 * @param proceeds TFT that the whole lot brought
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
