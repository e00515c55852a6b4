import { expect } from "chai";

import { trainUntil } from "../../bench/accuracy/measure";
import { markdownOf } from "../../bench/accuracy/report";

const WEIGHTS = 5_994;

/** Bytes of an 8-bit difference: a scale for each of six tensors, and a byte for each weight. */
const DIFFERENCE = 6 * 4 + WEIGHTS;

describe("bench:accuracy", () => {
  it("counts the images of all workers, and the bytes that they get and send", () => {
    const taken = trainUntil({ workers: 2, steps: 64, transfer: "int8" }, 1);
    if (taken === undefined) throw new Error("The accuracy is not touched");
    const { rounds, images, bytes } = taken;
    expect(rounds).to.be.within(2, 30);
    expect(images).to.equal(rounds * 2 * 64 * 32);
    expect(bytes).to.equal(rounds * 2 * (4 * WEIGHTS + DIFFERENCE));
  });

  it("prints what a worker's part takes, and nothing sent by one alone", () => {
    const median = { rounds: 10, images: 1_360_000, bytes: 5_000_000 };
    const row = { steps: 16, transfer: "float32" as const, runs: [median], median };
    const lines = markdownOf([
      { ...row, workers: 2 },
      { ...row, workers: 1 },
      { ...row, workers: 8, median: undefined },
    ]).split("\n");
    const cells = lines.slice(2).map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
    expect(cells).to.deep.equal([
      ["2", "16", "float32", "10", "1,360,000", "680,000", "5.0", "10.0", "12.0"],
      ["1", "16", "float32", "10", "1,360,000", "1,360,000", "0.0", "20.0", "20.0"],
      ["8", "16", "float32", "95 % not touched", "", "", "", "", ""],
    ]);
  });
});
