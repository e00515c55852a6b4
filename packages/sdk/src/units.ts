/** One whole unit of everything with 18 decimals: TFT and TU. */
export const WAD = 10n ** 18n;

/** One whole TU: 24 hours of one GTX 1080 Ti. 18 decimals. */
export const TU = WAD;

/** Seconds, as the chain counts time. */
export const MINUTE = 60n;
export const HOUR = 60n * MINUTE;
export const DAY = 24n * HOUR;
