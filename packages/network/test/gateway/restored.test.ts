import { expect } from "chai";

import { advance, paid, withGateway } from "../helpers/gatewayWorld";

describe("A payment in a restored store", () => {
  it("is not refunded whole for being late if its order is on the chain, of which a store of before knows nothing", () =>
    withGateway({ openWithin: 600 }, async (given) => {
      const { world, gateway } = given;
      const { id } = await paid(given);
      await advance(given, 4);
      const row = (await gateway.sessions.byId(id))!;
      expect(await world.openings()).to.have.length(1);
      await gateway.sessions.change("order", row, { state: "paid", approved_at: null, order_id: null });
      world.ahead += 700n;
      await advance(given, 2);
      expect((await gateway.told(id)).state).to.be.oneOf(["opened", "delivered"]);
      expect(world.stripe.refunds).to.deep.equal([]);
    }));
});
