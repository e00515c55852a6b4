import { setImmediate } from "node:timers/promises";

import { expect } from "chai";
import type { Contract } from "ethers";
import { ethers, network } from "hardhat";

import { advance, type Given, paid, UNIT_PRICE, withGateway } from "../helpers/gatewayWorld";

/** 10 USDC at 0.9 and 5 %, in cents. */
const PRICE = 945;

/** Has a session refunded for which no order could be opened. */
async function refunded(given: Given) {
  const { world, gateway } = given;
  const checkout = await paid(given);
  await world.price(UNIT_PRICE + 1n);
  await advance(given, 2);
  expect((await gateway.told(checkout.id)).state).to.equal("refunded");
  world.stripe.pending.splice(0);
  return checkout;
}

/** Has a gateway look at Stripe without any webhook. */
async function look(given: Given): Promise<void> {
  given.world.stripe.pending.splice(0);
  given.world.ahead += 60n;
  await advance(given, 1);
}

describe("An approved payment", () => {
  it("opens no order if it is disputed while the transaction before its own is mined", () =>
    withGateway({}, async (given) => {
      const { world, gateway, payer } = given;
      for (let i = 0; i < 2; ++i) await paid(given);
      let later: string;
      await network.provider.send("evm_setAutomine", [false]);
      const sending = gateway.advance();
      try {
        while ((await ethers.provider.getTransactionCount(payer, "pending")) === 0) await setImmediate();
        // of one second, so that their ids decide which is first
        const [, row] = await gateway.sessions.in("approved");
        later = row.id;
        await gateway.sessions.change("dispute", row, { dispute: "open", disputed: row.price });
      } finally {
        await network.provider.send("evm_setAutomine", [true]);
        await network.provider.send("hardhat_mine");
        await sending;
      }
      expect((await gateway.sessions.byId(later))?.reason).to.equal("the payment was disputed");
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

describe("A payment that is seen after an outage", () => {
  for (const [how, isTold, ahead] of [
    ["as Stripe tells when it was made", true, 700n],
    ["as of its checkout's end if Stripe does not tell that", false, 2_500n],
  ] as const)
    it(`opens no order after its time, ${how}`, () =>
      withGateway({ openWithin: 600 }, async (given) => {
        const { world, gateway } = given;
        const { id, session } = await gateway.checkout();
        world.stripe.pay(session);
        if (!isTold) world.stripe.sessions.get(session)!.paid_at = undefined;
        world.ahead += ahead;
        await look(given);
        await advance(given, 1);
        expect(await gateway.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
        expect((await gateway.told(id)).reason).to.equal("the order could not be opened in time");
        expect(await world.openings()).to.deep.equal([]);
      }));
});

describe("A refunded payment", () => {
  it("is owed again, without any webhook, when the card's bank sends the refund back", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { id } = await refunded(given);
      world.stripe.failRefund(world.stripe.refunds[0]);
      await look(given);
      expect(await gateway.told(id)).to.include({ state: "owed", refunded: "0" });
    }));

  it("is owed again, without any webhook, when a dispute that was lost is won after all", () =>
    withGateway({ openDelay: 3_600 }, async (given) => {
      const { world, gateway } = given;
      const { id, session } = await paid(given);
      for (const status of ["needs_response", "lost"]) {
        world.stripe.dispute(session, status);
        await look(given);
      }
      world.ahead += 3_600n;
      await advance(given, 2);
      expect(await gateway.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
      expect(world.stripe.refunds).to.deep.equal([]);
      world.stripe.dispute(session, "won");
      await look(given);
      world.ahead += 60n;
      await advance(given, 1);
      expect((await gateway.told(id)).state).to.equal("refunded");
      expect(world.stripe.refunds.map(({ amount }) => amount)).to.deep.equal([PRICE]);
    }));

  it("is open to dispute while one of its disputes is, and lost by all that were lost", () =>
    withGateway({ openDelay: 3_600 }, async (given) => {
      const { world, gateway } = given;
      const { id, session } = await paid(given);
      await advance(given, 1);
      world.stripe.dispute(session, "needs_response");
      const [first] = world.stripe.disputes;
      world.stripe.disputes.push({ ...first, id: "dp_second", amount: 45, status: "won" });
      await look(given);
      expect((await gateway.sessions.byId(id))?.dispute).to.equal("open");
      Object.assign(first, { status: "lost", amount: 300 });
      world.stripe.disputes.push({ ...first, id: "dp_third", amount: 200 });
      await look(given);
      const { dispute, disputed } = (await gateway.sessions.byId(id))!;
      expect([dispute, disputed]).to.deep.equal(["lost", 500n]);
    }));

  it("is looked for while another one cannot be looked at, which is asked for once in each interval", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      await gateway.checkout();
      const { session } = await paid(given);
      await advance(given, 2);
      const call = "GET /v1/checkout/sessions/:id";
      const isAsked = () => world.stripe.calls.filter((each) => each === call).length;
      const [lost] = world.stripe.sessions.keys();
      world.stripe.sessions.delete(lost);
      world.stripe.dispute(session, "needs_response");
      const before = isAsked();
      await look(given);
      await advance(given, 2);
      expect(gateway.parts.disputes.state).to.equal("waiting");
      expect(isAsked() - before).to.equal(1);
    }));
});
