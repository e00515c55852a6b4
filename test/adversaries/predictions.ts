/**
 * What an adversary can get back, by the formulas of the protocol's description alone: nothing here is shared with
 * `src/` or with the contracts, or read from them. Amounts of TFT have 18 decimals.
 */

export const TFT = 10n ** 18n;
export const USD = 10n ** 6n;

/** Burned when the reserve is empty, and when burning stops for good. */
export const E1 = 437_500_000n * TFT;
export const E2 = 900_000_000n * TFT;

const RESERVE = 350_000_000n * TFT;
const DAY = 86_400n;

/** Operations' share of a release by the local parameters, and at most; basis points. */
export const SHARE = 1_000n;
export const MAX_SHARE = 2_000n;

/** What a lot must bring to move the reference price. */
export const MIN_PROCEEDS = 1_000n * TFT;

export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const atLeastZero = (a: bigint): bigint => (a > 0n ? a : 0n);
const roundUp = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

/** What a destruction comes to. */
export interface Destruction {
  /** Burned, and entitling to a release. */
  b1: bigint;
  burned: bigint;
  /** What leaves the reserve for it. */
  released: bigint;
  /** What is not burned. */
  distributed: bigint;
}

/** Destroys `bought` when `burned` were burned before. */
export function destroy(bought: bigint, burned: bigint): Destruction {
  const b1 = least(bought, atLeastZero(E1 - burned));
  const rest = bought - b1;
  const b2 = least(roundUp(rest, 2n), atLeastZero(E2 - burned - b1));
  const entitled = (total: bigint): bigint => least(RESERVE, (total * 8n) / 10n);
  return {
    b1,
    burned: b1 + b2,
    released: entitled(burned + b1 + b2) - entitled(burned),
    distributed: rest - b2,
  };
}

/** The most that a coalition gets back of a destruction that is all its own: ⌈0.8 · b1⌉ + rest − b2. */
export function coalitionBound({ b1, distributed }: Destruction): bigint {
  return roundUp(b1 * 8n, 10n) + distributed;
}

/** What operations and the miners get of a destruction. */
export function divide({ released, distributed }: Destruction, share = SHARE): { operations: bigint; reward: bigint } {
  const operations = (released * share) / 10_000n;
  return { operations, reward: released - operations + distributed };
}

/** A miner's part of a bucket's reward. */
export function part(reward: bigint, weight: bigint, totalWeight: bigint): bigint {
  return (reward * weight) / totalWeight;
}

/**
 * What a coalition that holds operations gets back in a bucket that it shares with others, at most: its part of all
 * that the destruction gives, and what operations get of the others' part.
 */
export function sharedBound(destruction: Destruction, weight: bigint, totalWeight: bigint): bigint {
  const { operations } = divide(destruction);
  const given = coalitionBound(destruction);
  return roundUp(given * weight, totalWeight) + roundUp(operations * (totalWeight - weight), totalWeight);
}

/** What a purchase owes: ⌈amount · price⌉, at least a unit, where the price is 8 r after so many halvings. */
export function owed(amount: bigint, reference: bigint, halvings: bigint, wholeUnit = USD): bigint {
  const cost = roundUp(amount * ((8n * reference) >> halvings), wholeUnit);
  return cost > 0n ? cost : 1n;
}

/** After how many seconds a lot's price has halved so often: five times on the first day, eight times on each after. */
export function ageAt(halvings: bigint): bigint {
  return halvings <= 5n ? (halvings * DAY) / 5n : DAY + ((halvings - 5n) * DAY) / 8n;
}

/** The TU that a node is paid for, at most: 1.1 · ratePerDay · seconds / day. */
export function attainableTU(ratePerDay: bigint, seconds: bigint): bigint {
  return (11n * ratePerDay * seconds) / (10n * DAY);
}
