import { readFileSync } from "node:fs";
import path from "node:path";

import { expect } from "chai";

import { callers } from "../snapshots/callers";
import { compile, type Compilation } from "../snapshots/compile";
import { describe as describeDifference, differences } from "../snapshots/difference";
import { snapshotOf } from "../snapshots/render";

const ROOT = path.join(__dirname, "../..");

/** The contracts compiled with sources changed: file → what is replaced by what. */
function compileWith(changes: Record<string, [from: string, to: string][]>): Compilation {
  return compile((name) => {
    const source = readFileSync(path.join(ROOT, name.startsWith("@") ? path.join("node_modules", name) : name), "utf8");
    return (changes[name] ?? []).reduce((text, [from, to]) => {
      expect(text).to.include(from);
      return text.replace(from, to);
    }, source);
  });
}

function snapshotsOf(compilation: Compilation): Map<string, string> {
  return new Map(compilation.contracts.map((contract) => [contract.name, snapshotOf(contract, 1, compilation)]));
}

describe("Snapshots of the contracts", () => {
  it("are changed by a guard taken out, a variable that moves and an event with another argument", () => {
    const guard = "        if (msg.sender != CONTROLLER) revert Vault_NotController(msg.sender);\n";
    const variable = "    Account private _account;\n";
    const event = "event OperationsPaid(address indexed treasury, uint256 amount);";
    const changed = compileWith({
      "contracts/EmissionVault.sol": [
        [guard, ""],
        [variable, `    uint256 private _first;\n${variable}`],
      ],
      "contracts/interfaces/IEmissionVault.sol": [[event, event.replace("uint256", "uint256 indexed")]],
    });

    const found = differences(snapshotsOf(compile()), snapshotsOf(changed));

    expect(found.map(({ contract }) => contract)).to.deep.equal(["EmissionVault"]);
    expect(found[0].gone).to.include("release()  CONTROLLER  else Vault_NotController");
    expect(found[0].come).to.include("release()  anyone");
    expect(found[0].gone).to.include("slot 0  byte 0  32 bytes  _account  struct EmissionVault.Account");
    expect(found[0].come).to.include("slot 1  byte 0  32 bytes  _account  struct EmissionVault.Account");
    expect(found[0].come).to.include("event OperationsPaid(address indexed treasury, uint256 indexed amount)");
  });

  it("follow modifiers and functions to the guard that they share", () => {
    const compilation = compile();
    const contract = (name: string) => compilation.contracts.find((each) => each.name === name)!;
    const callerOf = (name: string, signature: string) =>
      callers(contract(name), compilation).find((caller) => caller.signature === signature);

    expect(callerOf("TUReceiptOracle", "veto(bytes32)")?.role).to.equal("guardian");
    expect(callerOf("VestedAllocation", "transferOwnership(address)")?.role).to.equal("owner()");
    expect(callerOf("ComputeEscrow", "close(uint256)")).to.deep.equal({ signature: "close(uint256)" });
  });
});

describe("A difference", () => {
  it("names what is gone and what has come", () => {
    const found = differences(new Map([["TFT", "TFT\n  a  1\n  b  2\n"]]), new Map([["TFT", "TFT\n  a  1\n  b  3\n"]]));

    expect(found.map(describeDifference)).to.deep.equal(["TFT\n  - b  2\n  + b  3"]);
  });

  it("is not made by columns that are aligned otherwise", () => {
    expect(differences(new Map([["TFT", "  a    1\n"]]), new Map([["TFT", "  a  1\n"]]))).to.have.lengthOf(0);
  });

  it("is made by a contract without a snapshot, and by a snapshot without a contract", () => {
    expect(differences(new Map([["Old", "x"]]), new Map([["New", "y"]]))).to.deep.equal([
      { contract: "New", gone: [], come: ["y"] },
      { contract: "Old", gone: ["x"], come: [] },
    ]);
  });
});
