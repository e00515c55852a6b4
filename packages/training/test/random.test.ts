import { deriveSeed, Draw, Random } from "@turingfog/training";
import { expect } from "chai";

import { SEED } from "./helpers";

describe("random numbers", () => {
  it("are those of xoshiro128** as its authors published it", () => {
    const random = new Random(`0x${["01000000", "02000000", "03000000", "04000000", "00".repeat(16)].join("")}`);
    const expected = [11_520, 0, 5_927_040, 70_819_200, 2_031_721_883, 1_637_235_492];
    expect(expected.map(() => random.next())).to.deep.equal(expected);
  });

  it("differ by seed, by purpose and by each integer", () => {
    const seeds = [deriveSeed(SEED, "a"), deriveSeed(SEED, "b"), deriveSeed(SEED, "a", 1n), deriveSeed(SEED, "a", 2n)];
    const all = [...seeds, deriveSeed(SEED, "a", 1n, 2n), deriveSeed(SEED, "a", 2n, 1n)];
    expect(new Set(all).size).to.equal(all.length);
  });

  it("spread evenly below their limit", () => {
    const random = new Random(SEED);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[random.below(7)]++;
    for (const count of counts) expect(count).to.be.within(9_600, 10_400);
  });

  it("lie from -1 on, below 1", () => {
    const random = new Random(SEED);
    const drawn = Array.from({ length: 10_000 }, () => random.signed());
    expect(Math.min(...drawn)).to.be.within(-1, -0.999);
    expect(Math.max(...drawn)).to.be.within(0.999, 1);
    expect(drawn.every((each) => Math.fround(each) === each)).to.equal(true);
  });

  it("draw every image once before any image twice, each time in another order", () => {
    const draw = new Draw(50, new Random(SEED));
    const [first, second] = [0, 1].map(() => Array.from({ length: 50 }, () => draw.next()));
    const all = Array.from({ length: 50 }, (_, i) => i);
    for (const pass of [first, second]) expect([...pass].sort((a, b) => a - b)).to.deep.equal(all);
    expect(first).to.not.deep.equal(second);
    expect(first).to.not.deep.equal(all);
  });
});
