import { spawnSync } from "node:child_process";

import CHANGED from "./a7eb110.json";

/** What became of titles, by what they were: of whole suites by their beginnings, and of single tests. */
export interface Changes {
  suites: Readonly<Record<string, string>>;
  tests: Readonly<Record<string, string | readonly string[]>>;
}

/** What became of a test. */
export interface Account {
  title: string;
  state: "same" | "renamed" | "replaced" | "missing";
  /** The tests that there are in its place. */
  now: string[];
}

/** Lists the titles of a checkout's tests without running them; the checkout's own Hardhat and Mocha load them. */
const LIST = `
  const { existsSync, readdirSync } = require("node:fs");
  const path = require("node:path");
  const Mocha = require("mocha");
  const mocha = new Mocha();
  for (const room of ["test", "packages", "lab/test"].filter(existsSync)) {
    for (const file of readdirSync(room, { recursive: true })) {
      if (file.endsWith(".test.ts") && !file.includes("node_modules")) mocha.addFile(path.resolve(room, file));
    }
  }
  mocha.loadFilesAsync().then(() => {
    const titles = [];
    mocha.suite.eachTest((test) => titles.push(test.fullTitle()));
    process.stdout.write("\\n" + JSON.stringify(titles), () => process.exit(0));
  });`;

/** Returns the titles of a checkout's tests, without tags and seeds, which anyone may set. */
export function titlesOf(folder: string): string[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["-r", "hardhat/register", "-e", LIST], {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    env: { ...process.env, HARDHAT_NETWORK: "hardhat" },
  });
  if (status !== 0) throw new Error(`The tests of ${folder} cannot be loaded:\n${stderr}`);
  return (JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as string[]).map(plain);
}

/** Returns a title without its tags and its seed. */
export function plain(title: string): string {
  return title.replace(/ \[(T\d+[a-z]?|slow|random|shipped)\]/g, "").replace(/ \(?seed[ =]\d+\)?/gi, "");
}

/** Says of each title what became of it; missing is one whose place no test of today has. */
export function account(before: readonly string[], now: readonly string[], changes: Changes = CHANGED): Account[] {
  const titles = new Set(now);
  const accountOf = (title: string): Account => {
    if (titles.has(title)) return { title, state: "same", now: [title] };
    const change = changes.tests[title] ?? renamedSuite(title, changes);
    const named = change === undefined ? [] : [change].flat();
    const isThere = named.length > 0 && named.every((each) => titles.has(each));
    if (!isThere) return { title, state: "missing", now: named };
    return { title, state: typeof change === "string" ? "renamed" : "replaced", now: named };
  };
  return before.map(accountOf);
}

function renamedSuite(title: string, { suites }: Changes): string | undefined {
  const beginning = Object.keys(suites).find((each) => title.startsWith(each));
  return beginning === undefined ? undefined : suites[beginning] + title.slice(beginning.length);
}
