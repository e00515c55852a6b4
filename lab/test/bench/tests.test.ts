import { expect } from "chai";

import { compare, readRun, type Run } from "../../bench/tests/measure";
import { account, plain } from "../../bench/tests/titles";

describe("bench/tests", () => {
  describe("account", () => {
    const changes = { suites: { "Old ": "New " }, tests: { one: "two", three: ["four", "five"] } };
    const stateOf = (title: string, ...now: string[]) => account([title], now, changes)[0].state;

    it("finds a title that is there still", () => {
      expect(stateOf("one", "one")).to.equal("same");
    });

    it("finds what a title, or its suite's, was changed to", () => {
      expect(stateOf("one", "two")).to.equal("renamed");
      expect(stateOf("Old test", "New test")).to.equal("renamed");
    });

    it("finds all tests that replace one", () => {
      expect(stateOf("three", "four", "five")).to.equal("replaced");
    });

    it("misses a test that nothing is said of, and one whose place no test has", () => {
      expect(stateOf("six", "one")).to.equal("missing");
      expect(stateOf("one", "three")).to.equal("missing");
      expect(stateOf("three", "four")).to.equal("missing");
      expect(stateOf("Old test", "New other")).to.equal("missing");
    });
  });

  it("compares titles without tags and seeds", () => {
    const tags = ["T22a", "slow"].map((tag) => ` [${tag}]`).join("");
    expect(plain(`holds [6.11] (SEED=17)${tags}`)).to.equal("holds [6.11]");
  });

  it("reads the time of a run and its counts, and refuses one in which nothing passed", () => {
    const log = "  ✔ 5 passing\n\n  12 passing (3s)\n  2 pending\n  1 failing\n";
    expect(readRun("10.5 7.25 1.75\n", log)).to.deep.equal({ wall: 10.5, cpu: 9, passing: 12, pending: 2, failing: 1 });
    expect(() => readRun("1 1 1\n", "Error HH1")).to.throw("No test has passed:\nError HH1");
  });

  it("compares the medians", () => {
    const runs = (...walls: number[]) =>
      walls.map((wall): Run => ({ ...readRun("1 1 1", "  1 passing"), wall, cpu: 2 * wall }));
    expect(compare(runs(30, 10, 20), runs(4, 100, 5))).to.deep.equal({ wall: 0.25, cpu: 0.25 });
  });
});
