import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

import { createEngine, Network, referenceEngine, Trainer, webAssemblyEngine, type Model } from "@turingfog/training";
import { expect } from "chai";
import fc from "fast-check";

import { DIGITS } from "../../../test/helpers/digits";
import { models, noise, planOf, SMALL, someWeights } from "./helpers";

const run = promisify(execFile);

/** Set TRAINING_SEED to repeat a run. */
const SEED = Number(process.env.TRAINING_SEED ?? Math.floor(Math.random() * 0x7fff_ffff));

const ENGINES = [webAssemblyEngine, referenceEngine];

/** Returns the bytes of all that training on a few images leaves behind, by each engine. */
function outcomes(model: Model, seed: string, batch: number): Uint8Array[] {
  const [weights, data] = [someWeights(model, seed), noise(model, batch, seed)];
  return ENGINES.map((engine) => {
    const network = new Network(model, engine);
    network.load(weights);
    const values: number[] = [];
    for (let step = 0; step < 2; step++) {
      network.startBatch();
      for (let i = 0; i < batch; i++) values.push(network.learn(data, i), ...network.lastLogits());
      values.push(...network.gradients());
      network.descend({ batch, learningRate: 0.03, momentum: 0.9 });
    }
    return new Uint8Array(Float32Array.from([...values, ...network.store()]).buffer);
  });
}

/** Returns the index of the first byte that differs; the length if there is none. */
function firstDifference(a: Uint8Array, b: Uint8Array): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return i;
}

describe("the engines", () => {
  it("are WebAssembly where it exists", () => {
    expect(createEngine(64).name).to.equal("webassembly");
    expect(referenceEngine(64).name).to.equal("reference");
  });

  it(`give the same bytes over random models, weights and images (TRAINING_SEED=${SEED})`, () => {
    const seeds = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .map((bytes) => `0x${Buffer.from(bytes).toString("hex")}`);
    fc.assert(
      fc.property(models, seeds, fc.integer({ min: 1, max: 3 }), (model, seed, batch) => {
        const [fast, reference] = outcomes(model, seed, batch);
        expect(firstDifference(fast, reference)).to.equal(reference.length);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it("give the same bytes for whole rounds", () => {
    for (const model of [SMALL, DIGITS]) {
      const input = { round: 1n, nodeId: 1n, start: someWeights(model), shard: noise(model, 40) };
      const [fast, reference] = ENGINES.map((engine) => new Trainer(planOf(model), engine).train(input));
      expect(fast).to.deep.equal(reference);
    }
  });

  it("refuse the same weights as not finite", () => {
    const exponents = fc.integer({ min: 30, max: 38 });
    fc.assert(
      fc.property(models, exponents, (model, exponent) => {
        const scale = Number(`1e${exponent}`);
        const weights = someWeights(model).map((weight) => Math.max(-3e38, Math.min(3e38, weight * scale)));
        const results = ENGINES.map((engine) => {
          const trainer = new Trainer(planOf(model, { steps: 1, batch: 1 }), engine);
          try {
            return trainer.train({ round: 1n, nodeId: 1n, start: weights, shard: noise(model, 1) }).endHash;
          } catch (error) {
            return String(error);
          }
        });
        expect(results[0]).to.equal(results[1]);
      }),
      { seed: SEED, numRuns: 100 },
    );
  });

  it("are the reference where WebAssembly does not exist, with the same bytes", async () => {
    const script = path.join(__dirname, "round.cjs");
    const [plain, jitless] = await Promise.all(
      [[], ["--jitless"]].map((flags) => run(process.execPath, [...flags, script])),
    );
    expect(JSON.parse(plain.stdout)).to.have.property("engine", "webassembly");
    expect(JSON.parse(jitless.stdout)).to.deep.equal({ ...JSON.parse(plain.stdout), engine: "reference" });
  });

  it("use no relaxed SIMD, whose results may differ", async () => {
    const options = JSON.parse(await readFile(path.join(__dirname, "../asconfig.json"), "utf8")) as {
      options: { enable: string[]; disable: string[] };
    };
    expect(options.options.enable).to.deep.equal(["simd"]);
    expect(options.options.disable).to.include("relaxed-simd");
    expect(await readFile(path.join(__dirname, "../assembly/kernels.ts"), "utf8")).to.not.match(/relaxed_/);
  });
});
