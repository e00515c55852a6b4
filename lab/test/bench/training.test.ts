import { initialWeights, Trainer } from "@turingfog/training";
import { expect } from "chai";

import { digits } from "../../../test/helpers/digits";
import { greatestDifference, OURS, PLAN, taskOf, type Row } from "../../bench/training/measure";
import { judge, tables } from "../../bench/training/report";
import { ROUND } from "../../bench/training/task";
import { trialOf } from "../../bench/training/trial";

const row = (name: string, median: number, difference = 0): Row => ({
  name,
  median,
  difference,
  imagesPerCpuSecond: [median],
});

const KEPT = [row(OURS, 800), row("plain trial", 100), row("tfjs wasm, slices", 8), row("tfjs cpu, conv2d", 4)];

describe("bench:training", () => {
  it("trains the same network by the trial as by the trainer", () => {
    const [start, shard] = [initialWeights(PLAN.model, PLAN.seed), digits(0, 20)];
    const ours = new Trainer(PLAN).train({ ...ROUND, start, shard }).weights;
    const trial = trialOf(PLAN, start, shard)(taskOf(PLAN, start, shard).order);
    expect(greatestDifference(ours, start)).to.be.above(0.01);
    expect(greatestDifference(trial, ours)).to.be.below(1e-6);
  });

  it("keeps its bars where ours is 8 times the trial, 100 and 200 times TensorFlow.js", () => {
    expect(judge(KEPT).map(({ measured, kept }) => [measured, kept])).to.deep.equal([
      [8, true],
      [100, true],
      [200, true],
      [0, true],
    ]);
  });

  for (const [what, broken] of [
    ["times plain trial", row("plain trial", 101)],
    ["times tfjs wasm, slices", row("tfjs wasm, slices", 8.1)],
    ["times tfjs cpu, conv2d", row("tfjs cpu, conv2d", 4.1)],
    ["weights differ by", row("plain trial", 100, 1e-5)],
  ] as const) {
    it(`does not keep the bar "${what}" if it is missed`, () => {
      const rows = KEPT.map((each) => (each.name === broken.name ? broken : each));
      expect(judge(rows).filter(({ kept }) => !kept)).to.have.nested.property("[0].name", what);
    });
  }

  it("does not keep a bar that was not measured, and says what to install", () => {
    const bars = judge(KEPT.slice(0, 2));
    expect(bars.filter(({ kept }) => !kept).map(({ measured }) => measured)).to.deep.equal([undefined, undefined]);
    expect(tables(KEPT.slice(0, 2), bars)).to.contain("npm ci --prefix lab/oracles");
  });
});
