import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { mined } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { type ContractTransactionResponse, dataLength, id, ZeroAddress } from "ethers";

import { deployProtocolFixture } from "../../../test/helpers/fixture";
import { signByQuorum } from "../../../test/helpers/market";
import { type Breakdown, breakdownOf, sum } from "../../bench/gas/breakdown";
import { shareOf, spendingOf, TRACED } from "../../bench/gas/report";

const NOTHING: Breakdown = {
  baseAndCalldata: 0,
  coldAccounts: 0,
  coldSlots: 0,
  writtenSlots: 0,
  newSlots: 0,
  warm: 0,
  events: 0,
  signatures: 0,
  hashing: 0,
  computation: 0,
  refund: 0,
};

async function spent(sending: Promise<ContractTransactionResponse>): Promise<{ parts: Breakdown; gas: number }> {
  const receipt = await mined(sending);
  return { parts: await breakdownOf(receipt), gas: Number(receipt.gasUsed) };
}

describe("bench/gas/breakdown", () => {
  describe("breakdownOf", () => {
    it("adds up to the receipt, slots and events at their price", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { parts, gas } = await spent(contracts.tft.connect(actors.renters[0]).transfer(actors.stranger, 1n));
      expect(sum(parts)).to.equal(gas);
      const { coldAccounts, coldSlots, writtenSlots, newSlots, warm, events, refund } = parts;
      expect({ coldAccounts, coldSlots, writtenSlots, newSlots, warm, events, refund }).to.deep.equal({
        coldAccounts: 0,
        coldSlots: 4_200,
        writtenSlots: 2_900,
        newSlots: 20_000,
        warm: 0,
        events: 1_756,
        refund: 0,
      });
    });

    it("counts calldata by the byte", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { pool } = contracts;
      const call = await pool.setRecipient.populateTransaction(ZeroAddress);
      const { parts } = await spent(pool.connect(actors.stranger).setRecipient(ZeroAddress));
      expect(parts.baseAndCalldata).to.equal(21_000 + 4 * 16 + (dataLength(call.data) - 4) * 4);
    });

    it("refunds a slot that is cleared", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { tft } = contracts;
      const [renter] = actors.renters;
      await tft.connect(renter).transfer(actors.stranger, 1n);
      const { parts } = await spent(tft.connect(actors.stranger).transfer(renter, 1n));
      expect(parts.refund).to.equal(-4_800);
    });

    it("counts a called account as cold once, and what its code spends by itself", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { parts, gas } = await spent(contracts.pool.connect(actors.stranger).claim([], actors.stranger));
      expect(sum(parts)).to.equal(gas);
      expect(parts.coldAccounts).to.equal(2_600);
      expect(parts.coldSlots).to.equal(4_200);
    });

    it("tells signatures from the calls that check them", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const content = { receiptsRoot: id("root"), dataHash: id("receipt file") };
      const signatures = await signByQuorum(protocol, "ReceiptBatch", content);
      const { oracle } = protocol.contracts;
      const { parts, gas } = await spent(oracle.submit(content.receiptsRoot, content.dataHash, signatures));
      expect(sum(parts)).to.equal(gas);
      expect(parts.signatures).to.equal(3_000 * signatures.length);
      expect(parts.coldAccounts).to.equal(2_600);
    });
  });

  describe("shareOf", () => {
    it("adds up to the rounded whole, whatever the parts round to", () => {
      const whole = { ...NOTHING, baseAndCalldata: 7, events: 7, computation: 7, refund: -3 };
      const share = shareOf(whole, 5);
      expect(sum(share)).to.equal(Math.round(sum(whole) / 5));
      expect(shareOf(whole, 1)).to.deep.equal(whole);
    });
  });

  describe("spendingOf", () => {
    it("names a transaction that was not traced", () => {
      expect(() => spendingOf(new Map(), new Map())).to.throw(`${TRACED[0]} was not traced`);
    });

    it("rejects a figure that is not the sum of its parts", () => {
      const breakdowns = new Map([[TRACED[0], { ...NOTHING, events: 1 }]]);
      const costs = new Map([[TRACED[0], { gas: 2, amsterdam: 3, calldata: 4 }]]);
      expect(() => spendingOf(breakdowns, costs)).to.throw(`The parts of ${TRACED[0]} are 1 gas, measured were 2`);
    });
  });
});
