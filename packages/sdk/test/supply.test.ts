import { expect } from "chai";
import { MaxUint256 } from "ethers";

import { destroy, GENESIS, NOMINAL_SUPPLY, OutOfRangeError, Phase, split, supplyOf, WAD as TFT } from "@turingfog/sdk";

// splits, entitlements and phases are compared with the contract's in test/unit/SupplySchedule.test.ts
describe("supply", () => {
  describe("split", () => {
    it("rejects an amount that no uint256 holds", () => {
      for (const bought of [-1n, MaxUint256 + 1n]) {
        expect(() => split(bought, 0n)).to.throw(
          OutOfRangeError,
          `bought is ${bought}, must be from 0 to ${MaxUint256}`,
        );
      }
    });

    it("rejects more burned than there ever was", () => {
      for (const burned of [-1n, NOMINAL_SUPPLY + 1n]) {
        expect(() => split(1n, burned)).to.throw(
          OutOfRangeError,
          `burned is ${burned}, must be from 0 to ${NOMINAL_SUPPLY}`,
        );
      }
    });
  });

  describe("destroy", () => {
    it("tells what it did and where the supply stands after it", () => {
      expect(destroy(GENESIS, 10n * TFT)).to.deep.equal({
        b1: 10n * TFT,
        b2: 0n,
        distributed: 0n,
        burned: 10n * TFT,
        released: 8n * TFT,
        release: 8n * TFT,
        phase: Phase.ProductionMining,
      });
    });

    it("goes on from where the last one ended, rounding over all that was burned", () => {
      const first = destroy(GENESIS, 1n);
      expect(first.release).to.equal(0n);
      const second = destroy(first, 1n);
      expect(second).to.include({ burned: 2n, released: 1n, release: 1n });
      expect(destroy(second, 7n)).to.include({ burned: 9n, released: 7n, release: 6n });
    });
  });

  describe("supplyOf", () => {
    it("is the published one at genesis", () => {
      expect(supplyOf(GENESIS)).to.deep.equal({
        total: 1_000_000_000n * TFT,
        burned: 0n,
        released: 0n,
        reserve: 350_000_000n * TFT,
        circulating: 650_000_000n * TFT,
        phase: Phase.ProductionMining,
      });
    });

    it("ends at 100 M, all of it in circulation", () => {
      expect(supplyOf(destroy(GENESIS, 2_000_000_000n * TFT))).to.deep.equal({
        total: 100_000_000n * TFT,
        burned: 900_000_000n * TFT,
        released: 350_000_000n * TFT,
        reserve: 0n,
        circulating: 100_000_000n * TFT,
        phase: Phase.Mature,
      });
    });
  });
});
