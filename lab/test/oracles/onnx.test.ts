import { createEngine, Network, toOnnx, type Model } from "@turingfog/training";
import { expect } from "chai";
import fc from "fast-check";

import { DIGITS } from "../../../test/helpers/digits";
import { models, noise, SMALL, someWeights } from "../../../packages/training/test/helpers";
import { areOraclesInstalled, ask, ORACLES_MISSING } from "../../bench/training/oracles";

/** Set TRAINING_SEED to repeat a run. */
const SEED = Number(process.env.TRAINING_SEED ?? Math.floor(Math.random() * 0x7fff_ffff));

const MODELS = 30;
const IMAGES = 3;
const TOLERANCE = 1e-5;

interface Answer {
  shape: number[];
  logits: number[];
}

function logitsOf(model: Model): number[] {
  const [network, data] = [new Network(model, createEngine), noise(model, IMAGES)];
  network.load(someWeights(model));
  return Array.from({ length: IMAGES }, (_, i) => {
    network.classify(data, i);
    return [...network.lastLogits()];
  }).flat();
}

describe("ONNX Runtime", () => {
  const title = `gives an exported model's logits, over random models and images (TRAINING_SEED=${SEED})`;
  if (!areOraclesInstalled()) {
    it(`${title}: left out, as ${ORACLES_MISSING}`);
    return;
  }

  it(title, async () => {
    const cases = [DIGITS, SMALL, ...fc.sample(models, { seed: SEED, numRuns: MODELS })];
    const tasks = cases.map((model) => ({
      onnx: Buffer.from(toOnnx(model, someWeights(model))).toString("base64"),
      images: Buffer.from(noise(model, IMAGES).images).toString("base64"),
      shape: [IMAGES, model.height, model.width, model.channels],
    }));
    const answers = (await ask("onnx.cjs", tasks)) as Answer[];
    for (const [i, model] of cases.entries()) {
      const expected = logitsOf(model);
      const { shape, logits } = answers[i];
      expect(shape).to.deep.equal([IMAGES, expected.length / IMAGES]);
      const limit = TOLERANCE * Math.max(1, ...expected.map(Math.abs));
      logits.forEach((logit, at) => expect(logit, JSON.stringify(model)).to.be.closeTo(expected[at], limit));
    }
  }).timeout(120_000);
});
