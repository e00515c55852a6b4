import { readFile } from "node:fs/promises";
import path from "node:path";

import { expect } from "chai";

import Filler from "../../../deploy/modules/Filler";
import FillerV4 from "../../../deploy/modules/FillerV4";
import { readPages, ROOT, trackedFiles } from "./pages";

describe("the shapes that the documentation shows", () => {
  const blocks = readPages().flatMap((page) => page.blocks);

  it("are the parameters of the modules in deploy/", () => {
    const given = blocks
      .filter(({ language }) => language === "json")
      .map(({ text }) => JSON.parse(text) as Record<string, Record<string, string>>);
    const declared = [Filler, FillerV4].map(({ id, results: { filler } }) => ({
      [id]: Object.fromEntries(filler.constructorArgs.map((each) => [(each as { name: string }).name, "0x…"])),
    }));
    expect(given).to.deep.equal(declared);
  });

  it("are the types of the contracts", async () => {
    const sources = await Promise.all(
      trackedFiles("contracts/*.sol").map((file) => readFile(path.join(ROOT, file), "utf8")),
    );
    const [shapes] = blocks.filter(({ language }) => language === "solidity");
    const types = bare(shapes.text).match(/(enum|struct) \w+ \{[^}]*\}/g) ?? [];
    const code = bare(sources.join("\n"));
    expect(types.filter((type) => !code.includes(type))).to.deep.equal([]);
    expect(types).to.have.length.above(4);
  });
});

/** Returns Solidity without comments, and with one space for each gap. */
function bare(text: string): string {
  return text
    .replace(/\/\/.*$/gm, "")
    .replace(/\s+/g, " ")
    .replace(/ ?([{};,]) ?/g, " $1 ");
}
