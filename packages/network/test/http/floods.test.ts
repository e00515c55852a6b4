import { READING_ANSWERS, READINGS, type Reading, type Signed } from "@turingfog/sdk/wire";
import { expect } from "chai";

import { FLOOD, flood } from "../helpers/floods";
import { meters, openIntake, serveIntake } from "../helpers/intake";
import type { Meter } from "../helpers/meters";
import { open, send, untilClosed } from "../helpers/raw";
import { Stores } from "../helpers/stores";

const FORGED = `0x${"01".repeat(64)}1b`;

const post = (readings: Signed<Reading>[]) => ({ path: "/v1/readings", body: READINGS.encode({ readings }) });

/** A signer with a small allowance for what it refuses. */
async function withSigner(
  count: number,
  test: (signer: { port: number; meters: Meter[] } & Awaited<ReturnType<typeof openIntake>>) => Promise<void>,
): Promise<void> {
  const stores = new Stores();
  try {
    const all = await meters(count);
    const opened = await openIntake(stores, all);
    const perSender = { burst: 300, perSecond: 0.001 };
    const { server, port } = await serveIntake(opened, { perSender, limits: { headers: 400, body: 1_000 } });
    try {
      await test({ port, meters: all, ...opened });
    } finally {
      await server.close();
    }
  } finally {
    await stores.close();
  }
}

/** Posts an honest reading, and expects it to be stored within two seconds. */
async function expectServed(port: number, meter: Meter): Promise<void> {
  const started = performance.now();
  const { body } = await send(port, post([meter.next()]));
  expect(READING_ANSWERS.decode(body).answers[0].result).to.equal("accepted");
  expect(performance.now() - started, "ms until it was served").to.be.below(2_000);
}

describe("Floods", () => {
  for (const [what, request] of [
    [
      "readings of unknown nodes",
      ([meter]: Meter[]) => post(Array<Signed<Reading>>(64).fill({ ...meter.next(), nodeId: 99n })),
    ],
    [
      "readings of unknown orders",
      ([meter]: Meter[]) => post(Array<Signed<Reading>>(64).fill({ ...meter.next(), orderId: 99n })),
    ],
    [
      "bad signatures",
      ([meter]: Meter[]) => post(Array<Signed<Reading>>(64).fill({ ...meter.next(), signature: FORGED })),
    ],
    ["wide JSON", () => ({ path: "/v1/readings", body: `{${'"a":"b",'.repeat(29_000)}"a":"b"}` })],
  ] as const) {
    it(`serves an honest node within 2 s of ${what}, and ends up refusing their sender unread`, async () => {
      await withSigner(2, async ({ port, meters: [victim, honest], intake, store }) => {
        const spam = request([victim]);
        const { state, stop, answered } = flood(port, () => spam);
        await answered(64);
        await expectServed(port, honest);
        await answered(state.answered + 32);
        await expectServed(port, honest);
        await stop();
        expect(state.refused).to.be.above(0);
        const last = await send(port, { ...spam, from: FLOOD });
        expect([last.status, last.json.error]).to.deep.equal([429, "too-many-refused"]);
        // nothing of theirs is stored, and the honest node has its two
        const rows = await store.db.selectFrom("readings").select("sequence").execute();
        expect(rows.map(({ sequence }) => sequence)).to.deep.equal([1n, 2n]);
        expect((await intake.log.head(honest))?.sequence).to.equal(2n);
      });
    });
  }

  it("serves an honest node within 2 s of bodies that do not come", async () => {
    await withSigner(1, async ({ port, meters: [honest] }) => {
      const head =
        "POST /v1/readings HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 200000\r\n\r\n{";
      const slow = await Promise.all(Array.from({ length: 64 }, () => open(port, head, FLOOD)));
      const above = await open(port, head, FLOOD);
      expect(await untilClosed(above)).to.equal("");
      await expectServed(port, honest);
      await Promise.all(slow.map(untilClosed));
      await expectServed(port, honest);
    });
  });

  it("charges a sender one for each reading refused, and nothing for those taken or known", async () => {
    await withSigner(1, async ({ port, meters: [meter] }) => {
      const readings = meter.many(200);
      for (let i = 0; i < 3; ++i) {
        const { status } = await send(port, post(readings.map((each) => each)));
        expect(status).to.equal(200);
      }
      const bad = post(Array<Signed<Reading>>(150).fill({ ...meter.next(), orderId: 99n }));
      expect((await send(port, bad)).status).to.equal(200);
      expect((await send(port, bad)).status).to.equal(200);
      expect((await send(port, bad)).status).to.equal(429);
      expect((await send(port, { ...bad, from: FLOOD })).status).to.equal(200);
    });
  });
});
