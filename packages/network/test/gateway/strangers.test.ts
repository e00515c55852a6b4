import { gatewayConfig, readConfig, reportOf } from "@turingfog/network";
import { expect } from "chai";

import { advance, type Given, paid, post, UNIT_PRICE, withGateway } from "../helpers/gatewayWorld";

/** The most refunds that are looked at again in one look. */
const RECHECKED = 20;

/** Brings a webhook about something of the account, which is nothing of the gateway. */
async function tell({ world, gateway }: Given, id: string, type: string, object: object): Promise<void> {
  const body = JSON.stringify({ object: "event", id, type, data: { object } });
  expect(await post(`${gateway.url}/v1/stripe`, body, world.stripe.sign(body))).to.equal(200);
}

describe("What an account at Stripe has beside a gateway's sessions", () => {
  it("is asked for by no webhook of it", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      await tell(given, "evt_1", "charge.dispute.created", { object: "dispute", payment_intent: "pi_other" });
      await tell(given, "evt_2", "checkout.session.completed", { object: "checkout.session", id: "cs_other" });
      await gateway.advance();
      expect(gateway.parts.stripe.state).to.equal("ok");
      expect(world.stripe.calls.filter((call) => call.includes(":id"))).to.deep.equal([]);
      // one look at all disputes, and none at those of the payment
      expect(world.stripe.calls.filter((call) => call === "GET /v1/disputes")).to.have.length(1);
    }));

  it("is no difference in the report", () =>
    withGateway({}, async (given) => {
      const { world, config } = given;
      const { session } = await paid(given);
      const [known] = world.stripe.sessions.values();
      const other = { ...known, id: "cs_other", payment_intent: "pi_other", client_reference_id: "shop-1" };
      world.stripe.sessions.set(other.id, other);
      await advance(given, 1);
      const { lines, differences } = await reportOf(await readConfig(config, gatewayConfig));
      expect([lines.map((line) => line.session), differences]).to.deep.equal([[session], 0]);
    }));
});

describe("The refunds of a gateway", () => {
  it("are looked at again a few at a time, those first that were looked at longest ago", () =>
    withGateway({ dailySpending: "5000" }, async (given) => {
      const { world, gateway } = given;
      // each as one that was refunded whole
      const { id } = await paid(given);
      await world.price(UNIT_PRICE + 1n);
      await advance(given, 2);
      const row = (await gateway.sessions.byId(id))!;
      expect(row.state).to.equal("refunded");
      for (let i = 0; i < RECHECKED + 5; ++i) {
        await gateway.sessions.create({
          ...row,
          id: `other${i}`,
          session: `cs_${i}`,
          due: 0n,
          payment_intent: `pi_${i}`,
        });
      }
      const looked: number[] = [];
      for (let i = 0; i < 2; ++i) {
        world.stripe.calls.splice(0);
        world.ahead += 60n;
        await gateway.advance();
        looked.push(world.stripe.calls.filter((call) => call === "GET /v1/refunds").length);
      }
      expect(looked).to.deep.equal([RECHECKED, RECHECKED]);
    }));
});
