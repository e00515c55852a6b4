import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect } from "chai";
import ts from "typescript";

import { assertionsIn, type Assertion } from "../reached/asserted";
import { outcomes } from "../reached/declared";

const PROLOGUE = `
  class Vault { private vault = 1 }
  class Pool { private pool = 1 }
  declare const vault: Vault; declare const pool: Pool; declare const either: Vault | Pool;
  declare const expect: (claim: unknown) => any;
`;

/** Returns the findings in a test file of these lines. */
function assertionsOf(lines: string): Assertion[] {
  const directory = mkdtempSync(path.join(tmpdir(), "reached-"));
  try {
    const file = path.join(directory, "some.test.ts");
    writeFileSync(file, PROLOGUE + lines);
    return assertionsIn(ts.createProgram([file], { types: [] }), directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe("assertionsIn", () => {
  it("does not count what is negated", () => {
    expect(assertionsOf(`expect(1).not.to.emit(vault, "Released").withArgs(1);`)).to.have.lengthOf(0);
    expect(assertionsOf(`expect(1).to.not.emit(vault, "Released");`)).to.have.lengthOf(0);
  });

  it("does not count what is only written", () => {
    expect(assertionsOf(`// .to.emit(vault, "Released")\nconst text = '.emit(vault, "Released")';`)).to.have.lengthOf(
      0,
    );
  });

  it("tells with arguments from without", () => {
    const found = assertionsOf(`
      expect(1).to.be.revertedWithCustomError(vault, "Denied").withArgs(1);
      expect(1).to.be.revertedWithCustomError(vault, "Denied");
    `);

    expect(found.map(({ kind, hasArguments }) => [kind, hasArguments])).to.deep.equal([
      ["error", true],
      ["error", false],
    ]);
  });

  it("takes the contract by its type, however it is called", () => {
    const [found] = assertionsOf(`const x = { it: pool }; expect(1).to.emit(x.it, "Added").withArgs(1);`);

    expect(found.contracts).to.deep.equal(["Pool"]);
  });

  it("takes names from a table, and each contract of several", () => {
    const [found] = assertionsOf(
      `for (const name of [] as ("A" | "B")[]) expect(1).to.be.revertedWithCustomError(either, name).withArgs(1);`,
    );

    expect(found.names).to.have.members(["A", "B"]);
    expect(found.contracts).to.have.members(["Vault", "Pool"]);
  });
});

describe("outcomes", () => {
  it("tells a contract's own errors and events from those of libraries", () => {
    const all = outcomes().filter(({ contract }) => contract === "TFT");
    const named = (name: string) => all.find((outcome) => outcome.name === name);

    expect(named("TFT_NotController")).to.deep.include({ kind: "error", isOwn: true, hasArguments: true });
    expect(named("ERC20InvalidSender")).to.deep.include({ kind: "error", isOwn: false });
    expect(named("EIP712DomainChanged")).to.deep.include({ kind: "event", isOwn: false, hasArguments: false });
  });

  it("leaves mocks and interfaces out", () => {
    const contracts = outcomes().map(({ contract }) => contract);

    expect(contracts).to.include.members(["BuybackBurnController", "VestedAllocation"]);
    expect(contracts).not.to.include("TestToken");
    expect(contracts).not.to.include("ITFT");
  });
});
