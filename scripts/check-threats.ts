import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

import hre from "hardhat";
import Mocha from "mocha";

import THREATS from "../test/adversaries/threats.json";

const USAGE = `Runs every test that holds one of the requirements of test/adversaries/threats.json, and prints each requirement with
its result.

  npm run threats -- [--only IDS] [--json FILE]

  --only IDS   only these requirements, as 16,22a
  --json FILE  also write the results to a file
  --help       print this

Ends with 1 when a test is not there, is not run or fails, and with 2 when it is called wrongly.`;

const TESTS = path.join(__dirname, "../test");

/** What went wrong in protocols of this kind, as a requirement, and the tests that would fail if it were not met. */
interface Threat {
  id: string;
  requirement: string;
  /** Full titles without the seed, by the file under `test/`. */
  tests: readonly { file: string; titles: readonly string[] }[];
}

type State = "passed" | "failed" | "not run";

/** What became of a named test. */
interface Outcome {
  file: string;
  title: string;
  state: State;
}

interface Result extends Omit<Threat, "tests"> {
  tests: Outcome[];
}

/** A title without the seed, which anyone may set. */
function withoutSeed(title: string): string {
  return title.replace(/ \(seed[ =]\d+\)/gi, "");
}

function keyOf(file: string, title: string): string {
  return `${file}: ${withoutSeed(title)}`;
}

/** Runs the named tests, and resolves to what became of each that there is. */
async function run(threats: readonly Threat[]): Promise<Map<string, State>> {
  const named = threats.flatMap(({ tests }) => tests);
  const wanted = new Set(named.flatMap(({ file, titles }) => titles.map((title) => keyOf(file, title))));
  const files = new Set(named.map(({ file }) => file));

  const mocha = new Mocha({ ...hre.config.mocha, reporter: "dot" });
  for (const file of files) mocha.addFile(path.join(TESTS, file));
  await mocha.loadFilesAsync();

  const keyOfTest = (test: Mocha.Test) => keyOf(path.relative(TESTS, test.file ?? ""), test.fullTitle());
  const keep = (suite: Mocha.Suite): void => {
    suite.tests = suite.tests.filter((test) => wanted.has(keyOfTest(test)));
    suite.suites.forEach(keep);
  };
  keep(mocha.suite);

  const states = new Map<string, State>();
  return new Promise((resolve) => {
    mocha
      .run(() => resolve(states))
      .on("pass", (test) => states.set(keyOfTest(test), "passed"))
      .on("fail", (test) => {
        if (test.type === "test") states.set(keyOfTest(test), "failed");
      });
  });
}

function report(results: readonly Result[]): void {
  console.log("\nRequirements, and how many of their tests passed");
  for (const { id, requirement, tests } of results) {
    const passed = tests.filter(({ state }) => state === "passed").length;
    const bad = tests.filter(({ state }) => state !== "passed");
    console.log(`${bad.length === 0 ? "ok  " : "FAIL"} ${id.padStart(3)}  ${passed}/${tests.length}  ${requirement}`);
    for (const { file, title, state } of bad) console.log(`             ${state}: test/${file}: ${title}`);
  }
}

function select(only: string | undefined): readonly Threat[] {
  if (only === undefined) return THREATS;
  return only.split(",").map((id) => {
    const threat = THREATS.find((each) => each.id === id);
    if (threat === undefined)
      throw new Error(`--only ${id}: there is no such requirement, see test/adversaries/threats.json`);
    return threat;
  });
}

async function main(threats: readonly Threat[], json: string | undefined): Promise<void> {
  const states = await run(threats);
  const results = threats.map(({ id, requirement, tests }) => ({
    id,
    requirement,
    tests: tests.flatMap(({ file, titles }) =>
      titles.map((title): Outcome => ({ file, title, state: states.get(keyOf(file, title)) ?? "not run" })),
    ),
  }));
  report(results);
  if (json !== undefined) {
    mkdirSync(path.dirname(json), { recursive: true });
    writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
  }
  const held = results.filter(({ tests }) => tests.length > 0 && tests.every(({ state }) => state === "passed"));
  console.log(`\n${held.length} of ${results.length} requirements are held by tests that were run and passed`);
  process.exitCode = held.length === results.length ? 0 : 1;
}

function options(): { threats: readonly Threat[]; json: string | undefined } | undefined {
  const { values } = parseArgs({
    options: { only: { type: "string" }, json: { type: "string" }, help: { type: "boolean", default: false } },
  });
  if (values.help) return undefined;
  return { threats: select(values.only), json: values.json };
}

try {
  const given = options();
  if (given === undefined) console.log(USAGE);
  else {
    void main(given.threats, given.json).catch((error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    });
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
