import { readFile } from "node:fs/promises";
import path from "node:path";

import { MODEL_FILE, OUTPUT, type Sample, TrainingRunner, Workers } from "@turingfog/network";
import { EVIDENCE, ROUND_CLAIM, TRAINING_STATE } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id, Wallet } from "ethers";

import { LOG } from "../helpers/intake";
import { METER_DOMAIN } from "../helpers/meters";
import { dataFiles, tinyPlan, trainedAlone, trainingJob } from "../helpers/training";
import { WorkBench } from "../helpers/work";

const NODE = 7n;
const METER = new Wallet(id("training runner"));

/** Returns a runner whose node works alone on its orders. */
function newRunner(): TrainingRunner {
  const [facts, peers] = [{ order: () => undefined }, { known: [] }];
  const network = new Workers({ nodeId: NODE, meter: METER, facts, peers } as never);
  const sign = (claim: Parameters<typeof ROUND_CLAIM.sign>[2]) => ROUND_CLAIM.sign(METER, METER_DOMAIN, claim);
  return new TrainingRunner({ name: "train", nodeId: NODE, network, sign, patience: 1_000, log: LOG });
}

/** Hands a job in for order 1 on a bench whose runner trains. */
async function withJob(
  job: ReturnType<typeof trainingJob>,
  test: (bench: WorkBench, runner: TrainingRunner) => Promise<void>,
): Promise<void> {
  const runner = newRunner();
  await WorkBench.use(runner, async (bench) => {
    try {
      const sealed = await bench.seal(job, await dataFiles());
      bench.open(1n, sealed.jobHash);
      await bench.work.tick();
      await bench.handIn(1n, sealed);
      await test(bench, runner);
    } finally {
      await runner.close();
    }
  });
}

/** Looks at a run until something holds of it. */
async function until(runner: TrainingRunner, run: string, holds: (sample: Sample) => boolean): Promise<Sample> {
  for (let looks = 0; ; looks++) {
    if (looks > 100_000) throw new Error(`it is never so: ${JSON.stringify(await runner.sample(run))}`);
    const sample = await runner.sample(run);
    if (holds(sample)) return sample;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("A training runner on an order of one node", () => {
  it("trains all rounds to the bytes that the trainer alone makes, meters their images, and delivers the model", () =>
    withJob(trainingJob(tinyPlan()), async (bench, runner) => {
      const run = bench.work.filesOf(1n).run;
      await bench.work.tick();
      await until(runner, run, ({ phase }) => phase === "ended");
      await bench.until(1n, "ended");

      const alone = trainedAlone(tinyPlan(), () => [NODE]);
      const model = await readFile(path.join(run, OUTPUT, MODEL_FILE));
      expect(model.toString("latin1")).to.include(alone.at(-1));
      const last = TRAINING_STATE.decode(await readFile(path.join(run, OUTPUT, "rounds/0000005.json")));
      expect(last.closings[0].endHash).to.equal(alone.at(-1));
      expect(ROUND_CLAIM.signerOf(METER_DOMAIN, last.claims[0])).to.equal(METER.address.toLowerCase());

      const state = await bench.work.state(1n);
      expect(state.images).to.equal(60);
      const { counted, amount } = EVIDENCE.decode(state.evidence ?? "");
      expect([counted, amount]).to.deep.equal(["images", 60n]);
      expect(await bench.work.filesOf(1n).lastLine()).to.match(/^finished: accuracy 0\.\d{4}, loss \d\.\d{4}$/);
    }));

  it("goes on where another one was ended, to the same bytes, and claims no round twice", () =>
    withJob(trainingJob(tinyPlan({ rounds: 40 })), async (bench, runner) => {
      const run = bench.work.filesOf(1n).run;
      await bench.work.tick();
      await until(runner, run, ({ images }) => images >= 24);
      await runner.close();
      const before = (await runner.runOf(run))?.book.claims ?? [];

      const next = newRunner();
      const { outcome, images } = await until(next, run, ({ phase }) => phase === "ended");
      expect(outcome).to.deep.equal({ kind: "exited", code: 0 });
      expect(images).to.equal(40 * 12);
      const book = (await next.runOf(run))?.book;
      expect(book?.claims.slice(0, before.length)).to.deep.equal(before);
      const ends = book?.closings.map(({ endHash }) => endHash);
      expect(ends).to.deep.equal(trainedAlone(tinyPlan({ rounds: 40 }), () => [NODE]));
      await next.close();
    }));

  it("stands still while it is paused, and ends when it is stopped", () =>
    withJob(trainingJob(tinyPlan({ rounds: 1_000_000 })), async (bench, runner) => {
      const run = bench.work.filesOf(1n).run;
      await bench.work.tick();
      await until(runner, run, ({ images }) => images > 0);
      await runner.pause(run, true);
      expect((await runner.sample(run)).phase).to.equal("paused");
      // what the thread has finished before it was paused is claimed
      let { images } = await runner.sample(run);
      for (let same = 0; same < 500; same++) {
        const now = (await runner.sample(run)).images;
        if (now !== images) same = 0;
        images = now;
      }
      await runner.pause(run, false);
      await until(runner, run, (sample) => sample.images > images);
      await runner.stop(run);
      expect((await runner.sample(run)).outcome).to.deep.equal({ kind: "stopped" });
    }));

  for (const [what, change, reason] of [
    ["no plan", { PLAN: "{}" }, "turingfog-training-v1"],
    ["no shards", { SHARDS: "0" }, "slot SHARDS: is 0, expected 1 to 1000"],
    ["more workers than a round takes", { LEAST: "257" }, "slot LEAST: is 257, expected 1 to 256"],
    ["a slot of its own", { MORE: "1" }, "slot MORE: there is none"],
  ] as const) {
    it(`refuses a job with ${what}`, () => {
      const job = trainingJob(tinyPlan());
      return withJob({ ...job, slots: { ...job.slots, ...change } }, async (bench) => {
        await bench.until(1n, "refused");
        expect((await bench.work.state(1n)).reason).to.include(reason);
      });
    });
  }

  it("refuses 8-bit differences, and images that make no TU", async () => {
    for (const [job, reason] of [
      [trainingJob(tinyPlan({ transfer: "int8" })), "its transfer is int8"],
      [trainingJob(tinyPlan(), { imagesPerTU: 0n }), "is metered by images"],
    ] as const) {
      await withJob(job, async (bench) => {
        await bench.until(1n, "refused");
        expect((await bench.work.state(1n)).reason).to.include(reason);
      });
    }
  });
});
