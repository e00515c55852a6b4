import { fromBytes, hashOf, initialWeights, parametersOf, shapesOf, toBytes, WeightsError } from "@turingfog/training";
import { expect } from "chai";

import { DIGITS } from "../../../test/helpers/digits";
import { SEED, SMALL } from "./helpers";

const HASH = "0x6e52b82d63258b661ec4832a3aaef267c189e2318bbc73000eb1db51409c8f2d";

describe("weights", () => {
  it("begin uniform within the limit of their inputs, with biases of zero", () => {
    const weights = initialWeights(DIGITS, SEED);
    const limits = [Math.sqrt(6 / 25), 0, Math.sqrt(6 / 200), 0, Math.sqrt(3 / 256), 0];
    for (const [i, { start, length }] of parametersOf(shapesOf(DIGITS)).entries()) {
      const most = Math.max(...weights.subarray(start, start + length).map(Math.abs));
      expect(most).to.be.within(limits[i] * 0.95, limits[i] * 1.000001);
    }
  });

  it("are the same for the same seed", () => {
    // The first weights of the demonstration: they may never change
    expect(hashOf(initialWeights(DIGITS, SEED))).to.equal(HASH);
    expect(hashOf(initialWeights(DIGITS, `0x${"12".repeat(32)}`))).to.not.equal(HASH);
  });

  it("are read as they were written, in little-endian order", () => {
    const weights = initialWeights(SMALL, SEED);
    const bytes = toBytes(weights);
    expect(fromBytes(SMALL, bytes)).to.deep.equal(weights);
    expect([...toBytes(Float32Array.of(1, -0))]).to.deep.equal([0, 0, 0x80, 0x3f, 0, 0, 0, 0x80]);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(fromBytes(SMALL, shifted.subarray(3))).to.deep.equal(weights);
  });

  it("are refused with another length", () => {
    const { length } = initialWeights(DIGITS, SEED);
    expect(() => fromBytes(DIGITS, new Uint8Array(7))).to.throw(WeightsError, `bytes: is 7, expected ${4 * length}`);
  });

  for (const value of [NaN, Infinity, -Infinity]) {
    it(`are refused with ${value}, which is named`, () => {
      const weights = initialWeights(DIGITS, SEED);
      weights[203] = value;
      expect(() => fromBytes(DIGITS, toBytes(weights))).to.throw(
        WeightsError,
        `layers.0.bias[3]: is ${value}, expected a finite number`,
      );
    });
  }
});
