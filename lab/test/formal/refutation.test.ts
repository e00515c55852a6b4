import { readFileSync } from "node:fs";
import path from "node:path";

import { WAD } from "@turingfog/sdk";
import { expect } from "chai";

import { check, type Verdict } from "../../formal/check";
import { exp2, isMonotone, readFactors } from "../../formal/exp2";
import { ARGUMENTS, type Suite, SUITES } from "../../formal/suites";

const ROOT = path.join(__dirname, "../../..");

/** What is said of each property of a suite when shipped sources are changed: file → what is replaced by what. */
function verdictsOf(suite: string, changes: Record<string, [from: string, to: string][]>): Map<string, Verdict> {
  const properties = check(suiteOf(suite), (file) => {
    const source = readFileSync(path.join(ROOT, file.startsWith("@") ? path.join("node_modules", file) : file), "utf8");
    return (changes[file] ?? []).reduce((text, [from, to]) => {
      expect(text).to.include(from);
      return text.replace(from, to);
    }, source);
  });
  return new Map(properties.map(({ name, verdict }) => [name, verdict]));
}

function suiteOf(name: string): Suite {
  return SUITES.find((suite) => suite.name === name)!;
}

describe("The checker", () => {
  it("refutes a token that anyone burns, below its floor", () => {
    const found = verdictsOf("TFTProperties", {
      "contracts/TFT.sol": [
        ["if (msg.sender != CONTROLLER) revert", "if (msg.sender == address(0)) revert"],
        ["if (totalSupply() < ULTIMATE_SUPPLY) revert", "if (totalSupply() == 0) revert"],
      ],
    });

    expect(found.get("burnIsTheControllers")).to.equal("refuted");
    expect(found.get("burnKeepsTheUltimateSupply")).to.equal("refuted");
    expect(found.get("burnIsExact")).to.equal("proven");
  });

  it("calls vacuous what holds because nothing reaches it", () => {
    const found = verdictsOf("TFTProperties", { "contracts/TFT.sol": [["_burn(msg.sender, amount);", "revert();"]] });

    expect(found.get("burnIsExact")).to.equal("vacuous");
    expect(found.get("transferKeepsTheSupply")).to.equal("proven");
  });

  it("misses a canary on a way that the argument of an unreached call makes impossible", () => {
    const suite = suiteOf("AuctionExponentProperties");
    const edits = suite.edits.filter((edit) => !ARGUMENTS.includes(edit));

    const canary = check({ ...suite, edits }).find(({ name }) => name === "canaryExponentIsNeverCutToZero");
    expect(canary?.verdict).to.equal("missed");
  });

  it("refutes an auction that falls too far, or not every second", () => {
    const found = verdictsOf("AuctionExponentProperties", {
      "contracts/libraries/AuctionPrice.sol": [
        ["FIRST_PERIOD_HALVINGS = 5", "FIRST_PERIOD_HALVINGS = 6"],
        ["LATER_PERIOD_HALVINGS = 4", "LATER_PERIOD_HALVINGS = 0"],
      ],
    });

    expect(found.get("exponentIs118AfterTheOpening")).to.equal("proven");
    expect(found.get("exponentIs113AfterThePeriod")).to.equal("refuted");
    expect(found.get("exponentStaysAbove113InThePeriod")).to.equal("refuted");
    expect(found.get("exponentFallsEverySecond")).to.equal("refuted");
    expect(found.get("exponentStartsAt128")).to.equal("proven");
  });

  it("refutes a reference price that a lot more than doubles, or moves for nothing", () => {
    const found = verdictsOf("AuctionReferenceProperties", {
      "contracts/libraries/AuctionPrice.sol": [
        ["(referencePrice * 2).min(", "(referencePrice * 3).min("],
        ["proceeds.min(FULL_PROCEEDS);", "FULL_PROCEEDS;"],
        ["referencePrice.ceilDiv(2).max(MIN_REFERENCE)", "MIN_REFERENCE"],
      ],
    });

    expect(found.get("referenceMovesAtMostToDoubleOrHalf")).to.equal("refuted");
    expect(found.get("referenceIgnoresLotsForNothing")).to.equal("refuted");
  });

  it("refutes an operations' share that no longer fits", () => {
    const found = verdictsOf("VaultShareProperties", {
      "contracts/libraries/SupplySchedule.sol": [["RESERVE = 350_000_000e18", "RESERVE = 2 ** 120"]],
    });

    expect(found.get("operationsFit")).to.equal("refuted");
  });
});

describe("The arithmetic over exp2", () => {
  it("refutes a table with one factor off", () => {
    const factors = readFactors();
    const [bit, factor] = [...factors][20];
    factors.set(bit, factor + (factor >> 15n));

    expect(isMonotone(factors)).to.equal(false);
  });

  it("refutes a table with one factor missing", () => {
    const factors = readFactors();
    factors.delete(1n);

    expect(isMonotone(factors)).to.equal(false);
  });

  it("agrees with whole powers and with the root of two", () => {
    const factors = readFactors();

    expect(exp2(10n << 64n, factors)).to.equal(1_024n * WAD);
    expect(exp2(1n << 63n, factors)).to.equal(1_414_213_562_373_095_048n);
  });
});
