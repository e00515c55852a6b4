import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import type { Page } from "./pages";

/** Programs of the repository, and those that call its commands. */
const PROGRAMS = ["npm", "npx", "turingfog", ".ci/run"];

/** Matches a line that begins with one of these programs, after variables that are set for it alone, or a function that repeats it. */
const COMMAND =
  /^\s*(\w+=(\$\([^)]*\)|\S*) |eventually )*(npm (run|test|ci|install|pack)|npx [a-z@]|turingfog [a-z-]+( |$)|\.ci\/run)/;

/** Tells whether a text between backticks is a command line. */
export function isCommandLine(text: string): boolean {
  return COMMAND.test(text);
}

/** Returns the words of each command of the repository that the pages give, in `sh` blocks and in the text. */
export function commandLinesOf(pages: readonly Page[]): string[][] {
  const lines = pages.flatMap(({ spans, blocks }) => [
    ...blocks
      .filter(({ language }) => language === "sh")
      .flatMap(({ text }) => text.replace(/\\\n\s*/g, "").split("\n")),
    ...spans,
  ]);
  return split(lines.filter(isCommandLine));
}

/** Lets bash split lines into commands and words. The programs are functions that do nothing but print both. */
export function split(lines: readonly string[]): string[][] {
  const recorders = PROGRAMS.map((program) => `${program}() { printf '%s\\0' ${program} "$@" >&3; echo >&3; }`);
  // in the background two would print at once
  const waited = lines.map((line) => line.replace(/\s*(?<!&)&\s*$/, ""));
  const others = ['eventually() { "$@"; }', "key() { :; }"];
  const script = ["exec 3>&1 >/dev/null", ...recorders, ...others, ...waited].join("\n");
  const folder = mkdtempSync(path.join(tmpdir(), "turingfog-split-"));
  // what is printed there goes nowhere
  mkdirSync(path.join(folder, "local"));
  try {
    const recorded = execFileSync("bash", ["--norc", "-c", script], {
      cwd: folder,
      encoding: "utf8",
      env: {},
      stdio: ["ignore", "pipe", "inherit"],
    });
    return recorded
      .split("\n")
      .filter((record) => record !== "")
      .map((record) => record.split("\0").slice(0, -1));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
