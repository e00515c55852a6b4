import { applyDifference, encodeDifference, hashOf, NonFiniteError, WeightsError } from "@turingfog/training";
import { expect } from "chai";

import { DIGITS } from "../../../test/helpers/digits";
import { someWeights } from "./helpers";

const START = someWeights(DIGITS);
const END = someWeights(DIGITS, `0x${"22".repeat(32)}`);
const NONE = new Float32Array(START.length);

describe("8-bit differences", () => {
  it("have a quarter of the weights' bytes and four for each tensor", () => {
    expect(encodeDifference(DIGITS, START, END, NONE).bytes.length).to.equal(5_994 + 6 * 4);
  });

  it("lead to within half a step of the weights", () => {
    const { bytes, residual } = encodeDifference(DIGITS, START, END, NONE);
    const weights = applyDifference(DIGITS, START, bytes);
    const scale = new DataView(bytes.buffer).getFloat32(0, true);
    expect(scale).to.be.greaterThan(0);
    for (let i = 0; i < 200; i++) {
      expect(Math.abs(weights[i] - END[i])).to.be.at.most(scale * 0.5001);
      expect(residual[i]).to.be.closeTo(END[i] - weights[i], 1e-6);
    }
  });

  it("make up later for what they left out", () => {
    let [at, residual]: Float32Array[] = [START, NONE];
    const passes = 40;
    // The same small change over and over: without feedback its share below half a step would be lost each time
    for (let i = 0; i < passes; i++) {
      const target = at.map((weight, w) => weight + (w === 0 ? 0.1 : 0.0003));
      const difference = encodeDifference(DIGITS, at, target, residual);
      [at, residual] = [applyDifference(DIGITS, at, difference.bytes), difference.residual];
    }
    expect(at[1] - START[1]).to.be.closeTo(passes * 0.0003, 0.1 / 127);
  });

  it("are zero if nothing changed", () => {
    const { bytes, residual } = encodeDifference(DIGITS, START, START, NONE);
    expect(bytes.every((byte) => byte === 0)).to.equal(true);
    expect([residual, applyDifference(DIGITS, START, bytes)].map(hashOf)).to.deep.equal([NONE, START].map(hashOf));
  });

  it("refuse another length, a scale that is none, and a change that is not finite", () => {
    const { bytes } = encodeDifference(DIGITS, START, END, NONE);
    expect(() => applyDifference(DIGITS, START, bytes.subarray(1))).to.throw(
      WeightsError,
      "is 6017, expected 6018 bytes",
    );
    for (const scale of [NaN, Infinity, -1]) {
      const wrong = bytes.slice();
      new DataView(wrong.buffer).setFloat32(0, scale, true);
      expect(() => applyDifference(DIGITS, START, wrong)).to.throw(
        WeightsError,
        `difference of layers.0.weights, scale: is ${scale}`,
      );
    }
    const [low, high] = [-3e38, 3e38].map((value) => START.map(() => value));
    expect(() => encodeDifference(DIGITS, low, high, NONE)).to.throw(NonFiniteError, "difference: NaN or infinity");
  });
});
