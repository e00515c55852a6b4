import { createEngine, Network, referenceEngine, type Model } from "@turingfog/training";
import { expect } from "chai";
import fc from "fast-check";

import { doubleLogits, doubleLoss } from "./double";
import { models, noise, SMALL, someWeights } from "./helpers";

const ENGINES = { "the fastest engine": createEngine, "the reference": referenceEngine };

/** The shift of a weight in double precision. It is small enough to cross no kink of a ReLU but by chance. */
const SHIFT = 1e-6;

/** The most that binary32 may differ, as a share of the largest gradient. */
const TOLERANCE = 2e-5;

/** Returns the gradient of one image's loss by central differences in double precision. */
function finiteDifferences(model: Model, weights: Float32Array, index: number): number[] {
  const data = noise(model, index + 1);
  return Array.from(weights, (_, i) => {
    const [above, below] = [SHIFT, -SHIFT].map((shift) => {
      const shifted = Array.from(weights);
      shifted[i] += shift;
      return doubleLoss(model, shifted, data, index);
    });
    return (above - below) / (2 * SHIFT);
  });
}

for (const [name, engine] of Object.entries(ENGINES)) {
  describe(`the arithmetic of ${name}`, () => {
    it("gives the gradients of finite differences in double precision", () => {
      const weights = someWeights(SMALL);
      const network = new Network(SMALL, engine);
      network.load(weights);
      for (let index = 0; index < 2; index++) {
        network.startBatch();
        const loss = network.learn(noise(SMALL, index + 1), index);
        expect(loss).to.be.closeTo(doubleLoss(SMALL, weights, noise(SMALL, index + 1), index), 1e-5);
        const expected = finiteDifferences(SMALL, weights, index);
        const most = Math.max(...expected.map(Math.abs));
        expect(most).to.be.greaterThan(0.01);
        network.gradients().forEach((gradient, i) => {
          expect(gradient, `weight ${i}`).to.be.closeTo(expected[i], TOLERANCE * most);
        });
      }
    });

    it("gives the logits of double precision, whatever the layers", () => {
      fc.assert(
        fc.property(models, (model) => {
          const [weights, data] = [someWeights(model), noise(model, 1)];
          const network = new Network(model, engine);
          network.load(weights);
          network.classify(data, 0);
          const expected = doubleLogits(model, weights, data, 0);
          const scale = Math.max(1, ...expected.map(Math.abs));
          network.lastLogits().forEach((logit, i) => expect(logit).to.be.closeTo(expected[i], 1e-5 * scale));
        }),
        { numRuns: 60 },
      );
    });
  });
}
