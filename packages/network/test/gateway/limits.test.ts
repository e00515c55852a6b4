import { expect } from "chai";
import pino from "pino";

import { advance, paid, withGateway } from "../helpers/gatewayWorld";

describe("The acceptance of a quote", () => {
  it("is refused when the payer spent what the quote was made for", () =>
    withGateway({}, async ({ world, gateway, payer }) => {
      const { body } = await gateway.quote();
      await world.empty(payer);
      expect((await gateway.accept(body.id)).body).to.include({ error: "out-of-funds" });
      expect(world.stripe.sessions.size).to.equal(0);
      expect((await gateway.told(body.id)).state).to.equal("quoted");
    }));

  it("is refused while what was paid for needs what the payer has", () =>
    withGateway({ openDelay: 3_600 }, async (given) => {
      const { gateway } = given;
      const { body } = await gateway.quote({ tu: "0.6" });
      // 990 of 1000 are promised
      await paid(given, { tu: "49.5" });
      await advance(given, 1);
      expect((await gateway.accept(body.id)).body).to.include({ error: "out-of-funds" });
      expect((await gateway.quote({ tu: "0.6" })).body).to.include({ error: "out-of-funds" });
      expect((await gateway.quote({ tu: "0.5" })).status).to.equal(201);
    }));

  it("reserves nothing until it is paid, and what the payer has too little for then is refunded in full", () =>
    withGateway({ dailySpending: "5000", openWithin: 600 }, async (given) => {
      const { world, gateway } = given;
      // each needs 990 of 1000
      const all: Awaited<ReturnType<typeof gateway.checkout>>[] = [];
      for (let i = 0; i < 3; ++i) all.push(await gateway.checkout({ tu: "49.5" }));
      const states = async () => (await Promise.all(all.map(({ id }) => gateway.told(id)))).map(({ state }) => state);
      for (const { session } of all.slice(1)) world.stripe.pay(session);
      await world.deliver(gateway.url);
      await advance(given, 3);
      expect(await states()).to.have.members(["checkout", "delivered", "approved"]);
      expect(gateway.parts.orders.state).to.equal("waiting");
      world.ahead += 700n;
      await advance(given, 2);
      expect(await states()).to.have.members(["checkout", "delivered", "refunded"]);
      expect(world.stripe.refunds.map(({ amount }) => amount)).to.deep.equal([93_555]);
    }));

  it("logs why Stripe opened no checkout session, of which its customer hears nothing", () =>
    withGateway({}, async ({ world, config }) => {
      const lines: string[] = [];
      const gateway = await world.gateway(config, pino({}, { write: (line) => lines.push(line) }));
      try {
        const { body } = await gateway.quote();
        world.stripe.fault = () => "refuse";
        const answer = await gateway.accept(body.id);
        expect(answer).to.deep.include({ status: 502 });
        expect(JSON.stringify(answer)).not.to.include("api_error");
        expect(lines.join("")).to.include("The stand-in answers api_error");
      } finally {
        await gateway.close();
      }
    }));
});
