import { TuringFogError } from "@turingfog/sdk";
import type { RoundClaim } from "@turingfog/sdk/wire";

import { NonFiniteError } from "./errors";
import { parametersOf, shapesOf } from "./model";
import type { RoundInput, RoundResult, Trainer } from "./trainer";
import { hashOf, placeOf, toBytes, type Weights } from "./weights";

/** What a claim of a round with 8-bit differences carries beside it. */
export interface ResidualClaim {
  /** The hash of the residual at the start of the round. */
  before: string;
  /** The hash of the residual at the end of the round. */
  after: string;
}

/** The first byte in which claimed weights differ from those that were recomputed. */
export interface ByteDifference {
  /** Index in the canonical bytes. */
  byte: number;
  /** Weight that it is part of, such as `layers.0.bias[3]`. */
  weight: string;
  expected: number;
  claimed: number;
}

/** Something that a claim says and that does not hold. */
export interface FalseStatement {
  what: "startHash" | "images" | "residual before" | "endHash" | "residual after" | "finite";
  /** What a recomputation gave. */
  expected: string;
  claimed: string;
  /** Of the weights at the end, if the claimed ones were given. */
  difference?: ByteDifference;
}

export interface Verdict {
  /** In the order in which they are checked; none if the claim is true. */
  problems: FalseStatement[];
  /** What the recomputation gave; undefined if the round did not begin as claimed, or left the finite numbers. */
  result?: RoundResult;
}

/** Thrown when weights that are shown for a claim are not those that it names, which proves nothing about the claim. */
export class OtherWeightsError extends TuringFogError {
  constructor(
    readonly hash: string,
    readonly claimed: string,
  ) {
    super(`The weights have hash ${hash}, the claim names ${claimed}: get those that were claimed`);
  }
}

/** A claim with what its round was computed from. */
export interface ClaimedRound extends Pick<RoundInput, "start" | "shard" | "residual" | "beforeStep"> {
  claim: RoundClaim;
  /** The weights that the claim names, in order to know where they differ. */
  end?: Weights;
  /** Only with `transfer: "int8"`. */
  residualClaim?: ResidualClaim;
}

/**
 * Recomputes a round, and compares it with its claim.
 * @throws OtherWeightsError
 * @throws WeightsError, DatasetError if an input does not fit the model
 */
export function verifyRound(trainer: Trainer, claimed: ClaimedRound): Verdict {
  const { claim, start, residual, end, residualClaim } = claimed;
  if (end !== undefined && hashOf(end) !== claim.endHash) throw new OtherWeightsError(hashOf(end), claim.endHash);
  const { steps, batch } = trainer.plan;
  const before = residual ?? new Float32Array(start.length);
  const begun = [
    ...compare("startHash", hashOf(start), claim.startHash),
    ...compare("images", String(steps * batch), String(claim.images)),
    ...(residualClaim === undefined ? [] : compare("residual before", hashOf(before), residualClaim.before)),
  ];
  if (begun.length > 0) return { problems: begun };

  try {
    const result = trainer.train({ ...claimed, round: claim.round, nodeId: claim.nodeId });
    const problems = compare("endHash", result.endHash, claim.endHash);
    if (problems.length > 0 && end !== undefined)
      problems[0].difference = firstDifference(trainer, result.weights, end);
    if (residualClaim !== undefined && result.residual !== undefined) {
      problems.push(...compare("residual after", hashOf(result.residual), residualClaim.after));
    }
    return { problems, result };
  } catch (error) {
    if (!(error instanceof NonFiniteError)) throw error;
    return { problems: [{ what: "finite", expected: error.message, claimed: claim.endHash }] };
  }
}

/** Returns the claim of a round that was trained. */
export function claimOf(orderId: bigint, { round, nodeId }: RoundInput, result: RoundResult): RoundClaim {
  const { startHash, endHash, images } = result;
  return { orderId, nodeId, round, startHash, endHash, images };
}

function compare(what: FalseStatement["what"], expected: string, claimed: string): FalseStatement[] {
  return expected === claimed ? [] : [{ what, expected, claimed }];
}

/** Returns the first byte that differs; a byte that one of them lacks counts as −1. */
export function firstDifference(trainer: Trainer, weights: Weights, end: Weights): ByteDifference {
  const [expected, claimed] = [toBytes(weights), toBytes(end)];
  let byte = 0;
  while (byte < expected.length && expected[byte] === claimed[byte]) byte++;
  const weight = placeOf(parametersOf(shapesOf(trainer.plan.model)), byte >> 2);
  return { byte, weight, expected: expected[byte] ?? -1, claimed: claimed[byte] ?? -1 };
}
