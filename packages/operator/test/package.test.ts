import { expect } from "chai";

import { closureOf, nameOf, readLock } from "../../../scripts/packing/closure";

describe("the npm packages of those who run the protocol", () => {
  for (const name of ["operator", "cli"]) {
    it(`bring neither forge nor Hardhat nor a compiler, as ${name}`, async () => {
      const names = closureOf(await readLock(), `packages/${name}`).map(nameOf);
      expect(names).to.include("ethers");
      expect(names.filter((each) => /hardhat|nomicfoundation|foundry|forge|solc/.test(each))).to.deep.equal([]);
    });
  }
});
