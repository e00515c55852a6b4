import { expect } from "chai";

import { type Given, post, withGateway } from "../helpers/gatewayWorld";

/** Seconds that a webhook may be old. */
const TOLERANCE = 300;

describe("A webhook of Stripe", () => {
  /** Has a customer pay, and returns the webhook of that. */
  async function webhookOf({ world, gateway }: Given) {
    const { session } = await gateway.checkout();
    world.stripe.pay(session);
    const [event] = world.stripe.pending.splice(0);
    return event;
  }

  const refused: [string, (given: Given, body: string, header: string) => [body: string, header?: string]][] = [
    ["was tampered with", (_, body, header) => [body.replace("945", "1"), header]],
    ["was serialised anew", (_, body, header) => [JSON.stringify(JSON.parse(body)), header]],
    ["has no signature", (_, body) => [body]],
    ["has another's signature", ({ world }, body) => [body, world.stripe.sign(body).replace(/v1=..../, "v1=0000")]],
    [
      "is too old",
      ({ world }, body) => [body, world.stripe.sign(body, Math.floor(Date.now() / 1_000) - TOLERANCE - 1)],
    ],
    ["is empty", ({ world }) => ["", world.stripe.sign("")]],
  ];
  for (const [what, changed] of refused) {
    it(`is refused by name, and leaves nothing, if it ${what}`, () =>
      withGateway({}, async (given) => {
        const { gateway } = given;
        const { body, header } = await webhookOf(given);
        const [sent, signature] = changed(given, body, header);
        const headers = { "content-type": "application/json", ...(signature && { "stripe-signature": signature }) };
        const answer = await fetch(`${gateway.url}/v1/stripe`, { method: "POST", body: sent, headers });
        expect([answer.status, ((await answer.json()) as { error: string }).error]).to.deep.equal([400, "bad-webhook"]);
        expect(await gateway.sessions.waiting()).to.deep.equal([]);
      }));
  }

  it("is taken as it was signed, up to the tolerance, once", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { body } = await webhookOf(given);
      const header = world.stripe.sign(body, Math.floor(Date.now() / 1_000) - TOLERANCE + 30);
      for (let i = 0; i < 2; ++i) expect(await post(`${gateway.url}/v1/stripe`, body, header)).to.equal(200);
      expect((await gateway.sessions.waiting()).map(({ type }) => type)).to.deep.equal(["checkout.session.completed"]);
    }));

  it("is not said to be taken when it could not be stored, so that Stripe sends it again", () =>
    withGateway({}, async (given) => {
      const { gateway } = given;
      const { body, header } = await webhookOf(given);
      await gateway.closeStore();
      expect(await post(`${gateway.url}/v1/stripe`, body, header)).to.equal(500);
    }));

  it("about nothing of a gateway is taken, and changes nothing", () =>
    withGateway({}, async ({ world, gateway }) => {
      const bodies = [
        { id: "evt_1", type: "customer.created", data: { object: { object: "customer", id: "cus_1" } } },
        { id: "evt_2", type: "charge.refunded", data: { object: { object: "charge", payment_intent: "pi_other" } } },
        {
          id: "evt_3",
          type: "checkout.session.completed",
          data: { object: { object: "checkout.session", id: "cs_other" } },
        },
      ].map((event) => JSON.stringify({ object: "event", ...event }));
      for (const body of bodies) {
        expect(await post(`${gateway.url}/v1/stripe`, body, world.stripe.sign(body))).to.equal(200);
      }
      await gateway.advance();
      expect(gateway.parts.stripe.state).to.equal("ok");
      expect(await gateway.sessions.waiting()).to.deep.equal([]);
    }));
});
