import {
  FIRST_PERIOD_HALVINGS,
  LATER_PERIOD_HALVINGS,
  OPENING_DOUBLINGS,
  OPENING_HALVINGS,
  OPENING_PARTS,
} from "@turingfog/sdk";

const OPENING = Number(OPENING_HALVINGS);
const FIRST = Number(FIRST_PERIOD_HALVINGS);
const PARTS = Number(OPENING_PARTS);

/**
 * Returns the age, in periods, at which a lot's price has fallen to `ratio` times its reference: the inverse of
 * `priceAt`, in floating point. Returns 0 if the lot opens below that.
 * @param later halvings in each period after the first
 */
export function ageAt(ratio: number, later = LATER_PERIOD_HALVINGS): number {
  const halvings = Number(OPENING_DOUBLINGS) - Math.log2(ratio);
  if (halvings <= 0) return 0;
  if (halvings <= OPENING) return halvings / OPENING / PARTS;
  if (halvings <= OPENING + FIRST) return (1 + ((halvings - OPENING) / FIRST) * (PARTS - 1)) / PARTS;
  return 1 + (halvings - OPENING - FIRST) / Number(later);
}
