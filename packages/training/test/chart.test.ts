import { drawingOf, plotOf, type RoundRecord } from "@turingfog/training";
import { ZeroHash } from "ethers";
import { expect } from "chai";

function recordsOf(...accuracies: number[]): RoundRecord[] {
  const hashes = { startHash: ZeroHash, endHash: ZeroHash, claims: [] };
  return accuracies.map((accuracy, i) => ({ round: BigInt(i + 1), ...hashes, accuracy, loss: 1 - accuracy }));
}

describe("the chart of a run", () => {
  it("has a column for each round, between the least and the most", () => {
    expect(
      plotOf(recordsOf(0.3, 0.65, 1))
        .split("\n")
        .slice(0, 10),
    ).to.deep.equal([
      "accuracy",
      "  100.00 % │  •",
      "           │",
      "           │",
      "           │ •",
      "           │",
      "           │",
      "           │",
      "   30.00 % │•",
      "           └─── round 3",
    ]);
  });

  it("has at most 60 columns, the last round among them", () => {
    const lines = plotOf(recordsOf(...new Array<number>(150).fill(0.2), 1)).split("\n");
    expect(lines[1]).to.equal(`  100.00 % │${" ".repeat(59)}•`);
    expect(lines[9]).to.equal(`           └${"─".repeat(60)} round 151`);
  });

  it("is drawn of one round as of many, without what a drawing cannot show", () => {
    for (const records of [recordsOf(0.5), recordsOf(0, 1), recordsOf(1, 1)]) {
      const drawn = drawingOf(records, "a & b");
      expect(drawn)
        .to.match(/^<svg /)
        .and.contain("a &amp; b")
        .and.contain(`rounds 1 to ${records.length}`);
      expect(drawn).to.not.match(/NaN|Infinity|undefined/);
      expect(drawn.match(/<polyline/g)).to.have.length(2);
    }
  });
});
