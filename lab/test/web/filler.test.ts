import { expect } from "chai";
import { AbiCoder, type TransactionRequest } from "ethers";

import type * as Filler from "../../../apps/web/src/wallet/filler";
import { pageModule } from "./pageModule";

const { quoteFill } = pageModule<typeof Filler>("wallet/filler.ts");

const address = (digit: string) => `0x${digit.repeat(40)}`;

describe("the page's filler", () => {
  it("asks for a quote as the one who fills, since tokens refuse transfers to 0x0", async () => {
    const call = async ({ from }: TransactionRequest) =>
      AbiCoder.defaultAbiCoder().encode(["uint256"], [from ? 7n : 0n]);
    const lot = { asset: { address: address("1") }, round: 1n, remaining: 5n };
    const quote = await quoteFill(address("2"), { provider: null, call }, address("3"), lot);
    expect(quote.profit).to.equal(7n);
  });
});
