import { expect } from "chai";
import { getAddress, getIcapAddress } from "ethers";

import type * as Account from "../../../apps/web/src/account";
import { load } from "./built";

const ACCOUNT = "0x71be63f3384f5fb98995898a86b02fb2426c5788";

describe("an account that a visitor names", () => {
  for (const text of [ACCOUNT, getAddress(ACCOUNT), ACCOUNT.slice(2), getIcapAddress(ACCOUNT)]) {
    it(`is sought as the index writes it: ${text}`, async () => {
      const { accountOf } = await load<typeof Account>("account.ts");
      expect(accountOf(text)).to.equal(ACCOUNT);
    });
  }

  it("is none if it is of another length, or its checksum is wrong", async () => {
    const { accountOf } = await load<typeof Account>("account.ts");
    const wrong = getAddress(ACCOUNT).replace("B", "b");
    expect(["", ACCOUNT.slice(0, -1), wrong].map(accountOf)).to.deep.equal([undefined, undefined, undefined]);
  });
});
