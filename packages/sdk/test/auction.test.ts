import { expect } from "chai";

import { DAY, filledAmount, MAX_REFERENCE, OutOfRangeError, priceAt, tftOwed } from "@turingfog/sdk";

// the prices themselves are compared with the contract's in test/unit/AuctionPrice.test.ts
describe("auction", () => {
  describe("priceAt", () => {
    const outOfRange: [what: string, args: [bigint, bigint, bigint], message: string][] = [
      ["a negative reference", [-1n, 0n, DAY], `reference price is -1, must be from 0 to ${MAX_REFERENCE}`],
      ["a reference above the highest", [MAX_REFERENCE + 1n, 0n, DAY], `reference price is ${MAX_REFERENCE + 1n}`],
      ["a time before the start", [1n, -1n, DAY], `elapsed is -1, must be from 0 to ${2n ** 40n - 1n}`],
      ["a period of nothing", [1n, 0n, 0n], `period is 0, must be from 1 to ${2n ** 40n - 1n}`],
    ];
    for (const [what, args, message] of outOfRange) {
      it(`rejects ${what}`, () => {
        expect(() => priceAt(...args)).to.throw(OutOfRangeError, message);
      });
    }
  });

  describe("tftOwed", () => {
    it("rounds up", () => {
      expect(tftOwed(1_500_000n, 7n, 1_000_000n)).to.equal(11n);
      expect(tftOwed(2_000_000n, 7n, 1_000_000n)).to.equal(14n);
    });

    it("is one unit at the least", () => {
      expect(tftOwed(1_000_000n, 0n, 1_000_000n)).to.equal(1n);
    });
  });

  describe("filledAmount", () => {
    it("fills what is asked for, or what remains", () => {
      expect(filledAmount(50n, 100n, 1_000n)).to.equal(50n);
      expect(filledAmount(500n, 100n, 1_000n)).to.equal(100n);
    });

    it("fills the rest too when less than 1 % of the lot would be left, and leaves 1 % itself", () => {
      expect(filledAmount(91n, 100n, 1_000n)).to.equal(100n);
      expect(filledAmount(90n, 100n, 1_000n)).to.equal(90n);
    });
  });
});
