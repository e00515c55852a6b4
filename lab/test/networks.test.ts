import { readFileSync } from "node:fs";
import path from "node:path";

import { CHAINS } from "@turingfog/sdk";
import { expect } from "chai";

const NETWORKS = path.join(__dirname, "../../docs/networks.md");

/** Cells of the rows of a table that begin with a name, by that name. */
function rowsUnder(heading: string): Map<string, string[]> {
  const [, section] = readFileSync(NETWORKS, "utf8").split(`${heading}\n`);
  const rows = section.split("\n## ")[0].matchAll(/^\| `(\w+)` +\|(.*)\|$/gm);
  return new Map(Array.from(rows, ([, name, rest]) => [name, rest.split("|").map((cell) => cell.trim())]));
}

describe("docs/networks.md", () => {
  it("has the id and the times of every public chain as CHAINS has them", () => {
    const [facts, times] = [rowsUnder("# Networks"), rowsUnder("## Times")];
    const known = Object.entries(CHAINS).filter(([, { chainId }]) => chainId !== undefined);
    expect([...times.keys()]).to.deep.equal(known.map(([name]) => name));
    for (const [name, { title, chainId, blockTime, finality, patience, since }] of known) {
      expect(facts.get(name)?.slice(0, 2)).to.deep.equal([title, String(chainId)]);
      const [block, stays, replaced, day] = times.get(name) ?? [];
      expect(block, name).to.equal(blockTime < 1 ? `${blockTime * 1_000} ms` : `${blockTime} s`);
      expect(stays, name).to.equal(`\`${finality.tag}\`, within ${finality.takes / 60} min`);
      expect(replaced, name).to.equal(`${patience} s`);
      expect(day, name).to.match(new RegExp(`^${since}, `));
    }
  });
});
