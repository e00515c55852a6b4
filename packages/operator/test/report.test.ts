import { expect } from "chai";

import { type Check, reportOf, toMarkdown, toText, verdict } from "@turingfog/operator";

const CHECKS: Check[] = [
  { section: "Roles", what: "quorum", expected: "3", actual: "3", passed: true },
  { section: "Roles", what: "guardian", expected: "A", actual: "B | C", passed: false },
  { section: "Supply", what: "minted", expected: "1", actual: "1", passed: true },
];
const FACTS = { network: "a node", block: "7" };

describe("report", () => {
  it("passes when every check has", () => {
    expect(reportOf("Acceptance", FACTS, CHECKS).passed).to.equal(false);
    const passing = reportOf("Acceptance", FACTS, [CHECKS[0]]);
    expect(passing.passed).to.equal(true);
    expect(verdict(passing)).to.equal("All 1 checks passed.");
  });

  it("has in Markdown what failed first, then every check under its section", () => {
    expect(toMarkdown(reportOf("Acceptance", FACTS, CHECKS)).split("\n")).to.deep.equal([
      "# Acceptance",
      "",
      "- network: a node",
      "- block: 7",
      "",
      "**1 of 3 checks FAILED.**",
      "",
      "## Failed",
      "",
      "|  | what | is |  |",
      "| --- | --- | --- | --- |",
      "| **FAILED** | guardian | B \\| C | **must be** A |",
      "",
      "## Roles",
      "",
      "|  | what | is |  |",
      "| --- | --- | --- | --- |",
      "| ok | quorum | 3 |  |",
      "| **FAILED** | guardian | B \\| C | **must be** A |",
      "",
      "## Supply",
      "",
      "|  | what | is |  |",
      "| --- | --- | --- | --- |",
      "| ok | minted | 1 |  |",
    ]);
  });

  it("shows on a terminal what failed, and otherwise how much was checked", () => {
    expect(toText(reportOf("Acceptance", FACTS, CHECKS)).split("\n")).to.deep.equal([
      "Acceptance",
      "  network: a node",
      "  block: 7",
      "",
      "  Roles: guardian",
      "    is      B | C",
      "    must be A",
      "",
      "1 of 3 checks FAILED.",
    ]);
    expect(toText(reportOf("Acceptance", {}, [CHECKS[0], CHECKS[2]])).split("\n")).to.deep.equal([
      "Acceptance",
      "",
      "  Roles: 1",
      "  Supply: 1",
      "",
      "All 2 checks passed.",
    ]);
  });
});
