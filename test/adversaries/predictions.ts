import { ceilDiv } from "@turingfog/sdk";

import { tftOwed } from "../model/reference/controller";
import type { Split } from "../model/reference/supply";
import { DAY, TFT } from "../model/reference/units";

/**
 * Predicts what an adversary can get back, by the formulas of the protocol's description alone, as the reference model states
 * them: no rule is shared with the library or the contracts, or read from them. Amounts of TFT have 18 decimals.
 */

export { attainableTU, earnedBy } from "../model/reference/escrow";
export { partOf as part } from "../model/reference/pool";
export {
  BURNING_END as E2,
  MAX_OPERATIONS_SHARE as MAX_SHARE,
  PRODUCTION_MINING_END as E1,
  splitOf as destroy,
} from "../model/reference/supply";
export { TFT };

export const USD = 10n ** 6n;

/** Operations' share of a release by the local parameters; basis points. */
const SHARE = 1_000n;

/** The most that a coalition gets back of a destruction that is all its own: ⌈0.8 · b1⌉ + rest − b2. */
export function coalitionBound({ b1, distributed }: Split): bigint {
  return ceilDiv(b1 * 8n, 10n) + distributed;
}

/** What operations and the miners get of a destruction. */
export function divide({ released, distributed }: Split, share = SHARE): { operations: bigint; reward: bigint } {
  const operations = (released * share) / 10_000n;
  return { operations, reward: released - operations + distributed };
}

/**
 * What a coalition that holds operations gets back in a bucket that it shares with others, at most: its part of all
 * that the destruction gives, and what operations get of the others' part.
 */
export function sharedBound(destruction: Split, weight: bigint, totalWeight: bigint): bigint {
  const { operations } = divide(destruction);
  const given = coalitionBound(destruction);
  return ceilDiv(given * weight, totalWeight) + ceilDiv(operations * (totalWeight - weight), totalWeight);
}

/** TFT of proceeds from which a lot moves the reference by all that it says. */
export const FULL_PROCEEDS = 1_000n * TFT;

/** The halvings, counted from 8 r, at which a lot opens: ten before, at 8,192 r. */
export const OPENING = -10n;

/** What a purchase owes: ⌈amount · price⌉, at least a unit, so many halvings after 8 r or, if negative, before it. */
export function owed(amount: bigint, reference: bigint, halvings: bigint, wholeUnit = USD): bigint {
  return tftOwed(amount, (8_192n * reference) >> (halvings - OPENING), wholeUnit);
}

/**
 * After how many seconds a lot's price has halved so often since it was 8 r: ten halvings before that in the first
 * twelfth of a day, five in the rest of it, and four on each day after it.
 */
export function ageAt(halvings: bigint): bigint {
  const opening = DAY / 12n;
  if (halvings <= 0n) return opening + (halvings * opening) / 10n;
  if (halvings <= 5n) return opening + (halvings * (DAY - opening)) / 5n;
  return DAY + ((halvings - 5n) * DAY) / 4n;
}
