import {
  createEngine,
  DatasetError,
  hashOf,
  initialWeights,
  NonFiniteError,
  referenceEngine,
  Trainer,
  WeightsError,
  type Dataset,
} from "@turingfog/training";
import { expect } from "chai";

import { DIGITS } from "../../../test/helpers/digits";
import { noise, planOf, SEED, SMALL, someWeights } from "./helpers";

const PLAN = planOf(SMALL);
const START = someWeights(SMALL);
const INPUT = { round: 1n, nodeId: 7n, start: START, shard: noise(SMALL, 20) };

/** What rounds gave in November 2026. Whoever changes one changes what every earlier claim means. */
const DIGITS_HASH = "0x9cc9a6c90f2f30a0be832cb2828ecc29294e95d0ecddbdfa9afe8c3715c71c3c";
const SMALL_HASH = "0x277952e9e88f14b9db6997b89d7b3df9fc5bd5c2f55d0ebed3f89239a7cce90f";
const INT8_HASH = "0xc78c2fb3a3f8bfeda0377454889eff7a4d63d491e0449ef4a92ba3b9cf250309";

describe("a round of training", () => {
  it("gives the same bytes whenever it is trained, and leaves its inputs as they were", () => {
    const trainer = new Trainer(PLAN);
    const before = [hashOf(START), [...INPUT.shard.images]];
    const first = trainer.train(INPUT);
    trainer.train({ ...INPUT, round: 2n });
    expect(trainer.train(INPUT)).to.deep.equal(first);
    expect(new Trainer(PLAN).train(INPUT)).to.deep.equal(first);
    expect([hashOf(START), [...INPUT.shard.images]]).to.deep.equal(before);
    expect([first.startHash, first.endHash]).to.deep.equal([hashOf(START), hashOf(first.weights)]);
    expect(first.images).to.equal(32n);
  });

  it("depends on each of its inputs", () => {
    const hashes = [
      new Trainer(PLAN).train(INPUT),
      new Trainer(PLAN).train({ ...INPUT, round: 2n }),
      new Trainer(PLAN).train({ ...INPUT, nodeId: 8n }),
      new Trainer(PLAN).train({ ...INPUT, shard: noise(SMALL, 19) }),
      new Trainer(PLAN).train({ ...INPUT, start: initialWeights(SMALL, SEED) }),
      new Trainer({ ...PLAN, steps: 5 }).train(INPUT),
      new Trainer({ ...PLAN, batch: 9 }).train(INPUT),
      new Trainer({ ...PLAN, learningRate: 0.051 }).train(INPUT),
      new Trainer({ ...PLAN, momentum: 0.8 }).train(INPUT),
      new Trainer({ ...PLAN, seed: `0x${"12".repeat(32)}` }).train(INPUT),
    ].map(({ endHash }) => endHash);
    expect(new Set(hashes).size).to.equal(hashes.length);
  });

  it("gives the bytes that it always gave", () => {
    const plan = planOf(DIGITS);
    const input = { ...INPUT, start: initialWeights(DIGITS, SEED), shard: noise(DIGITS, 40) };
    expect(new Trainer(plan).train(input).endHash).to.equal(DIGITS_HASH);
    expect(new Trainer(PLAN).train(INPUT).endHash).to.equal(SMALL_HASH);
    expect(new Trainer({ ...PLAN, transfer: "int8" }).train(INPUT).endHash).to.equal(INT8_HASH);
  });

  it("begins with momentum of zero", () => {
    const trainer = new Trainer(planOf(SMALL, { steps: 1 }));
    trainer.train({ ...INPUT, round: 9n });
    const again = trainer.train(INPUT);
    expect(again).to.deep.equal(new Trainer(planOf(SMALL, { steps: 1, momentum: 0 })).train(INPUT));
  });

  it("lowers the loss", () => {
    const trainer = new Trainer(planOf(SMALL, { steps: 200, learningRate: 0.02 }));
    const { weights } = trainer.train(INPUT);
    const [before, after] = [START, weights].map((each) => trainer.evaluate(each, INPUT.shard));
    expect(after.loss).to.be.below(before.loss * 0.5);
    expect(after.accuracy).to.be.above(before.accuracy);
  });

  it("sends 8-bit differences if its plan says so, and hands on what they left out", () => {
    const trainer = new Trainer({ ...PLAN, transfer: "int8" });
    const exact = new Trainer(PLAN).train(INPUT);
    const first = trainer.train(INPUT);
    expect(first.sent.length).to.be.below(exact.sent.length / 3);
    expect(first.endHash).to.equal(hashOf(first.weights));
    first.weights.forEach((weight, i) => {
      expect(weight + (first.residual as Float32Array)[i]).to.be.closeTo(exact.weights[i], 1e-6);
    });
    const second = trainer.train({ ...INPUT, residual: first.residual });
    expect(second.endHash).to.not.equal(first.endHash);
  });

  for (const [name, engine] of Object.entries({
    "the fastest engine": createEngine,
    "the reference": referenceEngine,
  })) {
    it(`ends by a named error when ${name} leaves the finite numbers`, () => {
      const steep = new Trainer(planOf(SMALL, { learningRate: 10, momentum: 0.99, steps: 1_000 }), engine);
      expect(() => steep.train(INPUT)).to.throw(
        NonFiniteError,
        /^(weights|layers\[\d\]): NaN or infinity in step \d+; lower/,
      );
      // Weights so large that the second layer overflows, and a ReLU would hide it
      const large = START.map((weight) => (weight < 0 ? -1e30 : 1e30));
      expect(() => steep.train({ ...INPUT, start: large })).to.throw(NonFiniteError, /^layers\[\d\]: .* in step 0/);
      expect(() => steep.evaluate(large, INPUT.shard)).to.throw(
        NonFiniteError,
        /^layers\[\d\]: NaN or infinity; lower/,
      );
      // The same trainer goes on as if nothing had been
      const same = new Trainer(planOf(SMALL), engine);
      expect(() => same.train({ ...INPUT, start: large })).to.throw(NonFiniteError);
      expect(same.train(INPUT).endHash).to.equal(SMALL_HASH);
    });
  }

  const { images, labels } = INPUT.shard;
  for (const [title, shard, reason] of [
    ["no image", { images: new Uint8Array(), labels: new Uint8Array() }, "labels.length: is 0, expected 1 to 2097152"],
    [
      "half an image",
      { images: images.subarray(1), labels },
      "images.length: is 2879, expected 2880: 20 images of 9 × 8 pixels in 2 channels",
    ],
    [
      "a label of no class",
      { images, labels: labels.map((label, i) => (i === 4 ? 3 : label)) },
      "labels[4]: is 3, expected below 3",
    ],
  ] as [string, Dataset, string][]) {
    it(`refuses a shard with ${title}`, () => {
      expect(() => new Trainer(PLAN).train({ ...INPUT, shard })).to.throw(DatasetError, reason);
      expect(() => new Trainer(PLAN).evaluate(START, shard)).to.throw(DatasetError, reason);
    });
  }

  it("refuses weights and residuals that are not the model's", () => {
    const short = START.subarray(1);
    expect(() => new Trainer(PLAN).train({ ...INPUT, start: short })).to.throw(
      WeightsError,
      `length: is ${short.length}, expected ${START.length}`,
    );
    expect(() => new Trainer(PLAN).evaluate(short, INPUT.shard)).to.throw(WeightsError, "length");
    expect(() => new Trainer({ ...PLAN, transfer: "int8" }).train({ ...INPUT, residual: short })).to.throw(
      WeightsError,
      "length",
    );
  });
});
