import { expect } from "chai";

import { advance, type Given, paid, UNIT_PRICE, withGateway } from "../helpers/gatewayWorld";
import type { StripeFault } from "../helpers/stripeStandIn";

/** 10 USDC at 0.9 and 5 %, in cents. */
const PRICE = 945;

/** Has a payment refunded of which the first calls fail. @returns the session, and the keys of all calls */
async function failing(given: Given, fault: StripeFault, times: number) {
  const { world } = given;
  const { id } = await paid(given);
  await world.price(UNIT_PRICE + 1n);
  const keys: string[] = [];
  world.stripe.fault = (call, key) => {
    if (call !== "POST /v1/refunds") return undefined;
    keys.push(key);
    return keys.length <= times ? fault : undefined;
  };
  await given.gateway.advance();
  return { id, keys };
}

describe("A refund that Stripe refuses", () => {
  it("is asked for anew under another key, also by a gateway that starts again, as the refusal is kept for a day", () =>
    withGateway({}, async (given) => {
      const { world, gateway, config } = given;
      const { id, keys } = await failing(given, "deny", 2);
      expect((await gateway.told(id)).state).to.equal("owed");
      expect(gateway.parts.refunds.reason).to.match(
        /^Stripe refuses a refund: The stand-in answers balance_insufficient/,
      );
      expect((await gateway.sessions.byId(id))?.refusals).to.equal(1n);
      await gateway.closeStore();
      const later = await world.gateway(config);
      try {
        await later.advance();
        world.ahead += 60n;
        await later.advance();
        expect(await later.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
        expect(new Set(keys).size).to.equal(keys.length).and.to.equal(3);
        expect(world.stripe.refunds.map(({ amount }) => amount)).to.deep.equal([PRICE]);
      } finally {
        await later.close();
      }
    }));

  const unknown: [string, StripeFault][] = [
    ["an answer did not come", "lose"],
    ["Stripe could not be reached", "break"],
    ["Stripe failed", "refuse"],
    ["there were too many calls", "limit"],
  ];
  for (const [what, fault] of unknown) {
    it(`keeps its key when ${what}, as it may have been made`, () =>
      withGateway({}, async (given) => {
        const { world, gateway } = given;
        // the library calls three times
        const { id, keys } = await failing(given, fault, 3);
        expect((await gateway.sessions.byId(id))?.refusals).to.equal(0n);
        for (const seconds of [60n, 60n, 86_400n]) {
          world.ahead += seconds;
          await advance(given, 1);
        }
        expect(await gateway.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
        expect(new Set(keys).size).to.equal(1);
        expect(world.stripe.refunds.map(({ amount }) => amount)).to.deep.equal([PRICE]);
      }));
  }
});
