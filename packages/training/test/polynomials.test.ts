import { exp, ln } from "@turingfog/training";
import { expect } from "chai";
import fc from "fast-check";

/** Returns the distance from one binary32 to the next above it. */
function ulp(value: number): number {
  const bits = new Uint32Array(1);
  const float = new Float32Array(bits.buffer);
  float[0] = value;
  const low = float[0];
  bits[0]++;
  return float[0] - low;
}

describe("the exponential and the logarithm", () => {
  it("lie within two and three units in the last place of those of double precision", () => {
    fc.assert(
      fc.property(fc.float({ min: -87, max: 0, noNaN: true }), fc.float({ min: 1, max: 256, noNaN: true }), (x, y) => {
        expect(Math.abs(exp(x) - Math.exp(x))).to.be.at.most(2 * ulp(Math.exp(x)));
        // Near one, the logarithm is the difference of two numbers near one
        expect(Math.abs(ln(y) - Math.log(y))).to.be.at.most(3 * ulp(Math.max(Math.log(y), 2 ** -4)));
      }),
      { numRuns: 20_000 },
    );
  });

  it("are exact where they are simple", () => {
    expect([exp(0), exp(-0), ln(1), exp(-88), exp(-Infinity)]).to.deep.equal([1, 1, 0, 0, 0]);
  });

  it("are binary32", () => {
    fc.assert(
      fc.property(fc.float({ min: -87, max: 0, noNaN: true }), (x) => Math.fround(exp(x)) === exp(x)),
      { numRuns: 1_000 },
    );
  });

  it("pass NaN on", () => {
    expect([exp(NaN), ln(NaN)]).to.deep.equal([NaN, NaN]);
  });
});
