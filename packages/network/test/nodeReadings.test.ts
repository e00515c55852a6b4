import {
  adoptHeads,
  ContradictionError,
  HttpClient,
  NODE_MIGRATIONS,
  NodeStore,
  type NodeTables,
  openServer,
  Poster,
  ReadingRefusedError,
} from "@turingfog/network";
import { READING, READING_ANSWERS, type ReadingAnswer, READINGS, type Reading, type Signed } from "@turingfog/sdk/wire";
import { expect } from "chai";

import { LOG } from "./helpers/intake";
import { Meter, METER_DOMAIN } from "./helpers/meters";
import { Stores } from "./helpers/stores";

const SIGNER = { signer: `0x${"51".repeat(20)}`, endpoint: "http://127.0.0.1:1" };

const keptOf = (reading: Signed<Reading>, line = "") => ({
  reading,
  digest: READING.digest(METER_DOMAIN, reading),
  line,
});

async function withStore(test: (store: NodeStore, meter: Meter) => Promise<void>): Promise<void> {
  const stores = new Stores();
  try {
    const meter = await Meter.of(1);
    const { db } = await stores.openNew<NodeTables>(NODE_MIGRATIONS);
    await test(new NodeStore(db, meter.nodeId), meter);
  } finally {
    await stores.close();
  }
}

describe("NodeStore", () => {
  it("keeps one reading of a sequence, whatever comes later", () =>
    withStore(async (store, meter) => {
      const reading = meter.next();
      expect(await store.addReading(keptOf(reading))).to.equal(true);
      expect(await store.addReading(keptOf(meter.sign({ ...reading, cumulativeTU: 9n })))).to.equal(false);
      expect((await store.lastReading(meter.orderId))?.reading).to.deep.equal(reading);
    }));
});

describe("adoptHeads", () => {
  const by = (meter: Meter) => ({ domain: METER_DOMAIN, meter: meter.wallet.address });

  it("goes on behind the last reading that a signer has, and never back", () =>
    withStore(async (store, meter) => {
      const [first, second, third] = meter.many(3);
      await store.addReading(keptOf(first));
      await adoptHeads(store, SIGNER, [third], by(meter));
      await adoptHeads(store, SIGNER, [second], by(meter));
      expect((await store.lastReading(meter.orderId))?.reading).to.deep.equal(third);
      expect(await store.reading(meter.orderId, 2n)).to.equal(undefined);
    }));

  it("passes over what the meter has not signed", () =>
    withStore(async (store, meter) => {
      const other = await Meter.of(2);
      await adoptHeads(store, SIGNER, [other.sign(meter.next())], by(meter));
      expect(await store.lastReading(meter.orderId)).to.equal(undefined);
    }));

  it("stops at another reading of the same number by its own key", () =>
    withStore(async (store, meter) => {
      const reading = meter.next();
      await store.addReading(keptOf(reading));
      const other = meter.sign({ ...reading, cumulativeTU: 9n });
      await expect(adoptHeads(store, SIGNER, [other], by(meter))).to.be.rejectedWith(
        ContradictionError,
        `Signer ${SIGNER.signer} has another reading 1 of order ${meter.orderId}`,
      );
      await adoptHeads(store, SIGNER, [reading], by(meter));
    }));
});

/** Posts what a store has to a signer whose answers are a test's, and returns what the signer was sent. */
async function posted(
  store: NodeStore,
  meter: Meter,
  answersTo: (readings: Signed<Reading>[]) => ReadingAnswer[],
): Promise<bigint[][]> {
  const sent: bigint[][] = [];
  const server = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG }, (on) => {
    on.post("/v1/readings", ({ body }, reply) => {
      const { readings } = READINGS.decode(body as Buffer);
      sent.push(readings.map(({ sequence }) => sequence));
      return reply.send(READING_ANSWERS.encode({ answers: answersTo(readings) }));
    });
  });
  const client = new HttpClient();
  const endpoint = `http://127.0.0.1:${(server.server.address() as { port: number }).port}`;
  try {
    const options = {
      store,
      client,
      nodeId: meter.nodeId,
      isClosed: () => false,
      resultOf: async () => undefined,
      log: LOG,
    };
    await new Poster(options).deliver({ ...SIGNER, endpoint });
  } finally {
    client.close();
    await server.close();
  }
  return sent;
}

describe("Poster", () => {
  const accepted = (readings: Signed<Reading>[]): ReadingAnswer[] =>
    readings.map(({ sequence }) => ({ result: "accepted", next: sequence + 1n }));
  const delivered = (store: NodeStore, { orderId }: Meter) => store.delivered(SIGNER.signer, orderId);

  it("posts all that a signer has not acknowledged, 64 at a time, and nothing again", () =>
    withStore(async (store, meter) => {
      for (const reading of meter.many(65)) await store.addReading(keptOf(reading));
      const sent = await posted(store, meter, accepted);
      expect(sent.map(({ length }) => length)).to.deep.equal([64, 1]);
      expect(await delivered(store, meter)).to.equal(65n);
      expect(await posted(store, meter, accepted)).to.deep.equal([]);
    }));

  it("stops before a reading that is refused, and tries it again the next time", () =>
    withStore(async (store, meter) => {
      for (const reading of meter.many(3)) await store.addReading(keptOf(reading));
      const refused = (readings: Signed<Reading>[]): ReadingAnswer[] =>
        readings.map(({ sequence }) => ({ result: sequence === 2n ? "over-budget" : "accepted", next: 2n }));
      await expect(posted(store, meter, refused)).to.be.rejectedWith(ReadingRefusedError, "refuses reading 2");
      expect(await delivered(store, meter)).to.equal(1n);
      expect(await posted(store, meter, accepted)).to.deep.equal([[2n, 3n]]);
    }));

  it("goes back to where a signer is that has lost what it had acknowledged", () =>
    withStore(async (store, meter) => {
      for (const reading of meter.many(4)) await store.addReading(keptOf(reading));
      await store.setDelivered(SIGNER.signer, meter.orderId, 3n);
      const lacking = (readings: Signed<Reading>[]): ReadingAnswer[] =>
        readings[0].sequence === 4n ? [{ result: "broken-chain", next: 2n }] : accepted(readings);
      expect(await posted(store, meter, lacking)).to.deep.equal([[4n]]);
      expect(await delivered(store, meter)).to.equal(1n);
      expect(await posted(store, meter, lacking)).to.deep.equal([[2n, 3n, 4n]]);
    }));
});
