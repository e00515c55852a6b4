import { IdxError, readIdx } from "@turingfog/training";
import { expect } from "chai";

import { idx } from "./helpers";

describe("an IDX file", () => {
  it("is read with its sides", () => {
    const bytes = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255);
    expect(readIdx(bytes)).to.deep.equal({ sides: [2, 3], values: Uint8Array.of(1, 2, 3, 4, 5, 255) });
  });

  for (const [title, bytes, reason] of [
    ["is cut off in its header", Uint8Array.of(0, 0, 8), "has 3 bytes, expected at least 4"],
    ["is of floats", Uint8Array.of(0, 0, 13, 1, 0, 0, 0, 0), "begins with the bytes 0, 0, 13, 1; expected 0, 0, 8"],
    ["is packed", Uint8Array.of(31, 139, 8, 0, 0, 0, 0, 0), "begins with the bytes 31, 139, 8, 0"],
    ["has no side", Uint8Array.of(0, 0, 8, 0), "begins with the bytes 0, 0, 8, 0"],
    ["is cut off in its sides", Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 1), "has 8 bytes, expected 2 sides in 12"],
    ["lacks values", idx([2, 3], new Uint8Array(5)), "has 17 bytes, expected 18 for 2 × 3 values"],
    ["has too many values", idx([2, 3], new Uint8Array(7)), "has 19 bytes, expected 18 for 2 × 3 values"],
  ] as const) {
    it(`is refused if it ${title}`, () => {
      expect(() => readIdx(bytes)).to.throw(IdxError, reason);
    });
  }
});
