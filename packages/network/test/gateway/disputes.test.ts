import { time } from "@nomicfoundation/hardhat-network-helpers";
import { HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";
import type { Contract } from "ethers";

import { advance, type Given, paid, withGateway } from "../helpers/gatewayWorld";

const PRICE = 945;
const FEE = 50;

/** Has a cardholder dispute, or the bank decide, and the gateway hear of it. */
async function disputed(given: Given, session: string, status: string): Promise<void> {
  given.world.stripe.dispute(session, status);
  await given.world.deliver(given.gateway.url);
  await advance(given, 2);
}

/** Has the order's grace pass, and the gateway close it. */
async function closed(given: Given): Promise<void> {
  const [{ orderId }] = await given.world.openings();
  await given.world.passGrace(orderId);
  given.world.ahead += 60n;
  await advance(given, 3);
}

describe("A disputed payment", () => {
  it("opens no order, refunds nothing while the bank decides, and nothing more when it gives all back", () =>
    withGateway({ openDelay: 3_600 }, async (given) => {
      const { world, gateway } = given;
      const { id, session } = await paid(given);
      await advance(given, 1);
      await disputed(given, session, "needs_response");
      world.ahead += 3_700n;
      await advance(given, 2);
      expect((await gateway.told(id)).state).to.equal("paid");
      expect(gateway.parts.disputes.reason).to.match(/^1 payments are disputed/);
      await disputed(given, session, "lost");
      expect(await gateway.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
      expect(world.stripe.refunds).to.deep.equal([]);
      expect(await world.openings()).to.deep.equal([]);
    }));

  it("is refunded in full if the bank decides for the gateway and there is no order", () =>
    withGateway({ openDelay: 3_600 }, async (given) => {
      const { world, gateway } = given;
      const { id, session } = await paid(given);
      await advance(given, 1);
      await disputed(given, session, "under_review");
      await disputed(given, session, "won");
      expect(await gateway.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
      expect(await world.openings()).to.deep.equal([]);
    }));

  it("ends its order at once, and has no rest when the bank gives all back", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { escrow } = world.fixture.protocol.contracts;
      world.node.isAtWork = true;
      const { id, session } = await paid(given);
      await advance(given, 4);
      await disputed(given, session, "needs_response");
      const [{ orderId }] = await world.openings();
      expect((await escrow.order(orderId)).endsAt).to.be.at.most(BigInt(await time.latest()));
      // no result is taken for what is disputed
      world.node.isAtWork = false;
      await advance(given, 2);
      await closed(given);
      expect((await gateway.told(id)).state).to.equal("owed");
      expect(world.stripe.refunds).to.deep.equal([]);
      await disputed(given, session, "lost");
      expect((await gateway.told(id)).state).to.equal("refunded");
      expect(world.stripe.refunds).to.deep.equal([]);
    }));

  it("has its order's rest refunded when the bank has decided for the gateway", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { escrow } = world.fixture.protocol.contracts;
      const { id, session } = await paid(given);
      world.node.counts = () => TU / 4n;
      world.node.settle = async (each) => escrow.settleAcknowledged((await world.openings())[0].asset, [each]);
      world.node.isAtWork = true;
      await advance(given, 4);
      await time.increase(HOUR);
      world.node.isAtWork = false;
      await advance(given, 3);
      expect((await gateway.told(id)).files).not.to.deep.equal([]);
      await disputed(given, session, "warning_needs_response");
      expect((await gateway.told(id)).files).to.deep.equal([]);
      expect((await fetch(`${gateway.url}/v1/sessions/${id}/files/out/words.txt`)).status).to.equal(404);
      await closed(given);
      expect((await gateway.told(id)).state).to.equal("owed");
      await disputed(given, session, "warning_closed");
      const rest = Math.floor(PRICE / 2) - FEE;
      expect(await gateway.told(id)).to.include({ state: "refunded", refunded: String(rest) });
    }));

  it("is known though its webhook came before that of the payment, of which nothing is refunded then", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { id, session } = await gateway.checkout();
      await advance(given, 1);
      world.stripe.pay(session, { amount: 1 });
      world.stripe.dispute(session, "warning_needs_response");
      const [payment, dispute] = world.stripe.pending.splice(0);
      await world.deliver(gateway.url, [dispute]);
      await advance(given, 1);
      await world.deliver(gateway.url, [payment]);
      await advance(given, 1);
      const { state, dispute: noted } = (await gateway.sessions.byId(id))!;
      expect([state, noted]).to.deep.equal(["owed", "open"]);
      expect(world.stripe.refunds).to.deep.equal([]);
    }));

  it("is looked for before an order is approved, and before it is opened", () =>
    withGateway({ openDelay: 600, stripe: { poll: 3_600 } }, async (given) => {
      const { world, gateway, payer } = given;
      const { usdc, protocol } = world.fixture;
      const funds = (await usdc.balanceOf(payer)) as bigint;
      const first = await paid(given);
      const second = await gateway.checkout();
      await advance(given, 1);
      world.ahead += 601n;
      await world.empty(payer);
      await advance(given, 1);
      expect((await gateway.told(first.id)).state).to.equal("approved");
      world.stripe.pay(second.session);
      await world.deliver(gateway.url);
      await advance(given, 1);
      await (usdc.connect(protocol.actors.treasury) as Contract).transfer(payer, funds);
      for (const { session } of [first, second]) world.stripe.dispute(session, "needs_response");
      world.stripe.pending.splice(0);
      world.ahead += 601n;
      await advance(given, 1);
      const rows = await Promise.all([first, second].map(({ id }) => gateway.sessions.byId(id)));
      expect(rows.map((row) => [row?.state, row?.dispute])).to.deep.equal([
        ["approved", "open"],
        ["paid", "open"],
      ]);
      expect(await world.openings()).to.deep.equal([]);
    }));

  for (const [what, caseType, moved, refunds] of [
    ["blocked by Stripe is refunded in full, as nobody has given it back", "block", [], [PRICE]],
    ["resolved by Stripe out of the account is not refunded again", "resolution", [{ amount: -PRICE }], []],
    ["said to be resolved by Stripe without any money moved is refunded in full", "resolution", [], [PRICE]],
  ] as const)
    it(`${what}`, () =>
      withGateway({ openDelay: 3_600 }, async (given) => {
        const { world, gateway } = given;
        const { id, session } = await paid(given);
        await advance(given, 1);
        world.stripe.dispute(session, "prevented");
        const details = { payment_method_details: { card: { case_type: caseType } }, balance_transactions: [...moved] };
        Object.assign(world.stripe.disputes[0], details);
        await world.deliver(gateway.url);
        await advance(given, 2);
        expect(await gateway.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
        expect(world.stripe.refunds.map(({ amount }) => amount)).to.deep.equal(refunds);
      }));

  it("is seen without any webhook", () =>
    withGateway({ openDelay: 3_600 }, async (given) => {
      const { world, gateway } = given;
      const { session } = await paid(given);
      await advance(given, 1);
      world.stripe.dispute(session, "needs_response");
      world.stripe.pending.splice(0);
      world.ahead += 30n;
      await advance(given, 1);
      expect(gateway.parts.disputes.state).to.equal("waiting");
    }));
});
