import { setImmediate } from "node:timers/promises";

import { expect } from "chai";
import type { Contract } from "ethers";
import { ethers, network } from "hardhat";

import { advance, paid, withGateway } from "../helpers/gatewayWorld";

/** 10 USDC at 0.9 and 5 %, in cents. */
const PRICE = 945;

describe("An approved payment", () => {
  it("opens no order if it is disputed while the transaction before its own is mined", () =>
    withGateway({}, async (given) => {
      const { world, gateway, payer } = given;
      const [, { id }] = [await paid(given), await paid(given)];
      await network.provider.send("evm_setAutomine", [false]);
      const sending = gateway.advance();
      try {
        while ((await ethers.provider.getTransactionCount(payer, "pending")) === 0) await setImmediate();
        const row = await gateway.sessions.byId(id);
        if (row?.state !== "approved") throw new Error(`The later payment is ${row?.state} already`);
        await gateway.sessions.change("dispute", row, { dispute: "open", disputed: row.price });
      } finally {
        await network.provider.send("evm_setAutomine", [true]);
        await network.provider.send("hardhat_mine");
        await sending;
      }
      expect((await gateway.sessions.byId(id))?.reason).to.equal("the payment was disputed");
      expect(await world.openings()).to.have.length(1);
    }));

  it("opens no order if somebody refunds a part of it meanwhile, and all is refunded", () =>
    withGateway({}, async (given) => {
      const { world, gateway, payer } = given;
      const { id, session } = await paid(given);
      const { usdc, protocol } = world.fixture;
      const funds = (await usdc.balanceOf(payer)) as bigint;
      await world.empty(payer);
      await advance(given, 1);
      expect((await gateway.told(id)).state).to.equal("approved");
      world.stripe.refundBy(session, 1);
      await (usdc.connect(protocol.actors.treasury) as Contract).transfer(payer, funds);
      world.ahead += 60n;
      await advance(given, 2);
      expect(await gateway.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
      expect((await gateway.told(id)).reason).to.equal("the payment was refunded before");
      expect(await world.openings()).to.deep.equal([]);
    }));
});
