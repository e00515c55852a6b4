import { expect } from "chai";

import { UsageError, wholeNumber } from "@turingfog/cli";

describe("wholeNumber", () => {
  for (const text of ["0", "2147483648", "99999999999", "-1", "1.5", "1e3", "0x10", " 7", ""]) {
    it(`refuses "${text}" and names the option and its limits`, () => {
      expect(() => wholeNumber("calls", text, 1))
        .to.throw(UsageError)
        .with.property("message", `--calls is ${text}, must be a whole number from 1 to 2147483647`);
    });
  }

  it("takes both limits", () => {
    expect(wholeNumber("calls", "1", 1)).to.equal(1);
    expect(wholeNumber("seed", "0", 0)).to.equal(0);
    expect(wholeNumber("seed", "2147483647", 0)).to.equal(2_147_483_647);
  });
});
