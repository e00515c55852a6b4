import {
  addChallengeRoutes,
  CHALLENGE_MIGRATIONS,
  ChallengeBoard,
  type ChallengeTables,
  Draws,
  openServer,
  Product,
  type RefusedError,
} from "@turingfog/network";
import { DAY } from "@turingfog/sdk";
import { CHALLENGE_ANSWER, HEARTBEAT, HEARTBEAT_HEADER } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id } from "ethers";
import { Registry } from "prom-client";

import { LOG, StoppedClock } from "../../helpers/intake";
import { Meter, METER_DOMAIN, World } from "../../helpers/meters";
import { Stores } from "../../helpers/stores";

const SIGNER = `0x${"51".repeat(20)}`;
const SLOT = 60n;

/** A board that challenges one node in every slot. */
async function withBoard(
  test: (world: {
    board: ChallengeBoard;
    meter: Meter;
    clock: StoppedClock;
    world: World;
    /** Nodes whose keys were asked for. */
    asked: bigint[];
    beat: (nodeId?: bigint) => ReturnType<typeof HEARTBEAT.sign>;
  }) => Promise<void>,
): Promise<void> {
  const stores = new Stores();
  try {
    const { db } = await stores.openNew<ChallengeTables>(CHALLENGE_MIGRATIONS);
    const meter = await Meter.of(1);
    const world = new World([meter]);
    const clock = new StoppedClock();
    const asked: bigint[] = [];
    const board = new ChallengeBoard({
      signer: SIGNER,
      db,
      draws: new Draws(Buffer.alloc(32, 1)),
      terms: { perTU: 10n ** 6n, work: 1n, grace: 10n },
      slot: SLOT,
      oneIn: 1n,
      patience: 300n,
      interval: 3_600n,
      chain: {
        blockTime: () => clock.time,
        block: () => ({ hash: id("block") }),
        order: (orderId) => world.order(orderId),
        node: (nodeId) => world.node(nodeId),
        openOrdersOf: (nodeId) => world.openOrdersOf(nodeId),
      },
      heads: async () => [{ orderId: meter.orderId, nodeId: meter.nodeId, measuredAt: clock.time }],
      isMeterKey: async (nodeId, key) => {
        asked.push(nodeId);
        return key === meter.key;
      },
      domain: METER_DOMAIN,
      clock,
      log: LOG,
      metrics: new Registry(),
    });
    const beat = (nodeId = meter.nodeId) =>
      HEARTBEAT.sign(meter.wallet, METER_DOMAIN, { nodeId, receiver: SIGNER, sentAt: clock.time });
    await board.advance();
    clock.time += SLOT;
    await board.advance();
    await test({ board, meter, clock, world, asked, beat });
  } finally {
    await stores.close();
  }
}

const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "taken",
    (error: RefusedError) => error.error,
  );

describe("ChallengeBoard, asked by strangers", () => {
  it("refuses a node that the chain does not have before it asks for its keys", () =>
    withBoard(async ({ board, beat, asked }) => {
      expect(await refusal(board.open(await beat(2n)))).to.equal("unknown-node");
      expect(asked).to.deep.equal([]);
    }));

  it("checks a proof once at a time", () =>
    withBoard(async ({ board, beat, meter }) => {
      const [challenge] = await board.open(await beat());
      const product = Product.of(challenge);
      const given = { challenge: challenge.id, root: product.root };
      const { rows } = await board.answer(await CHALLENGE_ANSWER.sign(meter.wallet, METER_DOMAIN, given));
      const proof = { challenge: challenge.id, paths: product.paths(rows) };
      const answers = await Promise.all([1, 2, 3].map(() => refusal(board.prove(proof))));
      expect(answers).to.deep.equal(["taken", "busy", "busy"]);
      expect((await board.results()).get(meter.nodeId)?.map(({ passed }) => passed)).to.deep.equal([true]);
    }));

  it("forgets what became of challenges once no order of their time is open", () =>
    withBoard(async ({ board, meter, clock, world }) => {
      clock.time += 400n;
      await board.advance();
      expect((await board.results()).get(meter.nodeId)).to.have.lengthOf(1);
      clock.time += 2n * DAY;
      await board.advance();
      expect((await board.results()).get(meter.nodeId)?.length).to.be.above(0);
      world.orders.set(meter.orderId, meter.order({ closed: true }));
      clock.time += 2n * DAY;
      await board.advance();
      clock.time += SLOT;
      await board.advance();
      expect((await board.results()).get(meter.nodeId) ?? []).to.have.lengthOf(0);
    }));

  it("hears an address no more of which too much was refused", () =>
    withBoard(async ({ board, beat }) => {
      const server = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG }, (on) =>
        addChallengeRoutes(on, board, { burst: 2, perSecond: 0 }),
      );
      const { port } = server.server.address() as { port: number };
      const ask = async (text: string) => {
        const headers = { [HEARTBEAT_HEADER]: text };
        return (await fetch(`http://127.0.0.1:${port}/v1/challenges?node=1`, { headers })).status;
      };
      try {
        const right = HEARTBEAT.encode(await beat());
        const wrong = HEARTBEAT.encode({ ...(await beat()), receiver: `0x${"52".repeat(20)}` });
        expect(await ask(right)).to.equal(200);
        expect([await ask(wrong), await ask(wrong), await ask(right)]).to.deep.equal([400, 400, 429]);
      } finally {
        await server.close();
      }
    }));
});
