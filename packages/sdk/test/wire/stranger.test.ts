import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect } from "chai";

import { VECTORS } from "../../../../scripts/vectors";

const CLIENT = path.join(__dirname, "stranger.py");

/** Python is not one of the project's tools: where it is missing, there is nothing to hold the page to. */
const hasPython = spawnSync("python3", ["--version"]).status === 0;

function check(folder: string) {
  return spawnSync("python3", [CLIENT, folder], { encoding: "utf8" });
}

/** Checks a copy of the vectors in which a file was changed. */
function checkChanged(file: string, change: (text: string) => string) {
  const folder = mkdtempSync(path.join(tmpdir(), "turingfog-vectors-"));
  try {
    cpSync(VECTORS, folder, { recursive: true });
    const name = path.join(folder, file);
    const text = readFileSync(name, "utf8");
    expect(change(text)).not.to.equal(text);
    writeFileSync(name, change(text));
    return check(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("a stranger's client, in Python's standard library", () => {
  if (!hasPython) return;

  it("reads the vectors by docs/operators/formats.md alone, and comes to the same hashes", () => {
    const facts = JSON.parse(readFileSync(path.join(VECTORS, "receipts.facts.json"), "utf8")) as Record<
      string,
      unknown
    >;
    const { status, stdout, stderr } = check(VECTORS);
    expect(stderr).to.equal("");
    expect(status).to.equal(0);
    const { dataHash, receipts, totalTU } = facts;
    const counts = { readings: 4, evidence: 4, documents: 2, messages: 4, bundle: 3, refused: 22 };
    expect(JSON.parse(stdout)).to.deep.equal({ dataHash, receipts, totalTU, ...counts });
  });

  for (const [file, what, change, message] of [
    [
      "receipts.json",
      "a receipt's TU",
      (text: string) => text.replace('"cumulativeTU":"1', '"cumulativeTU":"2'),
      "dataHash",
    ],
    ["receipts.json", "a space", (text: string) => text.replace(":", ": "), "canonical form"],
    ["chain.json", "a line of evidence", (text: string) => text.replace('60000\\"', '60001\\"'), "another evidence"],
    ["chain.json", "a digest", (text: string) => text.replace(/("digests": \[\s+"0x)../, "$100"), "digest should be"],
    ["documents.json", "a slot", (text: string) => text.replace("ROUNDS", "SQUARE"), "structHash"],
    ["refused.json", "a text that is right", (text: string) => text.replace(': \\"', ':\\"'), "is not refused"],
  ] as const) {
    it(`sees ${what} changed in ${file}`, () => {
      const { status, stderr } = checkChanged(file, change);
      expect(stderr).to.contain(message);
      expect(status).to.equal(1);
    });
  }
});
