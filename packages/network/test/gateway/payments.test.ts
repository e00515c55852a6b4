import { expect } from "chai";

import { advance, paid, UNIT_PRICE, withGateway } from "../helpers/gatewayWorld";

/** 10 USDC at 0.9 and 5 %, in cents. */
const PRICE = 945;

describe("A card payment", () => {
  it("in another currency than the quote's opens no order, and is refunded as it was paid", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { id, session } = await gateway.checkout();
      world.stripe.pay(session, { currency: "jpy" });
      await world.deliver(gateway.url);
      await advance(given, 2);
      const { state, reason, refunded } = await gateway.told(id);
      expect([state, reason, refunded]).to.deep.equal(["refunded", "paid in jpy, quoted in eur", String(PRICE)]);
      const html = await (await fetch(`${gateway.url}/pay/${id}`)).text();
      expect(html).to.include("<dt>Price</dt><dd>9.45 EUR</dd>").and.include("<dt>Refund</dt><dd>945 JPY</dd>");
      expect(await world.openings()).to.deep.equal([]);
    }));

  it("of another amount than the quote's opens no order, and is refunded as it was paid", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { id, session } = await gateway.checkout();
      world.stripe.pay(session, { amount: 1 });
      await world.deliver(gateway.url);
      await advance(given, 2);
      const { state, reason, refunded } = await gateway.told(id);
      expect([state, reason, refunded]).to.deep.equal(["refunded", "0.01 EUR was paid, 9.45 EUR quoted", "1"]);
      expect(await world.openings()).to.deep.equal([]);
    }));

  it("counts by the stored quote, whatever its metadata and its webhook say", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const cheap = await gateway.checkout();
      const dear = await gateway.checkout({ tu: "5" });
      const session = world.stripe.sessions.get(cheap.session)!;
      session.metadata = { quote: dear.id, price: "1", currency: "jpy", tu: "5" };
      session.client_reference_id = `turingfog-${dear.id}`;
      world.stripe.pay(cheap.session);
      const [event] = world.stripe.pending.splice(0);
      const body = event.body.replace(/"amount_total": \d+/, '"amount_total": 9450');
      expect(body).not.to.equal(event.body);
      await world.deliver(gateway.url, [{ ...event, body, header: world.stripe.sign(body) }]);
      await advance(given, 4);
      expect((await gateway.told(cheap.id)).state).to.equal("delivered");
      expect((await gateway.told(dear.id)).state).to.equal("checkout");
      expect((await world.openings()).map(({ deposit }) => deposit)).to.deep.equal([UNIT_PRICE / 2n]);
    }));

  it("counts once, however often and in which order its webhooks come", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { id } = await paid(given);
      const again = [...world.stripe.pending];
      const [first] = world.stripe.sessions.keys();
      await advance(given, 4);
      world.stripe.tell("checkout.session.expired", world.stripe.sessionAt(first));
      world.stripe.tell("checkout.session.completed", world.stripe.sessionAt(first));
      const events = [...again, ...world.stripe.pending.splice(0)].reverse();
      expect(await world.deliver(gateway.url, [...events, ...events])).to.deep.equal([200, 200, 200, 200]);
      await advance(given, 4);
      expect((await gateway.told(id)).state).to.equal("delivered");
      expect(await world.openings()).to.have.length(1);
    }));

  it("is seen without any webhook, at the next look", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { id, session } = await gateway.checkout();
      await gateway.advance();
      world.stripe.pay(session);
      await gateway.advance();
      expect((await gateway.told(id)).state).to.equal("checkout");
      world.ahead += 30n;
      await advance(given, 4);
      expect((await gateway.told(id)).state).to.equal("delivered");
    }));

  it("is looked for among so many unpaid ones at once, the longest unseen first, after disputes", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { id, session } = await gateway.checkout();
      const row = (await gateway.sessions.byId(id))!;
      for (let i = 10; i < 54; ++i) {
        const other = `cs_unpaid${i}`;
        world.stripe.sessions.set(other, { ...world.stripe.sessions.get(session)!, id: other });
        await gateway.sessions.create({ ...row, id: `unpaid${i}`, session: other });
      }
      const asked = async () => {
        world.stripe.calls.splice(0);
        // two looks
        await gateway.advance();
        return world.stripe.calls.filter((call) => call === "GET /v1/checkout/sessions/:id").length;
      };
      expect(await asked()).to.equal(40);
      expect(world.stripe.calls[0]).to.equal("GET /v1/disputes");
      expect([await asked(), await asked()]).to.deep.equal([5, 0]);
    }));

  it("is asked for cards alone, in the quote's currency alone, and for 3-D Secure", () =>
    withGateway({}, async ({ world, gateway }) => {
      const { session } = await gateway.checkout();
      expect(world.stripe.sessions.get(session)!.asked).to.include({
        "allowed_payment_method_types[0]": "card",
        "adaptive_pricing[enabled]": "false",
        "payment_method_options[card][request_three_d_secure]": "any",
        "line_items[0][price_data][unit_amount]": String(PRICE),
        "line_items[0][price_data][currency]": "eur",
      });
    }));

  it("can be made for no quote that has expired, and ends what was not paid in time", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { body: late } = await gateway.quote();
      const { id, session } = await gateway.checkout();
      world.ahead += 901n;
      expect((await gateway.accept(late.id)).status).to.equal(410);
      world.stripe.expire(session);
      await world.deliver(gateway.url);
      await advance(given, 1);
      expect((await gateway.told(id)).state).to.equal("expired");
      expect(world.stripe.ledger).to.deep.equal([]);
    }));

  it("has one checkout session, if the quote is accepted twice at once, and if Stripe's answer was lost", () =>
    withGateway({}, async ({ world, gateway }) => {
      const { body: quote } = await gateway.quote();
      const both = await Promise.all([gateway.accept(quote.id), gateway.accept(quote.id)]);
      expect(new Set(both.map(({ body }) => body.checkout)).size).to.equal(1);
      const { body: other } = await gateway.quote();
      let left = 3;
      world.stripe.fault = () => (left-- > 0 ? "lose" : undefined);
      expect((await gateway.accept(other.id)).status).to.equal(502);
      const { body } = await gateway.accept(other.id);
      const ours = [...world.stripe.sessions.values()].filter((each) => each.client_reference_id?.endsWith(other.id));
      expect(ours.map(({ url }) => url)).to.deep.equal([body.checkout]);
    }));

  it("is refunded once, though Stripe's answer was lost and it has forgotten the idempotency key", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { id } = await paid(given);
      await world.price(UNIT_PRICE + 1n);
      world.stripe.fault = (call) => (call === "POST /v1/refunds" ? "lose" : undefined);
      await gateway.advance();
      expect((await gateway.told(id)).state).to.equal("owed");
      expect(gateway.parts.refunds.state).to.equal("waiting");
      world.stripe.fault = () => undefined;
      world.stripe.forgetKeys();
      world.ahead += 60n;
      await gateway.advance();
      expect((await gateway.told(id)).state).to.equal("refunded");
      expect(world.stripe.refunds.map(({ amount }) => amount)).to.deep.equal([PRICE]);
    }));

  it("of which somebody has refunded a part in the dashboard opens no order, and the rest of it is refunded", () =>
    withGateway({ openDelay: 3_600 }, async (given) => {
      const { world, gateway } = given;
      const { id, session } = await paid(given);
      await gateway.advance();
      world.stripe.refundBy(session, 45);
      world.ahead += 3_700n;
      await advance(given, 2);
      expect(await world.openings()).to.deep.equal([]);
      expect(await gateway.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
      expect(world.stripe.refunds.map(({ amount }) => amount)).to.deep.equal([45, PRICE - 45]);
    }));

  it("of which a refund was tried in the dashboard, and not taken by the bank, opens no order", () =>
    withGateway({ openDelay: 3_600 }, async (given) => {
      const { world, gateway } = given;
      const { id, session } = await paid(given);
      await gateway.advance();
      world.stripe.refundBy(session, 45);
      world.stripe.failRefund(world.stripe.refunds[0]);
      world.ahead += 3_700n;
      await advance(given, 2);
      expect(await world.openings()).to.deep.equal([]);
      expect((await gateway.told(id)).state).to.equal("owed");
      expect(gateway.parts.refunds.reason).to.match(/^The bank did not take a refund/);
    }));

  it("is owed again when the bank sends a refund back, and not refunded a second time by itself", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { id } = await paid(given);
      await world.price(UNIT_PRICE + 1n);
      await advance(given, 2);
      world.stripe.failRefund(world.stripe.refunds[0]);
      await world.deliver(gateway.url);
      await advance(given, 2);
      expect((await gateway.told(id)).state).to.equal("owed");
      expect(gateway.parts.refunds.reason).to.match(
        /^The bank did not take a refund of pi_\w+, of which 9.45 EUR are missing/,
      );
      expect(world.stripe.refunds).to.have.length(1);
      world.stripe.refundBy([...world.stripe.sessions.keys()][0], PRICE);
      world.ahead += 60n;
      await gateway.advance();
      expect((await gateway.told(id)).state).to.equal("refunded");
    }));
});
