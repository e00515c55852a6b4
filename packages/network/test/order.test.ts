import { acknowledgedTU } from "@turingfog/network";
import { DAY, TU } from "@turingfog/sdk";
import { expect } from "chai";

describe("acknowledgedTU", () => {
  const order = { startedAt: 1_000n, tuAmount: 10n * TU };
  const given = { order, ratePerDay: 24n * TU, hasResult: false };
  const seen = [
    { at: 1_600n, cumulativeTU: 160_000_000_000_000_000n },
    { at: 9_000n, cumulativeTU: 2n * TU },
    { at: 9_500n, cumulativeTU: 2_100_000_000_000_000_000n },
  ];

  it("takes nothing by none, and nothing of what was never seen", () => {
    expect(acknowledgedTU({ ...given, policy: "none", seen })).to.equal(0n);
    expect(acknowledgedTU({ ...given, policy: "all", seen: [] })).to.equal(0n);
  });

  it("takes what was seen last by all", () => {
    expect(acknowledgedTU({ ...given, policy: "all", seen })).to.equal(2_100_000_000_000_000_000n);
  });

  it("takes by sampled what was counted between two looks that are close, and all with the result", () => {
    const watched = 160_000_000_000_000_000n + 100_000_000_000_000_000n;
    expect(acknowledgedTU({ ...given, policy: "sampled", seen })).to.equal(watched);
    expect(acknowledgedTU({ ...given, policy: "sampled", seen, hasResult: true })).to.equal(2_100_000_000_000_000_000n);
  });

  it("never takes more than the node's rate makes of the time, nor than was ordered", () => {
    const liar = [{ at: order.startedAt + DAY / 24n, cumulativeTU: 9n * TU }];
    expect(acknowledgedTU({ ...given, policy: "all", seen: liar })).to.equal(TU);
    const later = [{ at: order.startedAt + DAY, cumulativeTU: 50n * TU }];
    expect(acknowledgedTU({ ...given, policy: "all", seen: later, hasResult: true })).to.equal(order.tuAmount);
  });
});
