import { gatewayConfig, readConfig, reportOf } from "@turingfog/network";
import { expect } from "chai";

import { advance, paid, UNIT_PRICE, withGateway } from "../helpers/gatewayWorld";

describe("A gateway's report", () => {
  it("compares the store, Stripe and the chain, and finds nothing when all is as it should be", () =>
    withGateway({}, async (given) => {
      const { world, config, gateway } = given;
      await paid(given);
      await advance(given, 4);
      const [{ orderId }] = await world.openings();
      await world.passGrace(orderId);
      await advance(given, 3);
      await world.price(UNIT_PRICE * 2n);
      await gateway.checkout();
      await paid(given);
      await world.price(UNIT_PRICE * 3n);
      await advance(given, 2);
      const report = await reportOf(await readConfig(config, gatewayConfig));
      expect(report.lines.map(({ state }) => state)).to.have.members(["refunded", "checkout", "refunded"]);
      expect(report.totals.eur).to.deep.equal({ sessions: 3, paid: 945n + 1_890n, refunded: 895n + 1_890n, fees: 60n });
      expect([report.orders, report.deposit, report.paidBack]).to.deep.equal([1, UNIT_PRICE / 2n, UNIT_PRICE / 2n]);
      expect(report.lines.flatMap(({ differences }) => differences)).to.deep.equal([]);
    }));

  it("names a payment that the store does not have, and refunds that are not what was due", () =>
    withGateway({}, async (given) => {
      const { world, config } = given;
      const { session } = await paid(given);
      await world.price(UNIT_PRICE + 1n);
      await advance(given, 2);
      // sent back later, of which no webhook comes
      world.stripe.refunds[0].status = "failed";
      const [known] = world.stripe.sessions.values();
      world.stripe.sessions.set("cs_lost", { ...known, id: "cs_lost", payment_intent: "pi_lost" });
      const { lines, differences } = await reportOf(await readConfig(config, gatewayConfig));
      expect(lines.map((line) => [line.session, ...line.differences])).to.deep.equal([
        [session, "945 were due back, 0 went back"],
        ["cs_lost", "paid at Stripe, and not in the store"],
      ]);
      expect(differences).to.equal(2);
    }));
  it("adds up payments in the currency in which they were paid, and fees in that of the account", () =>
    withGateway({}, async (given) => {
      const { world, config, gateway } = given;
      world.stripe.settlesIn = "usd";
      const { session } = await gateway.checkout();
      world.stripe.pay(session, { currency: "jpy" });
      await world.deliver(gateway.url);
      await paid(given);
      await advance(given, 2);
      const { totals, lines } = await reportOf(await readConfig(config, gatewayConfig));
      expect(totals).to.deep.equal({
        jpy: { sessions: 1, paid: 945n, refunded: 945n, fees: 0n },
        eur: { sessions: 1, paid: 945n, refunded: 0n, fees: 0n },
        usd: { sessions: 0, paid: 0n, refunded: 0n, fees: 60n },
      });
      const shown = lines.map(({ currency, paidCurrency, feeCurrency }) => [currency, paidCurrency, feeCurrency]);
      expect(shown).to.have.deep.members([
        ["eur", "jpy", "usd"],
        ["eur", "eur", "usd"],
      ]);
    }));

  it("names what is still due back to a card", () =>
    withGateway({}, async (given) => {
      const { world, config } = given;
      const { session } = await paid(given);
      await world.price(UNIT_PRICE + 1n);
      world.stripe.fault = (call) => (call === "POST /v1/refunds" ? "refuse" : undefined);
      await advance(given, 2);
      const { lines } = await reportOf(await readConfig(config, gatewayConfig));
      expect(lines.map((line) => [line.session, line.state, ...line.differences])).to.deep.equal([
        [session, "owed", "945 were due back, 0 went back"],
      ]);
    }));
});
