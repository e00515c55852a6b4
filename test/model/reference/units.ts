/** The units of the specification, stated once for the whole model. */

/** One whole TFT and one whole TU; both have 18 decimals. */
export const TFT = 10n ** 18n;
export const TU = 10n ** 18n;

/** Seconds. */
export const HOUR = 3_600n;
export const DAY = 86_400n;
