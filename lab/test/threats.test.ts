import { expect } from "chai";

import { isHeld, judge, tagsOf, type Outcome } from "../threats/requirements";

const REQUIREMENTS = [
  { id: "1", requirement: "One" },
  { id: "2a", requirement: "Two" },
];

function outcome(title: string, state: Outcome["state"] = "passed"): Outcome {
  return { file: "file.test.ts", title, state };
}

/** Returns whether each of the two requirements is held. */
function held(...outcomes: Outcome[]): boolean[] {
  return judge(outcomes, REQUIREMENTS).map(isHeld);
}

describe("requirements", () => {
  it("are found by their tags alone, wherever these stand in a title", () => {
    // joined, so that this file has no tag of its own
    const title = (first: string, second: string) => `[${first}] rejects [slow] what [T] [T1 [x] is [${second}]`;
    expect(tagsOf(title("T1", "T2a"))).to.deep.equal(["1", "2a"]);
  });

  const [one, two] = ["1", "2a"].map((id) => `is so [T${id}]`);

  it("are held by one tagged test that has passed", () => {
    expect(held(outcome(one), outcome(two))).to.deep.equal([true, true]);
    expect(held(outcome(`${one} ${two}`))).to.deep.equal([true, true]);
  });

  it("are not held without a test", () => {
    expect(held(outcome(one), outcome("2a"))).to.deep.equal([true, false]);
  });

  for (const state of ["failed", "not run"] as const) {
    it(`are not held by a test that has ${state === "failed" ? state : "not been run"}, beside one that has passed`, () => {
      expect(held(outcome(one), outcome(one, state), outcome(two))).to.deep.equal([false, true]);
    });
  }

  it("are refused by a tag that none of them has, with the test", () => {
    const unknown = `is so [T${3}]`;
    expect(() => judge([outcome(unknown)], REQUIREMENTS)).to.throw(
      `The tag [T3] is of no requirement in test/adversaries/requirements.json: file.test.ts: ${unknown}`,
    );
  });
});
