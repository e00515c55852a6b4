import { ageAt } from "@turingfog/economy";
import { DAY, priceAt, WAD } from "@turingfog/sdk";
import { expect } from "chai";
import fc from "fast-check";

const SEED = Number(process.env.SEED ?? 1);
const REFERENCE = 20n * WAD;

describe("ageAt", () => {
  it("is the age at which the contracts' price is the one asked for, to a second", () => {
    const property = fc.property(fc.double({ min: -20, max: 12.9, noNaN: true }), (exponent) => {
      const ratio = 2 ** exponent;
      const age = BigInt(Math.floor(ageAt(ratio) * Number(DAY)));
      const price = (elapsed: bigint) => Number(priceAt(REFERENCE, elapsed, DAY)) / Number(REFERENCE);
      expect(price(age) * (1 + 1e-9) >= ratio && price(age + 2n) <= ratio).to.equal(true);
    });
    fc.assert(property, { seed: SEED, numRuns: 2_000 });
  });

  it("is 0 for a price above the opening's", () => {
    expect(ageAt(8_193)).to.equal(0);
  });
});
