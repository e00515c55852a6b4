import { initialWeights, Trainer, trimmedMean, verifyRound, claimOf } from "@turingfog/training";
import { expect } from "chai";

import { DIGITS, digits } from "../../../test/helpers/digits";
import { part, planOf } from "./helpers";

const WORKERS = 4;
const ROUNDS = 30;
const PLAN = planOf(DIGITS, { rounds: ROUNDS, steps: 16, batch: 32, learningRate: 0.05 });

/** Hands a worker's weights on as a cheater would: six times as far, away from what was learned. */
function poisoned(start: Float32Array, end: Float32Array): Float32Array {
  return start.map((weight, i) => weight - 6 * (end[i] - weight));
}

/** Trains all rounds with simulated workers, and returns the final accuracy. */
function trainTogether(transfer: "float32" | "int8"): number {
  const trainer = new Trainer({ ...PLAN, transfer });
  const train = digits(0, 850);
  const shards = Array.from({ length: WORKERS }, (_, i) => part(train, i, WORKERS));
  const residuals = new Array<Float32Array | undefined>(WORKERS);
  let weights = initialWeights(DIGITS, PLAN.seed);
  for (let round = 1n; round <= ROUNDS; round++) {
    const start = weights;
    const ends = shards.map((shard, i) => {
      const input = { round, nodeId: BigInt(i), start, shard, residual: residuals[i] };
      const result = trainer.train(input);
      residuals[i] = result.residual;
      return { nodeId: BigInt(i), weights: result.weights };
    });
    weights = trimmedMean(ends, PLAN.trim);
  }
  return trainer.evaluate(weights, digits(850, 13)).accuracy;
}

describe("four workers that learn real digits together, two from even and two from odd ones", () => {
  for (const [transfer, expected] of [
    ["float32", 0.95],
    ["int8", 0.95],
  ] as const) {
    it(`classify at least ${100 * expected} % of unseen digits after ${ROUNDS} rounds, with weights as ${transfer}`, () => {
      expect(trainTogether(transfer)).to.be.at.least(expected);
    });
  }

  it("have no digits beyond the last of a class, which the package would give as blank", () => {
    expect(() => digits(850, 14)).to.throw("There are 863 digits of class 5");
  });

  it("catch a poisoned round by recomputing it", () => {
    const trainer = new Trainer(PLAN);
    const input = {
      round: 1n,
      nodeId: 3n,
      start: initialWeights(DIGITS, PLAN.seed),
      shard: part(digits(0, 100), 3, WORKERS),
    };
    const result = trainer.train(input);
    const claim = claimOf(1n, input, result);
    expect(verifyRound(trainer, { ...input, claim }).problems).to.deep.equal([]);
    const weights = poisoned(input.start, result.weights);
    const lie = claimOf(1n, input, { ...result, endHash: trainer.train({ ...input, start: weights }).startHash });
    const [problem] = verifyRound(trainer, { ...input, claim: lie, end: weights }).problems;
    expect(problem.difference).to.include({ byte: 0, weight: "layers.0.weights[0]" });
  });
});
