import { setTimeout as sleep } from "node:timers/promises";

import { RootStatus } from "@turingfog/sdk";

import { id } from "ethers";

import { submitReceipts } from "../../../test/helpers/market";
import type { Act } from "./act";

/** Milliseconds of a freeze: more than an interval. */
const FROZEN = 14_000;

/** A root of work that nobody did, with signatures of a quorum whose keys were stolen: the guardian's watch vetoes it. */
export const stolenQuorum: Act = {
  name: "a false root of a stolen quorum",
  line: "guardian",
  async play({ world, renter, thief }) {
    const { contracts } = world.protocol;
    const { orderId, nodeId } = await world.until("An order", async () => renter.rented.at(0));
    const { tuAmount } = await contracts.escrow.order(orderId);
    const receipt = { orderId, nodeId, cumulativeTU: 2n * tuAmount, measuredAt: world.seconds };
    await thief.publish([{ ...receipt, meterLogHash: id("meter log") }]);
    const { root } = await world.chain.alone(() => submitReceipts(world.protocol, [receipt]));
    await world.until(`A veto of root ${root}`, async () => {
      const [status] = await contracts.oracle.status(root);
      return Number(status) === Number(RootStatus.Vetoed) || undefined;
    });
    return "the watch vetoed it within its window";
  },
};

/** Everything is frozen for more than an interval. */
export const freeze: Act = {
  name: "a freeze",
  line: "guardian",
  async play({ world }) {
    const { contracts, actors } = world.protocol;
    const oracle = contracts.oracle.connect(actors.guardian);
    await world.chain.alone(() => oracle.freeze());
    const before = await world.rootCount();
    await sleep(FROZEN);
    const during = (await world.rootCount()) - before;
    await world.chain.alone(() => oracle.thaw());
    if (during > 0) throw new Error(`${during} roots were submitted while everything was frozen`);
    await world.moreRoots();
    return "no root was submitted meanwhile, and the next one after it";
  },
};
