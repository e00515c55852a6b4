import { execFileSync, spawnSync } from "node:child_process";
import path from "node:path";

import { candidates, program } from "@turingfog/cli";
import { expect } from "chai";

import { TURINGFOG } from "../../../test/helpers/otherChain";
import { printedBy } from "../../../test/helpers/tuLogs";

const ROOT = path.join(__dirname, "../../..");

/** Returns what may stand at the end of words with one space between them; the last may be empty. */
async function after(line: string): Promise<string[]> {
  const words = line.split(" ");
  return candidates(await program(words), words).map(({ word }) => word);
}

describe("completion", () => {
  for (const [line, words] of [
    ["gu", ["guard"]],
    ["guard v", ["veto", "veto-rating"]],
    ["guard veto --ro", ["--root"]],
    ["deploy run --network sep", ["sepolia"]],
    ["deploy run --network localhost --yes --dry", ["--dry-run"]],
    ["govern schedule r", ["rotate-signers", "replace-guardian"]],
    ["deploy run --parameters ", []],
    ["tu rate ", []],
    ["frob ", []],
  ] as const) {
    it(`of "${line}" is ${words.join(", ") || "left to the shell"}`, async () => {
      expect(await after(line)).to.deep.equal(words);
    });
  }

  it("offers the options of a command that takes no arguments", async () => {
    expect(await after("govern list ")).to.include.members(["--network", "--deployments", "--json", "--help"]);
  });

  it("gives each word with what it stands for", async () => {
    expect(await printedBy("completion words", "--", "deploy", "p")).to.equal(
      "plan\tshow what a deployment would do and cost",
    );
    expect(await printedBy("completion words", "--", "tu", "rate", "")).to.equal("");
  });

  /** Runs a script of a shell in which `turingfog` is the command line. */
  const inShell = (shell: string, lines: string[]) =>
    execFileSync(shell, ["-c", lines.join("\n")], {
      cwd: ROOT,
      encoding: "utf8",
      env: { ...process.env, NODE: process.execPath, TURINGFOG },
    });

  for (const [line, words] of [
    ["turingfog guard v", ["veto", "veto-rating"]],
    ["turingfog deploy run --network arb", ["arbitrum", "arbitrumSepolia"]],
    ["turingfog deploy plan --parameters CONTRIB", []],
  ] as const) {
    it(`works in bash: ${line}`, () => {
      const typed = line.split(" ");
      const printed = inShell("bash", [
        'turingfog() { "$NODE" "$TURINGFOG" "$@"; }',
        'eval "$(turingfog completion bash)"',
        `COMP_WORDS=(${typed.join(" ")}) COMP_CWORD=${typed.length - 1}`,
        "_turingfog",
        'printf "%s\\n" "${COMPREPLY[@]}"',
        "complete -p turingfog",
      ]);
      const found = printed.trim().split("\n");
      // bash completes files where the function gives nothing
      expect(found.pop()).to.equal("complete -o default -F _turingfog turingfog");
      expect(found.filter((word) => word !== "")).to.deep.equal(words);
    });
  }

  /** Declares a test in a shell: one that is pending, with the reason, where the shell is missing. */
  function itIn(shell: string, lines: string[], expected: RegExp): void {
    if (spawnSync(shell, ["--version"]).status !== 0) {
      it(`works in ${shell}: not run, it is not installed`);
      return;
    }
    it(`works in ${shell}`, () => {
      expect(inShell(shell, lines)).to.match(expected);
    });
  }

  itIn(
    "fish",
    [
      "function turingfog; $NODE $TURINGFOG $argv; end",
      "turingfog completion fish | source",
      'complete -C "turingfog guard v"',
    ],
    /^veto\trefuse a pending root of receipts\nveto-rating\t/,
  );

  itIn(
    "zsh",
    [
      'turingfog() { "$NODE" "$TURINGFOG" "$@"; }',
      "compdef() { :; }",
      '_describe() { print -rl -- "${(@P)2}"; }',
      'eval "$(turingfog completion zsh)"',
      "words=(turingfog guard v) CURRENT=3",
      "_turingfog",
    ],
    /^veto:refuse a pending root of receipts\nveto-rating:/,
  );
});
