import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import {
  fromBytes,
  hashOf,
  IdxError,
  initialWeights,
  readData,
  recompute,
  referenceEngine,
  ROUND_RECORD,
  RunError,
  toBytes,
  TrainingRun,
  WrongWeightsError,
  type Finding,
  type RoundRecord,
  type TrainingPlan,
} from "@turingfog/training";
import { expect } from "chai";

import { thrownBy } from "../../../test/helpers/tuLogs";
import { noise, planOf, SEED, SMALL, writeData } from "./helpers";

const PLAN = planOf(SMALL, { rounds: 4, steps: 2, batch: 4 });
const WORKERS = 3;

/** Runs a test in a folder with data, which is removed afterwards. */
function inFolder(test: (folder: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-training-"));
    try {
      await writeData(path.join(folder, "data"), SMALL, noise(SMALL, 60), noise(SMALL, 20, `0x${"22".repeat(32)}`));
      await test(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  };
}

async function trained(folder: string, name = "run", plan: TrainingPlan = PLAN): Promise<TrainingRun> {
  const run = await TrainingRun.init(path.join(folder, name), plan, await readData(path.join(folder, "data")), WORKERS);
  while (!run.isDone) await run.next();
  return run;
}

/** Rewrites a round's file, as somebody who lies about it. */
async function rewrite({ folder }: TrainingRun, round: number, change: (record: RoundRecord) => void): Promise<void> {
  const file = path.join(folder, "rounds", `000000${round}.json`);
  const record = ROUND_RECORD.decode(await readFile(file));
  change(record);
  await writeFile(file, ROUND_RECORD.encode(record));
}

/** Returns what differs in a run, as its files have it. */
async function differences({ folder }: TrainingRun, choice = {}): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const finding of recompute(await TrainingRun.open(folder), choice)) {
    if (finding.problems.length > 0) findings.push(finding);
  }
  return findings;
}

describe("a run of training in a folder", () => {
  for (const transfer of ["float32", "int8"] as const) {
    it(
      `goes on after the last whole round to the same weights, sent as ${transfer}`,
      inFolder(async (folder) => {
        const plan = { ...PLAN, transfer };
        const whole = await trained(folder, "whole", plan);
        const parts = await TrainingRun.init(
          path.join(folder, "parts"),
          plan,
          await readData(path.join(folder, "data")),
          WORKERS,
        );
        await parts.next();
        // what a process leaves that is killed before its round is whole
        await writeFile(path.join(parts.folder, "rounds", "0000002.json.1.tmp"), "{");
        for (let round = 2; round <= PLAN.rounds; round++) await (await TrainingRun.open(parts.folder)).next();
        const reopened = await TrainingRun.open(parts.folder);
        expect(reopened.records).to.deep.equal(whole.records);
        expect(reopened.isDone).to.equal(true);
        const residuals = (of: "residualBefore" | "residualAfter") =>
          whole.records.map(({ claims }) => claims.map((claim) => claim[of]));
        expect(residuals("residualBefore").slice(1)).to.deep.equal(residuals("residualAfter").slice(0, -1));
        expect(new Set(whole.records.map(({ endHash }) => endHash)).size).to.equal(PLAN.rounds);
        expect(await thrownBy(reopened.next())).to.be.instanceOf(RunError);
        expect(await differences(reopened)).to.deep.equal([]);
      }),
    );
  }

  it(
    "is recomputed by the reference, wholly or in part",
    inFolder(async (folder) => {
      const run = await trained(folder);
      const statements: [bigint, bigint | undefined][] = [];
      for await (const { round, nodeId, problems } of recompute(run, { round: 2n }, referenceEngine)) {
        expect(problems).to.deep.equal([]);
        statements.push([round, nodeId]);
      }
      expect(statements).to.deep.equal([1n, 2n, 3n, undefined].map((nodeId) => [2n, nodeId]));
      for await (const { round, nodeId } of recompute(run, { nodeId: 3n })) expect([round, nodeId]).to.include(3n);
      for (const [choice, reason] of [
        [{ round: 5n }, "Round 5 is not there, expected 1 to 4"],
        [{ nodeId: 4n }, "Round 1 has no worker 4, expected 1 to 3"],
      ] as const) {
        expect(await thrownBy(recompute(run, choice).next())).to.have.property("message", reason);
      }
    }),
  );

  it(
    "shows the first byte in which a worker's claim is false, and that the mean is of what was claimed",
    inFolder(async (folder) => {
      const run = await trained(folder);
      const honest = await run.store.get(run.records[1].claims[1].endHash);
      const false_ = honest.slice();
      false_[5] += 1;
      const endHash = await run.store.put(false_);
      await rewrite(run, 2, ({ claims }) => (claims[1].endHash = endHash));
      const [claim, mean, ...others] = await differences(run);
      expect(others).to.deep.equal([]);
      expect([claim.round, claim.nodeId, mean.round, mean.nodeId]).to.deep.equal([2n, 2n, 2n, undefined]);
      expect(claim.problems).to.have.length(1);
      const [at, claimed, expected] = [[...toBytes(false_)], toBytes(false_), toBytes(honest)];
      const byte = at.findIndex((each, i) => each !== expected[i]);
      expect(claim.problems[0]).to.deep.include({ what: "endHash", claimed: endHash, expected: hashOf(honest) });
      expect(claim.problems[0].difference).to.deep.equal({
        byte,
        weight: "layers.0.weights[5]",
        claimed: claimed[byte],
        expected: expected[byte],
      });
      expect(mean.problems.map(({ what }) => what)).to.deep.equal(["mean"]);
      expect(mean.problems[0].difference).to.have.property("weight", "layers.0.weights[5]");
    }),
  );

  for (const [what, change] of [
    ["startHash", (record: RoundRecord) => (record.startHash = record.endHash)],
    ["images", ({ claims }: RoundRecord) => (claims[0].images = 9n)],
    ["loss", ({ claims }: RoundRecord) => (claims[0].loss = 1.5)],
    ["residual before", ({ claims }: RoundRecord) => (claims[0].residualBefore = claims[0].endHash)],
    ["accuracy", (record: RoundRecord) => (record.accuracy = 1)],
  ] as const) {
    it(
      `shows a false ${what}`,
      inFolder(async (folder) => {
        const run = await trained(folder, "run", { ...PLAN, transfer: "int8" });
        await rewrite(run, 3, change);
        const found = await differences(run, { round: 3n });
        expect(new Set(found.flatMap(({ problems }) => problems.map((each) => each.what)))).to.deep.equal(
          new Set([what]),
        );
      }),
    );
  }

  it(
    "refuses weights that were changed under their name",
    inFolder(async (folder) => {
      const run = await trained(folder);
      const { endHash } = run.records[3];
      const file = path.join(run.folder, "weights", `${endHash.slice(2)}.bin`);
      const bytes = await readFile(file);
      bytes[0] ^= 1;
      await writeFile(file, bytes);
      const error = await thrownBy(run.weightsAfter());
      expect(error)
        .to.be.instanceOf(WrongWeightsError)
        .with.property("hash", hashOf(fromBytes(SMALL, bytes)));
      expect(await run.weightsAfter(0)).to.deep.equal(initialWeights(SMALL, SEED));
    }),
  );

  it(
    "refuses other data than it began with",
    inFolder(async (folder) => {
      const { folder: place } = await trained(folder);
      await writeData(path.join(folder, "data"), SMALL, noise(SMALL, 61), noise(SMALL, 20));
      const run = await TrainingRun.open(place);
      expect(await thrownBy(run.shards()))
        .to.be.instanceOf(RunError)
        .with.property("message")
        .that.contains("the run began with");
    }),
  );

  it(
    "refuses a folder with something in it, a round that is missing, and a number of workers",
    inFolder(async (folder) => {
      const data = await readData(path.join(folder, "data"));
      expect(await thrownBy(TrainingRun.init(data.folder, PLAN, data, 3)))
        .to.have.property("message")
        .that.contains("is not empty");
      const none = await thrownBy(TrainingRun.init(path.join(folder, "none"), PLAN, data, 0));
      expect(none).to.have.property("message", "A run has 0 workers, expected 1 to 1000");
      const run = await trained(folder);
      await rename(path.join(run.folder, "rounds/0000002.json"), path.join(run.folder, "rounds/0000005.json"));
      const gap = await thrownBy(TrainingRun.open(run.folder));
      expect(gap).to.be.instanceOf(RunError).with.property("message").that.contains("has round 3, expected 2");
    }),
  );
});

describe("a folder of data", () => {
  it(
    "is refused by name if a file is missing, is no IDX file, or has images without labels",
    inFolder(async (folder) => {
      const data = path.join(folder, "data");
      expect((await readData(data)).size).to.deep.equal({ height: 9, width: 8, channels: 2 });
      const [labels, images] = ["t10k-labels-idx1-ubyte.gz", "t10k-images-idx4-ubyte"].map((name) =>
        path.join(data, name),
      );
      await writeFile(images, "text");
      expect(await thrownBy(readData(data)))
        .to.be.instanceOf(IdxError)
        .with.property("message")
        .that.contains(images);
      await writeData(data, SMALL, noise(SMALL, 60), { ...noise(SMALL, 20), images: new Uint8Array(20 * 144) });
      await writeFile(labels.replace(".gz", ""), Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 7));
      expect(await thrownBy(readData(data)))
        .to.have.property("message")
        .that.contains("t10k: has 20 × 9 × 8 × 2 images and 1 labels, expected a label for each image");
      await rm(images);
      expect(await thrownBy(readData(data)))
        .to.have.property("message")
        .that.contains("neither as it is nor with .gz");
    }),
  );
});
