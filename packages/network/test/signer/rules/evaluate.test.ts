import { expect } from "chai";
import type { MeteredReceipt } from "@turingfog/sdk/wire";

import { evaluate, objectionTo, type RuledChain, receiptOf, type Verdict } from "@turingfog/network";
import { chain, DAY, digestOf, facts, KEY, node, order, START, TU, type World, ZERO_HASH } from "./world";

const HALF = TU / 2n;

/** Readings of half a day of a node of 1 TU a day. */
const halfDay = chain(1n, 1n, [
  [DAY / 4n, TU / 4n],
  [DAY / 2n, HALF],
]);

const world = (values: Partial<World> = {}): World => ({
  orders: [order({ orderId: 1n })],
  nodes: [node({ nodeId: 1n, ratePerDay: TU })],
  ...values,
});

const only = (given: RuledChain, values: Partial<World> = {}): Verdict => evaluate([given], facts(world(values)))[0];

const changed = (change: object, at = 1): RuledChain => ({
  ...halfDay,
  readings: halfDay.readings.map((reading, i) => (i === at ? { ...reading, ...change } : reading)),
});

describe("the rules of metering", () => {
  it("make a receipt of the last reading, with its time and its digest", () => {
    const expected: MeteredReceipt = {
      orderId: 1n,
      nodeId: 1n,
      cumulativeTU: HALF,
      measuredAt: START + DAY / 2n,
      meterLogHash: digestOf(1n, 1n, 2n),
    };
    expect(receiptOf(only(halfDay))).to.deep.equal(expected);
  });

  describe("refuse a whole chain", () => {
    const joint = { orders: [order({ orderId: 1n, nodeId: 0n })] };
    const late = node({ nodeId: 1n, attestations: [{ from: START + 1n, until: START + DAY }] });
    const cases: [string, Partial<World>][] = [
      ["unknown-order", { orders: [] }],
      ["closed-order", { orders: [order({ orderId: 1n, closed: true })] }],
      ["unknown-node", { nodes: [] }],
      ["other-node", { orders: [order({ orderId: 1n, nodeId: 2n })] }],
      ["not-attested", { ...joint, nodes: [late] }],
      ["stopped-node", { stopped: [1n] }],
      ["vetoed", { vetoed: [1n] }],
    ];
    for (const [reason, values] of cases) {
      it(`as ${reason}`, () => {
        expect(only(halfDay, values)).to.deep.include({ points: [], refused: reason });
      });
    }

    it("as no-readings if there are none", () => {
      expect(only({ ...halfDay, readings: [] })).to.deep.include({ points: [], refused: "no-readings" });
    });
  });

  describe("stop a chain before a reading", () => {
    const cases: [string, RuledChain, Partial<World>?][] = [
      ["broken-chain", changed({ sequence: 3n })],
      ["broken-chain", changed({ previous: ZERO_HASH })],
      ["falling-tu", changed({ cumulativeTU: TU / 4n - 1n })],
      ["too-soon", changed({ measuredAt: START + DAY / 4n + 59n })],
      ["after-end", changed({ measuredAt: START + DAY + 1n })],
      ["no-document", changed({ meterKey: `0x${"22".repeat(20)}` })],
      ["unchallenged", halfDay, { challenges: [{ at: START + DAY / 2n - 1n, passed: true }] }],
    ];
    for (const [reason, given, values] of cases) {
      it(`as ${reason}`, () => {
        const { points, refused } = only(given, values);
        expect(points.map(({ sequence }) => sequence)).to.deep.equal([1n]);
        expect(refused).to.equal(reason);
      });
    }

    it("as before-start if it is the first", () => {
      expect(only(changed({ measuredAt: START - 1n }, 0))).to.deep.include({ points: [], refused: "before-start" });
    });
  });

  it("take a reading at the order's end, of a challenge passed at its time", () => {
    const given = changed({ measuredAt: START + DAY });
    const verdict = only(given, { challenges: [{ at: START + DAY, passed: true }] });
    expect(receiptOf(verdict)?.measuredAt).to.equal(START + DAY);
  });

  it("take a key until its document expires, or a later one was seen", () => {
    const document = { sequence: 1n, meterKey: KEY, expiresAt: START + DAY / 2n + 1n, firstSeen: START };
    const later = { ...document, sequence: 2n, meterKey: ZERO_HASH, firstSeen: START + DAY / 2n };
    expect(only(halfDay, { documents: [document, later] }).refused).to.equal(undefined);
    expect(only(halfDay, { documents: [{ ...document, expiresAt: START + DAY / 2n }] }).refused).to.equal(
      "no-document",
    );
    const sooner = { ...later, firstSeen: later.firstSeen - 1n };
    expect(only(halfDay, { documents: [document, sooner] }).refused).to.equal("no-document");
  });

  it("leave out what was measured while the node was not attested", () => {
    const attestations = [
      { from: 0n, until: START + DAY / 4n - 1n },
      { from: START + DAY / 4n + 1n, until: START + DAY },
    ];
    const { points } = only(halfDay, { nodes: [node({ nodeId: 1n, ratePerDay: TU, attestations })] });
    expect(points).to.have.lengthOf(1);
    expect(points[0]).to.deep.include({ sequence: 2n, countedTU: TU / 4n, cut: "not-attested" });
  });

  it("leave out the time back to the challenge that was passed before a failed one", () => {
    const challenges = [
      { at: START + DAY, passed: true },
      { at: START + DAY / 4n + 1n, passed: false },
      { at: START + DAY / 4n, passed: true },
    ];
    const { points } = only(halfDay, { challenges });
    expect(points.map(({ countedTU, cut }) => [countedTU, cut])).to.deep.equal([
      [TU / 4n, undefined],
      [TU / 4n, "failed-challenge"],
    ]);
  });

  describe("over all orders of a node", () => {
    const orders = [order({ orderId: 2n }), order({ orderId: 1n, startedAt: START - 1n })];
    const both = [halfDay, { ...chain(2n, 1n, [[DAY / 2n, HALF]]) }];

    it("cut to 1.1 times its rate what the order opened last counts", () => {
      const verdicts = evaluate(both, facts(world({ orders })));
      const [first, last] = verdicts.map(({ points }) => points.at(-1));
      expect(first).to.deep.include({ countedTU: HALF, cut: undefined });
      expect(last?.cut).to.equal("over-rate");
      expect(Number(last?.countedTU)).to.be.closeTo(Number(TU / 20n), 2e13);
    });

    it("keep its place for what was signed before", () => {
      const signed = [{ orderId: 2n, measuredAt: START + DAY / 2n, batch: 5n }];
      const verdicts = evaluate(both, facts(world({ orders, signed })));
      expect(verdicts.map(({ points }) => points.at(-1)?.cut)).to.deep.equal(["over-rate", undefined]);
    });

    it("leave out what was settled by acknowledgement", () => {
      const acknowledged = [order({ orderId: 2n }), order({ orderId: 1n, acknowledgedTU: HALF })];
      const verdicts = evaluate(both, facts(world({ orders: acknowledged })));
      expect(verdicts.map(({ points }) => points.at(-1)?.countedTU)).to.deep.equal([HALF, HALF]);
    });
  });

  it("count on a joint order no more than was ordered, and cut the later ones by time, then node", () => {
    const orders = [order({ orderId: 1n, nodeId: 0n, tuAmount: TU })];
    const nodes = [1n, 2n, 3n].map((nodeId) => node({ nodeId }));
    const chains = [
      chain(1n, 3n, [[DAY / 2n, HALF]]),
      chain(1n, 2n, [[DAY / 2n, HALF]]),
      chain(1n, 1n, [[DAY / 2n + 1n, HALF]]),
    ];
    const verdicts = evaluate(chains, facts({ orders, nodes }));
    expect(verdicts.map(({ points }) => [points[0].countedTU, points[0].cut])).to.deep.equal([
      [HALF, undefined],
      [HALF, undefined],
      [0n, "over-order"],
    ]);
    expect(verdicts.map(receiptOf)[2]).to.equal(undefined);
  });

  describe("hold back a tenth of an order with a job", () => {
    const jobHash = `0x${"0b".repeat(32)}`;
    const orders = [order({ orderId: 1n, jobHash, tuAmount: HALF })];
    const held = (values: Partial<World> = {}) => only(halfDay, { orders, ...values }).points.at(-1);

    it("until the result of the last reading is there", () => {
      expect(held()).to.deep.include({ countedTU: (HALF * 9n) / 10n, cut: "held-back" });
      expect(held({ results: [halfDay.readings[0]] })?.cut).to.equal("held-back");
      expect(held({ results: [halfDay.readings[1]] })).to.deep.include({ countedTU: HALF, cut: undefined });
    });

    it("to what audits of joint training let be paid, by their reason", () => {
      for (const reason of ["unaudited", "false-claim"] as const) {
        const audited = (limitTU: bigint) => only(halfDay, { audited: () => ({ limitTU, reason }) }).points.at(-1);
        expect(audited(TU / 8n)).to.deep.include({ countedTU: TU / 8n, cut: reason });
        expect(audited(HALF)).to.deep.include({ countedTU: HALF, cut: undefined });
      }
    });

    it("unless it was acknowledged", () => {
      const acknowledged = [order({ orderId: 1n, jobHash, tuAmount: HALF, acknowledgedTU: HALF })];
      expect(held({ orders: acknowledged })).to.deep.include({ countedTU: HALF, cut: undefined });
    });
  });
});

describe("a receipt of another signer", () => {
  const verdict = only(halfDay);
  const receipt = receiptOf(verdict) as MeteredReceipt;

  it("is signed if it says no more than counts until a reading that the signer has", () => {
    expect(objectionTo(receipt, verdict)).to.equal(undefined);
    expect(objectionTo({ ...receipt, cumulativeTU: 1n }, verdict)).to.equal(undefined);
    const earlier = {
      ...receipt,
      cumulativeTU: TU / 4n,
      measuredAt: START + DAY / 4n,
      meterLogHash: digestOf(1n, 1n, 1n),
    };
    expect(objectionTo(earlier, verdict)).to.equal(undefined);
  });

  it("is refused with what would be signed instead", () => {
    const all = { sequence: 2n, digest: digestOf(1n, 1n, 2n), cumulativeTU: HALF };
    expect(objectionTo({ ...receipt, cumulativeTU: HALF + 1n }, verdict)).to.deep.equal({
      reason: "over-rate",
      ...all,
    });
    expect(objectionTo({ ...receipt, measuredAt: receipt.measuredAt + 1n }, verdict)).to.deep.equal({
      reason: "unknown-reading",
      ...all,
    });
    expect(objectionTo({ ...receipt, meterLogHash: ZERO_HASH, measuredAt: START + DAY / 4n }, verdict)).to.deep.equal({
      reason: "unknown-reading",
      sequence: 1n,
      digest: digestOf(1n, 1n, 1n),
      cumulativeTU: TU / 4n,
    });
    expect(objectionTo(receipt, undefined)).to.deep.equal({
      reason: "no-readings",
      sequence: 0n,
      digest: ZERO_HASH,
      cumulativeTU: 0n,
    });
    const challenges = [{ at: START + DAY / 2n - 1n, passed: true }];
    expect(objectionTo(receipt, only(halfDay, { challenges }))).to.deep.equal({
      reason: "unchallenged",
      sequence: 1n,
      digest: digestOf(1n, 1n, 1n),
      cumulativeTU: TU / 4n,
    });
  });
});
