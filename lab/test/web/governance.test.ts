import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { connectContracts } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { id, ZeroHash } from "ethers";
import { ethers } from "hardhat";

import type * as Governance from "../../../apps/web/src/chain/governance";
import { deployProtocolFixture } from "../../../test/helpers/fixture";
import { load } from "./built";

const MISSING = /calls are missing or wrong in the index/;

/** Two calls in one operation of the timelock, as the index has them. */
async function twoCalls() {
  const { addresses, contracts } = await loadFixture(deployProtocolFixture);
  const { timelock, oracle, escrow, usd } = contracts;
  const calls = [
    await escrow.delistAsset.populateTransaction(usd),
    await oracle.setGuardian.populateTransaction(await timelock.getAddress()),
  ].map(({ to, data }) => ({ target: to.toLowerCase(), value: "0", data }));
  const salt = id("salt");
  const columns: [string[], number[], string[]] = [
    calls.map((each) => each.target),
    [0, 0],
    calls.map((each) => each.data),
  ];
  const batch = { id: await timelock.hashOperationBatch(...columns, ZeroHash, salt), predecessor: ZeroHash, salt };
  const [first] = calls;
  const one = { ...batch, id: await timelock.hashOperation(first.target, 0, first.data, ZeroHash, salt) };
  const { describeOperation } = await load<typeof Governance>("chain/governance.ts");
  const own = connectContracts(addresses, ethers.provider);
  return { calls, batch, one, tell: describeOperation.bind(undefined, own) };
}

describe("what the page says of an operation in the timelock", () => {
  it("names each call, of one or of several", async () => {
    const { calls, batch, one, tell } = await twoCalls();
    expect(tell(batch, calls)).to.match(/^takes no new orders in 0x\w+; makes 0x\w+ the guardian$/);
    expect(tell(one, calls.slice(0, 1))).to.match(/^takes no new orders in 0x\w+$/);
  });

  it("says so when the index leaves out a call, or has another", async () => {
    const { calls, batch, one, tell } = await twoCalls();
    expect(tell(batch, calls.slice(0, 1))).to.match(MISSING);
    expect(tell(batch, [])).to.match(MISSING);
    expect(tell(one, calls.slice(1))).to.match(MISSING);
  });
});
