import { expect } from "chai";
import pino from "pino";

import { paid, withGateway } from "../helpers/gatewayWorld";

describe("The acceptance of a quote", () => {
  it("is refused when the payer spent what the quote was made for", () =>
    withGateway({}, async ({ world, gateway, payer }) => {
      const { body } = await gateway.quote();
      await world.empty(payer);
      expect((await gateway.accept(body.id)).body).to.include({ error: "out-of-funds" });
      expect(world.stripe.sessions.size).to.equal(0);
      expect((await gateway.told(body.id)).state).to.equal("quoted");
    }));

  it("is taken once of several at once, where the payer has funds for one", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      // 990 of 1000 are promised, and each of the others needs 10
      await paid(given, { tu: "49.5" });
      const quotes = [await gateway.quote(), await gateway.quote(), await gateway.quote()];
      const answers = await Promise.all(quotes.map(({ body }) => gateway.accept(body.id)));
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 503, 503]);
      expect(world.stripe.sessions.size).to.equal(2);
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
