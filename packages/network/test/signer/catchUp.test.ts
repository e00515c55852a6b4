import { CatchUp, HttpClient, type Intake } from "@turingfog/network";
import { DAY } from "@turingfog/sdk";
import { NODE_DOCUMENT, type Reading, READINGS, type Signed } from "@turingfog/sdk/wire";
import { expect } from "chai";

import { LOG, meters, openIntake, serveIntake } from "../helpers/intake";
import { type Meter, START, type World } from "../helpers/meters";
import { onBothEngines, Stores } from "../helpers/stores";
import { Trickler } from "../helpers/trickler";

/** A signer that was away, and one that was not, which may lie. */
async function withTwo(
  stores: Stores,
  all: Meter[],
  test: (signers: {
    late: Awaited<ReturnType<typeof openIntake>>;
    other: { intake: Intake; world: World };
    pull: () => Promise<number>;
  }) => Promise<void>,
): Promise<void> {
  const [late, other] = [await openIntake(stores, all), await openIntake(stores, all)];
  for (const { clock } of [late, other]) clock.time = START + 10n * DAY;
  const { server, url } = await serveIntake(other);
  const client = new HttpClient();
  const documents = {
    show: async (text: Uint8Array | string) => {
      const document = NODE_DOCUMENT.decode(text);
      late.world.documents.set(document.nodeId, [{ ...document, firstSeen: 0n }]);
      return true;
    },
  };
  const peer = { signer: "other", endpoint: url };
  const options = { documents, facts: late.world, peers: () => [peer], client, log: LOG, interval: 1 };
  try {
    await test({ late, other, pull: () => new CatchUp({ ...options, intake: late.intake }).pullFrom(peer) });
  } finally {
    client.close();
    await server.close();
  }
}

onBothEngines("CatchUp", (stores) => {
  it("pulls what it has missed of every node, page by page, and loses none", async () => {
    const all = await meters(3);
    await withTwo(stores(), all, async ({ late, other, pull }) => {
      const readings = all.map((meter) => meter.many(600));
      await Promise.all(readings.map((each) => other.intake.take(each)));
      await late.intake.take(readings[0].slice(0, 100));
      expect(await pull()).to.equal(1_700);
      for (const [i, meter] of all.entries()) {
        expect(await late.intake.log.after(meter, 0n, 1_000)).to.deep.equal(readings[i]);
      }
      expect(await pull()).to.equal(0);
    });
  });

  it("takes more from a signer than a node may post", async () => {
    const [meter] = await meters(1);
    await withTwo(stores(), [meter], async ({ late, other, pull }) => {
      await other.intake.take(meter.many(5_200), { isFree: true });
      expect(await pull()).to.equal(5_200);
      expect((await late.intake.log.head(meter))?.sequence).to.equal(5_200n);
    });
  });

  it("asks for the documents that it lacks", async () => {
    const [meter] = await meters(1);
    await withTwo(stores(), [meter], async ({ late, other, pull }) => {
      late.world.documents.set(meter.nodeId, []);
      await other.intake.take(meter.many(2));
      expect(await pull()).to.equal(2);
    });
  });

  it("keeps what contradicts its own readings as evidence, and stops the node", async () => {
    const [meter] = await meters(1);
    await withTwo(stores(), [meter], async ({ late, other, pull }) => {
      const [first, second] = meter.many(2);
      const fork = meter.sign({ ...second, cumulativeTU: second.cumulativeTU + 1n });
      await late.intake.take([first, second]);
      await other.intake.take([first, fork]);
      const digest = (await other.intake.log.head(meter))?.digest ?? "";
      const third = meter.sign({
        ...second,
        sequence: 3n,
        measuredAt: second.measuredAt + 60n,
        cumulativeTU: fork.cumulativeTU,
        previous: digest,
      });
      await other.intake.take([third]);
      expect(await pull()).to.equal(0);
      expect(late.intake.isStopped(meter.nodeId)).to.equal(true);
      expect(await late.intake.log.after(meter, 0n, 10)).to.deep.equal([first, second]);
    });
  });

  for (const [what, count] of [
    ["the last reading of a chain as long as its own", 2],
    ["one in the middle of its own chain", 4],
  ] as const) {
    it(`sees that ${what} is another than a signer has`, async () => {
      const [meter] = await meters(1);
      await withTwo(stores(), [meter], async ({ late, other, pull }) => {
        const readings = meter.many(count);
        const fork = meter.sign({ ...readings[1], cumulativeTU: readings[1].cumulativeTU + 1n });
        await late.intake.take(readings);
        await other.intake.take([readings[0], fork]);
        expect(await pull()).to.equal(0);
        expect(late.intake.isStopped(meter.nodeId)).to.equal(true);
      });
    });
  }
});

describe("CatchUp from a signer that answers bit by bit", () => {
  it("pulls from the others meanwhile, and ends when it is told to", async () => {
    const stores = new Stores();
    const trickler = await Trickler.open();
    const client = new HttpClient();
    try {
      const [meter] = await meters(1);
      const [late, other] = [await openIntake(stores, [meter]), await openIntake(stores, [meter])];
      const { server, url } = await serveIntake(other);
      const peers = [trickler.endpoint, url].map((endpoint) => ({ signer: endpoint, endpoint }));
      const documents = { show: async () => false };
      const options = { documents, facts: late.world, peers: () => peers, client, log: LOG, interval: 0.02 };
      const end = new AbortController();
      const running = new CatchUp({ ...options, intake: late.intake }).run(end.signal);
      for (const count of [1n, 2n]) {
        await other.intake.take([meter.next()]);
        while ((await late.intake.log.head(meter))?.sequence !== count) await new Promise(setImmediate);
      }
      // one request is under way, not one for each round
      expect(trickler.asked).to.have.lengthOf(1);
      end.abort();
      await running;
      await server.close();
    } finally {
      client.close();
      await trickler.close();
      await stores.close();
    }
  });
});

describe("CatchUp from a liar", () => {
  it("takes no reading that the node has not signed, and ends", async () => {
    const stores = new Stores();
    try {
      const [meter, liar] = await meters(2);
      await withTwo(stores, [meter], async ({ late, other, pull }) => {
        const forged: Signed<Reading>[] = [liar.sign(meter.next())];
        other.intake.log.last = async () => ({ ...forged[0], sequence: 2n ** 63n });
        other.intake.log.after = async () => READINGS.decode(READINGS.encode({ readings: forged })).readings;
        expect(await pull()).to.equal(0);
        expect(await late.intake.log.head(meter)).to.equal(undefined);
      });
    } finally {
      await stores.close();
    }
  });
});
