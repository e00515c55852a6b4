import { max, min } from "@turingfog/sdk";
import type { MeteredReceipt, ProposalAnswer, RefusedReceipt } from "@turingfog/sdk/wire";
import { compareRanks, type Verdict } from "../rules/index.js";

/** The most sets of signers that are tried; above it, signers are added one by one. */
const MOST_SETS = 20_000;

/** A signer and what it takes of each receipt of a proposal, in TU. */
export interface Voter {
  signer: string;
  accepted: readonly bigint[];
  /** Whether it was to sign a repeat, and has signed none since. */
  owes: boolean;
}

/** Returns what a signer takes of each receipt: all of a signer that has signed. */
export function acceptedBy(receipts: readonly MeteredReceipt[], answer?: ProposalAnswer): bigint[] {
  if (answer === undefined) return receipts.map(({ cumulativeTU }) => cumulativeTU);
  const refused = new Map(answer.refused.map((each) => [Number(each.index), each]));
  return receipts.map(({ cumulativeTU }, i) => {
    if (BigInt(i) >= answer.judged) return 0n;
    const refusal = refused.get(i);
    return refusal === undefined ? cumulativeTU : min(refusal.cumulativeTU, cumulativeTU);
  });
}

/**
 * Returns the signers whose common set of receipts holds the most TU: of those sets that have any in common, one with the
 * fewest members that owe a signature. Undefined if there are not so many signers.
 * @param least what each receipt must be above to say something new
 */
export function bestSet(voters: readonly Voter[], count: number, least: readonly bigint[]): Voter[] | undefined {
  if (voters.length < count) return undefined;
  const rank = (set: readonly Voter[]) => {
    const tu = least.reduce((sum, base, i) => sum + max(commonTU(set, i) - base, 0n), 0n);
    return [tu > 0n ? 1n : 0n, -BigInt(set.filter(({ owes }) => owes).length), tu];
  };
  if (choose(voters.length, count) > MOST_SETS) {
    const chosen: Voter[] = [];
    while (chosen.length < count) {
      const rest = voters.filter((voter) => !chosen.includes(voter));
      chosen.push(highest(rest, (voter) => rank([...chosen, voter])));
    }
    return chosen;
  }
  return highest([...subsets(voters, count)], rank);
}

/**
 * Returns the receipts that all of a set sign: where one refuses a receipt, the one that it would sign instead.
 * @param answers of the set's members that have refused something
 * @param verdictOf the proposer's own, which has the reading that the lower receipt is of
 * @param least what each receipt must be above to say something new
 */
export function commonReceipts(
  receipts: readonly MeteredReceipt[],
  answers: readonly ProposalAnswer[],
  verdictOf: (receipt: MeteredReceipt) => Verdict | undefined,
  least: readonly bigint[],
): MeteredReceipt[] {
  const refusals = receipts.map((_, i) =>
    answers.flatMap(({ refused }) => refused.filter(({ index }) => index === BigInt(i))),
  );
  const judged = answers.reduce((fewest, answer) => min(fewest, answer.judged), BigInt(receipts.length));
  return receipts.flatMap((receipt, i) => {
    if (BigInt(i) >= judged) return [];
    if (refusals[i].length === 0) return [receipt];
    const points = verdictOf(receipt)?.points ?? [];
    const pointOf = (refusal: RefusedReceipt) => points.find((each) => each.digest === refusal.digest);
    // a signer with another reading than the proposer's signs none of the proposer's receipts: one of a fork is left out
    if (!refusals[i].every((refusal) => pointOf(refusal)?.sequence === refusal.sequence)) return [];
    const point = pointOf(refusals[i].reduce((lowest, each) => (each.sequence < lowest.sequence ? each : lowest)));
    if (point === undefined) return [];
    const cumulativeTU = refusals[i]
      .map((each) => each.cumulativeTU)
      .reduce(min, min(point.countedTU, receipt.cumulativeTU));
    if (cumulativeTU <= least[i]) return [];
    return [{ ...receipt, cumulativeTU, measuredAt: point.measuredAt, meterLogHash: point.digest }];
  });
}

function commonTU(set: readonly Voter[], receipt: number): bigint {
  return set.map(({ accepted }) => accepted[receipt]).reduce(min);
}

/** Returns the first item of those of the highest rank, whose first number counts most. */
function highest<T>(items: readonly T[], rankOf: (item: T) => readonly bigint[]): T {
  const ranks = items.map(rankOf);
  const best = ranks.reduce((most, rank) => (compareRanks(rank, most) > 0 ? rank : most));
  return items[ranks.indexOf(best)];
}

function choose(n: number, k: number): number {
  let count = 1;
  for (let i = 1; i <= k && count <= MOST_SETS; ++i) count = (count * (n - k + i)) / i;
  return count;
}

function* subsets<T>(items: readonly T[], count: number): Generator<T[]> {
  if (count === 0) {
    yield [];
    return;
  }
  for (let first = 0; first <= items.length - count; ++first) {
    for (const rest of subsets(items.slice(first + 1), count - 1)) yield [items[first], ...rest];
  }
}
