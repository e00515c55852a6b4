import { Trainer } from "@turingfog/training";
import { expect } from "chai";
import fc from "fast-check";

import { greatestDifference, taskOf, train, weightsOf } from "../../bench/training/measure";
import { areOraclesInstalled, ORACLES_MISSING } from "../../bench/training/oracles";
import { ROUND } from "../../bench/training/task";
import { models, noise, planOf, SMALL, someWeights } from "../../../packages/training/test/helpers";

/** Set TRAINING_SEED to repeat a run. */
const SEED = Number(process.env.TRAINING_SEED ?? Math.floor(Math.random() * 0x7fff_ffff));

const MODELS = 40;

/** Of a weight, beside the largest change of one: sums of some hundred values with 24 bits. */
const TOLERANCE = 1e-5;

describe("TensorFlow.js", () => {
  const title = `comes to the same gradients of all layers, over random models and images (TRAINING_SEED=${SEED})`;
  if (!areOraclesInstalled()) {
    it(`${title}: left out, as ${ORACLES_MISSING}`);
    return;
  }

  it(title, async () => {
    const cases = [SMALL, ...fc.sample(models, { seed: SEED, numRuns: MODELS })].map((model) => {
      // One step at a rate of 1 without momentum changes the weights by the mean of their gradients
      const plan = planOf(model, { steps: 1, batch: 3, learningRate: 1, momentum: 0 });
      return { plan, start: someWeights(model), shard: noise(model, 3) };
    });
    const tasks = cases.map(({ plan, start, shard }) => ({
      ...taskOf(plan, start, shard),
      trainer: "cpu",
      seconds: 0,
    }));
    const outcomes = await train("TensorFlow.js", tasks);
    for (const [i, { plan, start, shard }] of cases.entries()) {
      const ours = new Trainer(plan).train({ ...ROUND, start, shard }).weights;
      const difference = greatestDifference(weightsOf(plan, outcomes[i]), ours);
      const limit = TOLERANCE * Math.max(1, greatestDifference(ours, start));
      expect(difference, JSON.stringify(plan.model)).to.be.at.most(limit);
      expect(greatestDifference(ours, start), "something is learned").to.be.above(1_000 * limit);
    }
  }).timeout(120_000);
});
