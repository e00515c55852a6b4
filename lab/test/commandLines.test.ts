import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";

import { expect } from "chai";

const ROOT = path.join(__dirname, "../..");

/** A command line that starts a node of Hardhat's, up to its end. */
const STARTS_NODE = /\bhardhat(?: --?[\w-]+(?: [^\s-][^\s`]*)?)* node\b[^`\n|&;"]*/g;

/** Documents, settings and scripts of the repository, in which a command line may be given. */
function texts(): [file: string, text: string][] {
  const files = execFileSync("git", ["ls-files", "*.md", "*.json", "*.ts", "*.sh", ".ci/*"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return files
    .trim()
    .split("\n")
    .filter((file) => file !== "package-lock.json" && file !== "lab/test/commandLines.test.ts")
    .map((file) => [file, readFileSync(path.join(ROOT, file), "utf8")]);
}

describe("the command lines that are given", () => {
  it("have a node of Hardhat's listen on the loopback alone, which in a container it does not by itself", () => {
    const starts = texts().flatMap(([file, text]) =>
      Array.from(text.matchAll(STARTS_NODE), ([line]): [string, string] => [file, line.trim()]),
    );
    expect(starts.map(([file]) => file)).to.include.members(["README.md", "docs/deploying.md"]);
    for (const [file, line] of starts) expect(line, file).to.contain("--hostname 127.0.0.1");
  });
});
