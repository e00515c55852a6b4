import { expect } from "chai";
import pino from "pino";

import { withGateway } from "../helpers/gatewayWorld";

describe("The acceptance of a quote", () => {
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
