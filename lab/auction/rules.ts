import {
  ceilDiv,
  checkRange,
  exp2,
  FIRST_PERIOD_HALVINGS,
  FULL_PROCEEDS,
  MAX_REFERENCE,
  max,
  min,
  OPENING_DOUBLINGS,
  OPENING_HALVINGS,
  priceAt,
  WAD,
} from "@turingfog/sdk";

/* VERSION 2 WITH OTHER VALUES OF LATER */

/** Halvings of a price at the end of its first period, on which LATER has no bearing. */
const FIRST_HALVINGS = OPENING_HALVINGS + FIRST_PERIOD_HALVINGS;

const NEGLIGIBLE_HALVINGS = 128n;
/** The highest value of a uint40, the type in which the contracts keep time. */
const MAX_SECONDS = 2n ** 40n - 1n;
const MAX_LATER = 64n;

/**
 * Returns the price of a lot as the contracts would have it with another LATER: the SDK's in the first period, and
 * 8,192 r · 2^(−15 − later · (age − 1)) after it, rounded as the SDK rounds.
 * @param referencePrice r: TFT (18 decimals) per whole unit of the asset
 * @param elapsed seconds since the lot's clock started
 * @param period length of a period in seconds
 * @param later halvings in each period after the first
 * @throws OutOfRangeError
 */
export function priceWithLater(referencePrice: bigint, elapsed: bigint, period: bigint, later: bigint): bigint {
  checkRange("later", later, 1n, MAX_LATER);
  if (elapsed <= period) return priceAt(referencePrice, elapsed, period);
  checkRange("reference price", referencePrice, 0n, MAX_REFERENCE);
  checkRange("elapsed", elapsed, 0n, MAX_SECONDS);
  checkRange("period", period, 1n, MAX_SECONDS);
  return halved(referencePrice, OPENING_DOUBLINGS, FIRST_HALVINGS * period + later * (elapsed - period), period);
}

/* VERSION 1 */

const FIRST_VERSION_DOUBLINGS = 3n;

/**
 * Returns the price of a lot by version 1: 8 r · 2^(−h), rounded down. h is 5 · age in the first period and
 * 5 + 8 · (age − 1) after it, with age = elapsed / period.
 */
export function firstVersionPriceAt(referencePrice: bigint, elapsed: bigint, period: bigint): bigint {
  const early = min(elapsed, period);
  return halved(referencePrice, FIRST_VERSION_DOUBLINGS, 5n * early + 8n * (elapsed - early), period);
}

/**
 * Returns the next reference price by version 1: the average of a lot that brought 1,000 TFT or more, clipped to half and
 * double. It stays if the lot brought less.
 */
export function firstVersionNextReference(
  referencePrice: bigint,
  proceeds: bigint,
  amount: bigint,
  wholeUnit: bigint,
): bigint {
  if (proceeds < FULL_PROCEEDS) return referencePrice;
  const average = (proceeds * wholeUnit) / amount;
  return min(min(max(average, ceilDiv(referencePrice, 2n)), referencePrice * 2n), MAX_REFERENCE);
}

/** Returns reference · 2^(doublings − weighted / period), rounded down, and 0 from 128 halvings on. */
function halved(reference: bigint, doublings: bigint, weighted: bigint, period: bigint): bigint {
  const halvings = (weighted << 64n) / period;
  if (halvings >= NEGLIGIBLE_HALVINGS << 64n) return 0n;
  const power = exp2((NEGLIGIBLE_HALVINGS << 64n) - halvings);
  return (reference * (power << doublings)) / (WAD << NEGLIGIBLE_HALVINGS);
}
