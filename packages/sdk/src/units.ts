/** One whole unit of TFT and TU, which have 18 decimals. */
export const WAD = 10n ** 18n;

/** One whole TU: 24 hours of one GTX 1080 Ti. 18 decimals. */
export const TU = WAD;

/** Lengths of time in seconds, the unit of the chain's clock. */
export const MINUTE = 60n;
export const HOUR = 60n * MINUTE;
export const DAY = 24n * HOUR;
