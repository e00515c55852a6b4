import { expect } from "chai";

import { AgentWorld } from "./helpers/agentWorld";
import { Trickler } from "./helpers/trickler";

/** Runs a test with an agent, a signer that takes its readings, and others that answer bit by bit or not at all. */
async function withAgent(test: (world: AgentWorld) => Promise<void>): Promise<void> {
  const trickler = await Trickler.open();
  const world = await AgentWorld.open([trickler.endpoint, "http://127.0.0.1:1"]);
  try {
    await test(world);
  } finally {
    await world.close();
    await trickler.close();
  }
}

describe("turingfog node run", () => {
  it("meters one chain though it is killed and its store is an old copy, and no slow signer holds it up", () =>
    withAgent(async (world) => {
      const { intake, nodeId } = world;
      world.start("node.reading.stored");
      await world.handIn();
      const killed = world.ended();
      await world.passMinute();
      expect(await killed, "killed before the first reading was posted").to.equal(null);
      expect(await intake.log.head(world)).to.equal(undefined);

      world.forgetOthers();
      world.start("node.readings.posted");
      await world.untilPosted(1n);
      expect(await world.ended(), "killed before it knew that the reading was taken").to.equal(null);
      await world.copyStore("out");

      world.start();
      await world.measure(2n);
      await world.measure(3n);
      expect(await world.end("SIGKILL")).to.equal(null);
      await world.copyStore("back");

      world.start();
      await world.measure(4n);
      expect(await world.end("SIGTERM")).to.equal(0);
      const readings = await intake.log.after(world, 0n, 10);
      expect(readings.map(({ sequence }) => sequence)).to.deep.equal([1n, 2n, 3n, 4n]);
      expect(readings[3].cumulativeTU > readings[0].cumulativeTU, "the run went on").to.equal(true);
      expect(intake.isStopped(nodeId)).to.equal(false);
    })).timeout(180_000);
});
