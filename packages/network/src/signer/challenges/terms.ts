import { TU } from "@turingfog/sdk";
import { MAX_CHALLENGE_SIZE } from "@turingfog/sdk/wire";

const LEAST_SIZE = 64n;

/** How hard challenges are. */
export interface ChallengeTerms {
  /** Multiplications a second that a node must do for each TU a day of its rate. */
  perTU: bigint;
  /** Seconds that the work shall take at the rated speed, at most. */
  work: bigint;
  /** Seconds that are allowed for the way there and back, and to pause the job. */
  grace: bigint;
}

/**
 * Returns the size of a challenge for a node, and the seconds that it has: what its rated speed takes, and the grace.
 * @param ratePerDay TU, 18 decimals
 */
export function challengeFor(ratePerDay: bigint, terms: ChallengeTerms): { size: bigint; seconds: bigint } {
  const perSecond = (terms.perTU * ratePerDay) / TU;
  let size = LEAST_SIZE;
  while (size < MAX_CHALLENGE_SIZE && (2n * size) ** 3n <= perSecond * terms.work) size *= 2n;
  const needed = perSecond === 0n ? terms.work : size ** 3n / perSecond + 1n;
  return { size, seconds: needed + terms.grace };
}
