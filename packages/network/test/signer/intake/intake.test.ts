import { isDiskFull, type Intake } from "@turingfog/network";
import type { Reading, ReadingResult, Signed } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { sql } from "kysely";

import { meters, openIntake } from "../../helpers/intake";
import { START } from "../../helpers/meters";
import { onBothEngines, Stores } from "../../helpers/stores";

/** A name for each refusal, with what is done to the second reading of a chain. */
const CHAIN_REFUSALS: [ReadingResult, string, Partial<Reading>][] = [
  ["broken-chain", "a gap in the sequence", { sequence: 3n }],
  ["broken-chain", "another reading before it", { previous: `0x${"ab".repeat(32)}` }],
  ["falling-tu", "fewer TU than before", { cumulativeTU: 10n ** 12n - 1n }],
  ["too-soon", "59 seconds after the one before", { measuredAt: START + 119n }],
];

onBothEngines("Intake", (stores) => {
  const results = async (intake: Intake, readings: Signed<Reading>[]) =>
    (await intake.take(readings)).map(({ result }) => result);

  it("stores a chain, and tells what it expects next", async () => {
    const [meter] = await meters(1);
    const { intake, store } = await openIntake(stores(), [meter]);
    const readings = meter.many(3);
    expect(await intake.take(readings)).to.deep.equal([2n, 3n, 4n].map((next) => ({ result: "accepted", next })));
    expect(await intake.log.after(meter, 0n, 10)).to.deep.equal(readings);
    expect(await intake.log.after(meter, 1n, 1)).to.deep.equal([readings[1]]);
    const [{ meterKey }] = await intake.log.chain(meter);
    expect(meterKey).to.equal(meter.key);
    await store.close();
  });

  it("knows what it has stored, also after a restart", async () => {
    const [meter] = await meters(1);
    const at = stores().location();
    const first = await openIntake(stores(), [meter], {}, at);
    const readings = meter.many(3);
    await first.intake.take(readings);
    expect(await results(first.intake, readings)).to.deep.equal(["known", "known", "known"]);
    await first.store.close();

    const { intake } = await openIntake(stores(), [meter], {}, at);
    expect(await results(intake, [...readings, meter.next()])).to.deep.equal(["known", "known", "known", "accepted"]);
  });

  it("takes readings of many chains in one post, in any order of chains", async () => {
    const all = await meters(5);
    const { intake } = await openIntake(stores(), all);
    const readings = [1, 2, 3].flatMap(() => all.map((meter) => meter.next()));
    expect(new Set(await results(intake, readings))).to.deep.equal(new Set(["accepted"]));
  });

  for (const [result, what, change] of CHAIN_REFUSALS) {
    it(`refuses ${what} as ${result}, and goes on with the chain as it was`, async () => {
      const [meter] = await meters(1);
      const { intake } = await openIntake(stores(), [meter]);
      const first = meter.next();
      const good = meter.next();
      const bad = meter.sign({ ...good, ...change });
      expect(await intake.take([first, bad])).to.deep.equal([
        { result: "accepted", next: 2n },
        { result, next: 2n },
      ]);
      expect(await results(intake, [good])).to.deep.equal(["accepted"]);
    });
  }

  it("takes TU that stay, and a reading 60 seconds after the one before", async () => {
    const [meter] = await meters(1);
    const { intake } = await openIntake(stores(), [meter]);
    const first = meter.next();
    const second = meter.next({ cumulativeTU: first.cumulativeTU, measuredAt: first.measuredAt + 60n });
    expect(await results(intake, [first, second])).to.deep.equal(["accepted", "accepted"]);
  });

  it("refuses by the order and the node before all else", async () => {
    const [known, stranger, closed] = await meters(3);
    const { intake, world } = await openIntake(stores(), [known, closed]);
    world.orders.set(closed.orderId, closed.order({ closed: true }));
    // a signature that would be refused shows that none of these was looked at
    const forged = { signature: `0x${"01".repeat(64)}1b` };
    const reading = known.next();
    const given: [ReadingResult, Signed<Reading>][] = [
      ["unknown-order", { ...stranger.next(), ...forged }],
      ["closed-order", { ...closed.next(), ...forged }],
      ["unknown-node", { ...reading, nodeId: 9n, ...forged }],
      ["other-node", { ...reading, nodeId: closed.nodeId, ...forged }],
      ["before-start", { ...reading, measuredAt: START - 1n, ...forged }],
    ];
    expect(
      await results(
        intake,
        given.map(([, each]) => each),
      ),
    ).to.deep.equal(given.map(([result]) => result));
  });

  it("takes a reading on a joint order of a node that was attested when it opened, and of no other", async () => {
    const [inside, outside] = await meters(2);
    const { intake, world } = await openIntake(stores(), [inside, outside]);
    world.orders.set(inside.orderId, inside.order({ nodeId: 0n }));
    world.nodes.set(outside.nodeId, { ...outside.node(), attestations: [{ from: START + 1n, until: START + 9n }] });
    const foreign = outside.sign({ ...outside.next(), orderId: inside.orderId });
    expect(await results(intake, [inside.next(), foreign])).to.deep.equal(["accepted", "other-node"]);
  });

  it("takes a reading at most 60 seconds ahead of its clock", async () => {
    const [meter] = await meters(1);
    const { intake, clock } = await openIntake(stores(), [meter]);
    const reading = meter.next();
    clock.time = reading.measuredAt - 61n;
    expect(await results(intake, [reading])).to.deep.equal(["ahead-of-time"]);
    clock.time = reading.measuredAt - 60n;
    expect(await results(intake, [reading])).to.deep.equal(["accepted"]);
  });

  it("looks at the sequence before the signature", async () => {
    const [meter] = await meters(1);
    const { intake } = await openIntake(stores(), [meter]);
    const forged = { ...meter.next(), sequence: 7n, signature: `0x${"01".repeat(64)}1b` };
    expect(await results(intake, [forged])).to.deep.equal(["broken-chain"]);
  });

  it("asks for a node's document when it has none, and when a signature does not fit", async () => {
    const [meter, other] = await meters(2);
    const { intake, world } = await openIntake(stores(), [meter]);
    const reading = meter.next();
    world.documents.set(meter.nodeId, []);
    expect(await results(intake, [reading])).to.deep.equal(["no-document"]);
    world.documents.set(meter.nodeId, [meter.document({ meterKey: other.key })]);
    expect(await results(intake, [reading])).to.deep.equal(["bad-signature"]);
    expect(world.wanted).to.deep.equal([meter.nodeId, meter.nodeId]);
    world.documents.set(meter.nodeId, [meter.document({ meterKey: other.key }), meter.document({ sequence: 2n })]);
    expect(await results(intake, [reading])).to.deep.equal(["accepted"]);
  });

  it("charges a node for what it has signed, and for nothing else", async () => {
    const [meter] = await meters(1);
    const { intake } = await openIntake(stores(), [meter], { perNode: { burst: 2, perSecond: 0 } });
    const [first, second, third] = meter.many(3);
    const forged = { ...first, signature: `0x${"01".repeat(64)}1b` };
    expect(await results(intake, [forged, forged, forged])).to.deep.equal(Array(3).fill("bad-signature"));
    expect(await results(intake, [first, first, second, third])).to.deep.equal([
      "accepted",
      "known",
      "accepted",
      "over-budget",
    ]);
    expect(await intake.take([third], { isFree: true })).to.deep.equal([{ result: "accepted", next: 4n }]);
  });

  it("keeps two readings of one sequence as evidence, and stops the node until a person clears it", async () => {
    const [meter, honest] = await meters(2);
    const at = stores().location();
    const { intake, store } = await openIntake(stores(), [meter, honest], {}, at);
    const readings = meter.many(2);
    await intake.take(readings);
    const contradiction = meter.sign({ ...readings[0], cumulativeTU: 1n });
    expect(await results(intake, [contradiction])).to.deep.equal(["equivocation"]);
    expect(await results(intake, [meter.next(), honest.next()])).to.deep.equal(["stopped-node", "accepted"]);
    expect(intake.isStopped(meter.nodeId)).to.equal(true);
    expect(await intake.log.after(meter, 0n, 10)).to.deep.equal(readings);
    const kept = await store.db.selectFrom("equivocations").selectAll().execute();
    expect(kept.map(({ sequence }) => sequence)).to.deep.equal([1n]);

    const restarted = await openIntake(stores(), [meter, honest], {}, at);
    expect(restarted.intake.isStopped(meter.nodeId)).to.equal(true);
    await restarted.intake.clear(meter.nodeId);
    // what was looked at does not stop the node again
    expect(await results(restarted.intake, [contradiction])).to.deep.equal(["equivocation"]);
    expect(restarted.intake.isStopped(meter.nodeId)).to.equal(false);
  });

  it("does not stop a node for a contradiction that it has not signed", async () => {
    const [meter, other] = await meters(2);
    const { intake } = await openIntake(stores(), [meter]);
    const [reading] = meter.many(1);
    await intake.take([reading]);
    const forged = other.sign({ ...reading, cumulativeTU: 1n });
    expect(await results(intake, [forged, meter.next()])).to.deep.equal(["bad-signature", "accepted"]);
  });

  it("finds a contradiction within one post", async () => {
    const [meter] = await meters(1);
    const { intake } = await openIntake(stores(), [meter]);
    const reading = meter.next();
    expect(await results(intake, [reading, meter.sign({ ...reading, cumulativeTU: 1n })])).to.deep.equal([
      "accepted",
      "equivocation",
    ]);
  });

  it("agrees with a second process on the same store, whichever was first", async () => {
    const [meter] = await meters(1);
    const at = stores().location();
    const [first, second] = [await openIntake(stores(), [meter], {}, at), await openIntake(stores(), [meter], {}, at)];
    const readings = meter.many(4);
    // the second one's memory is old from then on
    expect(await results(second.intake, [readings[0]])).to.deep.equal(["accepted"]);
    expect(await results(first.intake, readings.slice(0, 3))).to.deep.equal(["known", "accepted", "accepted"]);
    const [, , third, fourth] = readings;
    const fork = meter.sign({ ...readings[1], cumulativeTU: 10n ** 12n });
    const after = meter.sign({ ...third, previous: `0x${"cd".repeat(32)}` });
    expect(await results(second.intake, [fork, after])).to.deep.equal(["equivocation", "equivocation"]);
    expect(await results(first.intake, [fourth])).to.deep.equal(["accepted"]);
    expect(await first.intake.log.after(meter, 0n, 10)).to.deep.equal(readings);
    // the first one's memory of stops is as old as its last transaction
    expect(await results(first.intake, [fourth])).to.deep.equal(["stopped-node"]);
  });
});

describe("Intake on a full disk", () => {
  it("answers nothing that is not stored, and goes on when there is room", async () => {
    const stores = new Stores();
    try {
      const [meter] = await meters(1);
      const { intake, store } = await openIntake(stores, [meter]);
      const readings = meter.many(200);
      await intake.take(readings.slice(0, 10));
      const { rows } = await sql<{ page_count: bigint }>`pragma page_count`.execute(store.db);
      await sql`pragma max_page_count = ${sql.lit(Number(rows[0].page_count) + 1)}`.execute(store.db);
      const error: unknown = await intake.take(readings.slice(10)).catch((reason: unknown) => reason);
      expect(error).to.satisfy(isDiskFull);
      expect(await intake.log.after(meter, 0n, 300)).to.deep.equal(readings.slice(0, 10));

      await sql`pragma max_page_count = 100000`.execute(store.db);
      const answers = await intake.take(readings.slice(10));
      expect(answers.every(({ result }) => result === "accepted")).to.equal(true);
    } finally {
      await stores.close();
    }
  });
});
