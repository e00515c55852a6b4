import type { Closing, RoundClaim, Signed } from "@turingfog/sdk/wire";
import {
  closingOf,
  coordinatorOf,
  faultOf,
  goesOn,
  moveOf,
  startAfter,
  stoppedAfter,
  type Turn,
} from "@turingfog/training";
import { expect } from "chai";
import { id } from "ethers";

const START = { orderId: 5n, startHash: id("start") };
const NODES = [3n, 4n, 9n];

function claimed(nodeId: bigint, before: readonly Closing[], change: Partial<RoundClaim> = {}): Signed<RoundClaim> {
  const round = BigInt(before.length + 1);
  const startHash = startAfter(START, before);
  const claim = { orderId: START.orderId, nodeId, round, startHash, endHash: id(`${nodeId} ${round}`), images: 64n };
  return { ...claim, ...change, signature: "0x" };
}

/** Adds a round that some workers have claimed. */
function after(before: readonly Closing[], nodes = NODES, end: Partial<Parameters<typeof closingOf>[2]> = {}) {
  const claims = nodes.map((nodeId) => claimed(nodeId, before));
  const meanHash = id(`mean ${before.length + 1} ${nodes.join()}`);
  return [...before, closingOf(START, before, { attempt: 0n, claims, meanHash, stopped: [], ...end })];
}

const THREE = after(after(after([])));

const fault = (closing: Closing, before = THREE, isSigned = true) => faultOf(START, before, closing, () => isSigned);

describe("coordinatorOf", () => {
  it("goes through the workers in the order of their ids, beginning with the order's number", () => {
    const turns = [0n, 1n, 2n, 3n].map((attempt) => coordinatorOf(5n, attempt, NODES));
    expect(turns).to.deep.equal([9n, 3n, 4n, 9n]);
  });
});

describe("faultOf", () => {
  const [next] = after(THREE).slice(-1);

  it("takes the closing that follows", () => {
    expect(fault(next)).to.equal(undefined);
    expect(fault(THREE[0], [])).to.equal(undefined);
  });

  it("names what does not follow", () => {
    const [first] = next.claims;
    const cases: [Closing, string][] = [
      [{ ...next, orderId: 6n }, "orderId is 6, expected 5"],
      [{ ...next, round: 6n }, "round is 6, expected 4"],
      [{ ...next, startHash: id("other") }, "startHash is"],
      [{ ...next, claims: [{ ...first, round: 3n }] }, "the claim of node 3 is not of this round and start"],
      [{ ...next, claims: [{ ...first, startHash: id("other") }] }, "the claim of node 3 is not of this round"],
      [{ ...next, claims: [...next.claims].reverse() }, "node 4 is not in its place"],
      [{ ...next, claims: [first, first] }, "node 3 is not in its place"],
      [{ ...next, stopped: [{ nodeId: 3n, round: 0n }] }, "node 3 is stopped for round 0"],
      [{ ...next, stopped: [{ nodeId: 3n, round: 5n }] }, "node 3 is stopped for round 5"],
      [{ ...next, stopped: [{ nodeId: 8n, round: 1n }] }, "node 8 is stopped for round 1, in which it claimed nothing"],
      [{ ...next, stopped: [{ nodeId: 3n, round: 2n }] }, `expected ${THREE[0].endHash}`],
    ];
    for (const [closing, expected] of cases) expect(fault(closing), expected).to.include(expected);
    expect(fault(next, THREE, false)).to.equal("the claim of node 3 is not signed by its meter key");
  });

  it("refuses an attempt before one that has closed a round", () => {
    const before = after([], NODES, { attempt: 4n });
    const closing = closingOf(START, before, { attempt: 3n, claims: [], meanHash: id("mean"), stopped: [] });
    expect(fault(closing, before)).to.equal("attempt is 3, expected at least 4");
  });
});

describe("a worker whose claim was false", () => {
  const [stop] = after(THREE, NODES, { stopped: [{ nodeId: 9n, round: 2n }] }).slice(-1);
  const all = [...THREE, stop];

  it("takes training back to the end of the round before its first false one", () => {
    expect(fault(stop)).to.equal(undefined);
    expect(startAfter(START, all)).to.equal(THREE[0].endHash);
    const first = after(THREE, NODES, {
      stopped: [
        { nodeId: 9n, round: 2n },
        { nodeId: 4n, round: 1n },
      ],
    });
    expect(startAfter(START, first)).to.equal(START.startHash);
  });

  it("takes no part any more, and is not stopped again", () => {
    expect([...stoppedAfter(all)]).to.deep.equal([9n]);
    const [with9] = after(all).slice(-1);
    expect(fault(with9, all)).to.equal("node 9 was stopped");
    const [without] = after(all, [3n, 4n]).slice(-1);
    expect(fault(without, all)).to.equal(undefined);
    const again = { ...without, stopped: [{ nodeId: 9n, round: 3n }] };
    expect(fault(again, all)).to.equal("node 9 was stopped before");
  });
});

describe("goesOn", () => {
  const alone = after(THREE, [3n]);
  const together = after(THREE, [4n, 9n]);

  it("prefers the branch with more signed claims since they part, however long it is", () => {
    expect(goesOn(together, alone)).to.equal(true);
    expect(goesOn(alone, together)).to.equal(false);
    const longer = after(alone, [3n]);
    expect(goesOn(after(longer, [3n]), together)).to.equal(true);
    expect(goesOn(THREE, alone)).to.equal(false);
    expect(goesOn(alone, THREE)).to.equal(true);
  });

  it("does not go back to an earlier round, because more have claimed that round alone", () => {
    const missing = after(after(after([], [3n, 4n]), [3n, 4n]), [3n, 4n]);
    expect(goesOn(after([]), missing)).to.equal(false);
  });

  it("leads all workers to one branch, in whatever order they hear of them", () => {
    const other = after(THREE, [4n]);
    const branches = [alone, other, THREE];
    const chosen = (order: Closing[][]) => order.reduce((own, each) => (goesOn(each, own) ? each : own));
    const ends = [branches, [...branches].reverse(), [other, THREE, alone]].map(chosen);
    expect(new Set(ends.map((each) => startAfter(START, each))).size).to.equal(1);
  });
});

describe("moveOf", () => {
  const turn: Turn = {
    ...{ now: 100, since: 0, patience: 1_000, isCoordinator: true, isAnswering: true },
    ...{ present: NODES, claimed: NODES, least: 1 },
  };

  it("closes a round once all have claimed it, or after the patience with those that have", () => {
    expect(moveOf(turn)).to.equal("close");
    const some = { ...turn, claimed: [3n] };
    expect(moveOf(some)).to.equal("wait");
    expect(moveOf({ ...some, now: 1_000 })).to.equal("close");
    expect(moveOf({ ...some, claimed: [], now: 1_000 })).to.equal("wait");
  });

  it("closes no round that fewer have claimed than the job asks for", () => {
    expect(moveOf({ ...turn, least: 3 })).to.equal("close");
    expect(moveOf({ ...turn, least: 4 })).to.equal("wait");
    expect(moveOf({ ...turn, least: 4, now: 2_000 })).to.equal("wait");
  });

  it("passes a coordinator over that is silent at once, and one that is late after three times the patience", () => {
    const other = { ...turn, isCoordinator: false };
    expect(moveOf(other)).to.equal("wait");
    expect(moveOf({ ...other, isAnswering: false })).to.equal("next attempt");
    expect(moveOf({ ...other, now: 2_999 })).to.equal("wait");
    expect(moveOf({ ...other, now: 3_000 })).to.equal("next attempt");
    expect(moveOf({ ...turn, claimed: [], now: 3_000 })).to.equal("next attempt");
  });
});
