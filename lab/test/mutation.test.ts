import { expect } from "chai";

import { generate } from "../mutation/build";
import { order } from "../mutation/order";
import { report, type Judged } from "../mutation/report";
import { keyOf, type Mutant } from "../mutation/schemata";

const FILE = "contracts/Fixture.sol";

/** A contract with one function in which there are the statements. */
function contractOf(statements: string): string {
  return `// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

library Limits {
    uint256 internal constant MAX = 5;
}

/// @notice What is changed: − ⌈a⌉
contract Fixture {
    error TooMuch(uint256 a, uint256 max);
    event Counted(uint256 a, uint256 b);

    uint256 public counted;

    function toString() external pure returns (uint256) {}

    function count(uint256 a, uint256 b) external returns (uint256) {
        ${statements}
    }
}`;
}

async function mutantsOf(statements: string): Promise<{ mutants: Mutant[]; text: string }> {
  const { mutants, instrumented } = await generate(new Map([[FILE, contractOf(statements)]]));
  return { mutants, text: instrumented.get(FILE) ?? "" };
}

async function changesOf(statements: string): Promise<string[]> {
  const { mutants } = await mutantsOf(statements);
  return mutants.map(({ source, replacement }) => `${source} → ${replacement}`);
}

const CASES: [what: string, statements: string, changes: string[]][] = [
  [
    "a guard",
    "if (a > Limits.MAX) revert TooMuch(a, Limits.MAX); return b;",
    [
      "a > Limits.MAX → false",
      "a > Limits.MAX → a >= Limits.MAX",
      "Limits.MAX → (Limits.MAX + 1)",
      "Limits.MAX → (Limits.MAX - 1)",
      "revert TooMuch(a, Limits.MAX) → revert TooMuch(Limits.MAX, a)",
      "Limits.MAX → (Limits.MAX + 1)",
      "b → uint256(0)",
    ],
  ],
  [
    "conditions",
    "return a == b || !(a < b) ? a : b;",
    [
      "a == b || !(a < b) ? a : b → uint256(0)",
      "a == b || !(a < b) ? a : b → true ? a : b",
      "a == b || !(a < b) ? a : b → false ? a : b",
      "a == b || !(a < b) → a == b && !(a < b)",
      "a == b → false",
      "!(a < b) → false",
      "a == b → a != b",
      "!(a < b) → (a < b)",
      "a < b → a <= b",
    ],
  ],
  [
    "statements",
    "counted += a; emit Counted(a, b); delete counted; return 7;",
    [
      "counted += a → ",
      "counted += a → counted -= a",
      "counted += a → counted = a",
      "emit Counted(a, b) → ",
      "emit Counted(a, b) → emit Counted(b, a)",
      "delete counted → ",
      "7 → 7 + 1",
      "7 → 7 - 1",
    ],
  ],
  [
    "arithmetic, with literals in the type that they are calculated in",
    "return 10 ** a;",
    ["10 ** a → uint256(0)", "10 ** a → 10 * a", "10 → uint256(10 + 1)", "10 → uint256(10 - 1)"],
  ],
  [
    "no call of a function whose name every object of JavaScript has",
    "return this.toString();",
    ["this.toString() → uint256(0)"],
  ],
  ["no loop's step", "for (; a < b; ++a) {} return 0;", ["a < b → a <= b", "0 → 1"]],
  [
    "assembly, as a whole block",
    'assembly ("memory-safe") { mstore(0, a) } return 0;',
    [
      'assembly ("memory-safe") { mstore(0, a) } → assembly ("memory-safe") { {} }',
      'assembly ("memory-safe") { mstore(0, a) } → assembly ("memory-safe") { mstore(add(0, 0x20), a) }',
      "0 → 1",
    ],
  ],
];

function mutant(id: number): Mutant {
  return {
    id,
    contract: "Fixture",
    function: "count",
    operator: "constant",
    source: String(id),
    replacement: String(id + 1),
    occurrence: 1,
    line: id,
  };
}

describe("mutation", () => {
  describe("generate", () => {
    it("refuses a source that does not compile", async () => {
      await expect(mutantsOf("return c;")).to.be.rejectedWith(/do not compile[^]*Undeclared identifier/);
    });

    for (const [what, statements, changes] of CASES) {
      it(`changes ${what}`, async () => {
        expect(await changesOf(statements)).to.deep.equal(changes);
      });
    }

    it("changes functions outside of contracts, which go by the file's name", async () => {
      const text =
        "pragma solidity 0.8.37;\ntype Word is uint256;\nfunction low(Word word) pure returns (uint256) { return uint128(Word.unwrap(word)); }\n";
      const { mutants } = await generate(new Map([["contracts/types/Word.sol", text]]));
      expect(mutants.map(({ contract, function: name, replacement }) => [contract, name, replacement])).to.deep.equal([
        ["Word", "low", "uint256(0)"],
      ]);
    });

    it("puts every mutant into one source, which compiles and says what it said", async () => {
      const { mutants, text } = await mutantsOf("if (a > b) counted -= b; return a;");
      expect(mutants.map(({ id }) => id)).to.deep.equal([1, 2, 3, 4, 5, 6, 7]);
      expect(text).to.contain(
        "if ((Mutant.on(1) ? false : Mutant.on(2) ? true : Mutant.on(3) ? a >= b : a > b)) " +
          "{ if (Mutant.on(4)) {} else if (Mutant.on(5)) { counted += b; } else if (Mutant.on(6)) { counted = b; } " +
          "else { counted -= b; } } return (Mutant.on(7) ? uint256(0) : a);",
      );
      expect(text).to.contain("− ⌈a⌉");
    });

    it("numbers equal changes of one function, and knows a mutant by its text when lines move", async () => {
      const { mutants } = await mutantsOf("counted = a; counted = a; return 7;");
      const { mutants: moved } = await mutantsOf("\n\ncounted = a; counted = a; return 7;");
      expect(mutants.map(({ occurrence }) => occurrence)).to.deep.equal([1, 2, 1, 1]);
      expect(moved.map(keyOf)).to.deep.equal(mutants.map(keyOf));
      expect(moved[0].line).to.equal(mutants[0].line + 2);
    });
  });

  describe("order", () => {
    const reach = (ms: number, ...reached: number[]) => ({ ms, reached });
    const tests = new Map([
      ["test/unit/Fixture.test.ts#1", reach(10, 1, 2, 3)],
      ["test/unit/Fixture.test.ts#2", reach(10, 1, 2)],
      ["test/unit/Fixture.test.ts#3", reach(40, 1)],
      ["test/unit/Fixture.test.ts#4", reach(1, 2)],
      ["test/unit/Other.test.ts#1", reach(1, 1)],
    ]);
    const numbers = (...kills: [line: number, killer: string][]) =>
      order(
        mutant(1),
        tests,
        ["Fixture"],
        kills.map(([line, killer]) => ({ line, killer })),
      ).map((test) => test.replace(/^.*\/|\.test\.ts/g, ""));

    it("has the tests that come by the mutant, its contract's before others, of few mutants and short ones first", () => {
      expect(numbers()).to.deep.equal(["Fixture#2", "Fixture#1", "Fixture#3", "Other#1"]);
    });

    it("begins with those that killed the nearest mutants of the same function, if they come by this one", () => {
      const [one, three, four] = [1, 3, 4].map((number) => `test/unit/Fixture.test.ts#${number}`);
      expect(numbers([9, one], [1, four], [2, three])).to.deep.equal([
        "Fixture#3",
        "Fixture#1",
        "Fixture#2",
        "Other#1",
      ]);
    });
  });

  describe("report", () => {
    const judged = (outcome: Judged["outcome"], id: number): Judged => ({ mutant: mutant(id), outcome });

    it("scores the killed among those that are not equivalent", () => {
      const all = [judged("killed", 1), judged("timeout", 2), judged("survived", 3), judged("survived", 4)];
      const listed = [{ argument: "4 is never read", mutants: [mutant(4)] }];
      const { total, score, alive, stale, isComplete } = report(all, [1, 2, 3, 4].map(mutant), listed);
      expect(total).to.deep.equal({
        contract: "all",
        mutants: 4,
        killed: 2,
        timeouts: 1,
        equivalent: 1,
        survived: 1,
        unreached: 0,
      });
      expect(score).to.equal(200 / 3);
      expect(alive).to.deep.equal([{ ...mutant(3), outcome: "survived" }]);
      expect(stale).to.deep.equal([]);
      expect(isComplete).to.equal(false);
    });

    it("takes one that is listed as equivalent for that without a run", () => {
      const listed = [{ argument: "1 is never read", mutants: [mutant(1)] }];
      const { total, isComplete } = report([judged("listed", 1)], [mutant(1)], listed);
      expect(total).to.include({ equivalent: 1, survived: 0, unreached: 0 });
      expect(isComplete).to.equal(true);
    });

    it("tells mutants that no test comes by apart", () => {
      const { total, alive } = report([judged("unreached", 1)], [mutant(1)], []);
      expect([total.survived, total.unreached]).to.deep.equal([0, 1]);
      expect(alive).to.deep.equal([{ ...mutant(1), outcome: "unreached" }]);
    });

    it("is complete when all are killed or listed", () => {
      const listed = [{ argument: "2 is never read", mutants: [mutant(2)] }];
      const all = [judged("killed", 1), judged("survived", 2)];
      expect(report(all, [mutant(1), mutant(2)], listed)).to.include({ score: 100, isComplete: true });
    });

    it("reports what is listed as equivalent but is killed or gone", () => {
      const listed = [{ argument: "never read", mutants: [mutant(1), mutant(2)] }];
      const { stale, isComplete } = report([judged("killed", 1)], [mutant(1)], listed);
      expect(stale).to.deep.equal([
        { why: "is killed", key: keyOf(mutant(1)) },
        { why: "there is no such mutant", key: keyOf(mutant(2)) },
      ]);
      expect(isComplete).to.equal(false);
    });
  });
});
