import path from "node:path";

import hre from "hardhat";
import Mocha from "mocha";

import THREATS from "../test/adversaries/threats.json";
import { ends, main, newCommand, type Output, outputOf, UsageError } from "@turingfog/cli";

const ROOT = path.join(__dirname, "..");

/** What went wrong in protocols of this kind, as a requirement, and the tests that would fail if it were not met. */
interface Threat {
  id: string;
  requirement: string;
  /** Full titles without the seed, by the file. */
  tests: readonly { file: string; titles: readonly string[] }[];
}

type State = "passed" | "failed" | "not run";

/** The outcome of a named test. */
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
async function runTests(threats: readonly Threat[]): Promise<Map<string, State>> {
  const named = threats.flatMap(({ tests }) => tests);
  const wanted = new Set(named.flatMap(({ file, titles }) => titles.map((title) => keyOf(file, title))));
  const files = new Set(named.map(({ file }) => file));

  const mocha = new Mocha({ ...hre.config.mocha, reporter: "dot" });
  for (const file of files) mocha.addFile(path.join(ROOT, file));
  await mocha.loadFilesAsync();

  const keyOfTest = (test: Mocha.Test) => keyOf(path.relative(ROOT, test.file ?? ""), test.fullTitle());
  const keep = (suite: Mocha.Suite): void => {
    suite.tests = suite.tests.filter((test) => wanted.has(keyOfTest(test)));
    suite.suites.forEach(keep);
  };
  keep(mocha.suite);

  // what the runner and the tests print is not the result
  const print = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  const states = new Map<string, State>();
  return new Promise((resolve) => {
    mocha
      .run(() => {
        process.stdout.write = print;
        resolve(states);
      })
      .on("pass", (test) => states.set(keyOfTest(test), "passed"))
      .on("fail", (test) => {
        if (test.type === "test") states.set(keyOfTest(test), "failed");
      });
  });
}

function describe(results: readonly Result[], held: number): string {
  const lines = results.flatMap(({ id, requirement, tests }) => {
    const passed = tests.filter(({ state }) => state === "passed").length;
    const bad = tests.filter(({ state }) => state !== "passed");
    return [
      `${bad.length === 0 ? "ok  " : "FAIL"} ${id.padStart(3)}  ${passed}/${tests.length}  ${requirement}`,
      ...bad.map(({ file, title, state }) => `             ${state}: ${file}: ${title}`),
    ];
  });
  return [
    "\nRequirements, and how many of their tests passed",
    ...lines,
    `\n${held} of ${results.length} requirements are held by tests that were run and passed`,
  ].join("\n");
}

function select(only: string | undefined): readonly Threat[] {
  if (only === undefined) return THREATS;
  return only.split(",").map((id) => {
    const threat = THREATS.find((each) => each.id === id);
    if (threat !== undefined) return threat;
    throw new UsageError(`--only is ${id}: there is no such requirement, see test/adversaries/threats.json`);
  });
}

async function run({ only }: { only?: string }, output: Output): Promise<number> {
  const threats = select(only);
  const states = await runTests(threats);
  const results = threats.map(({ id, requirement, tests }) => ({
    id,
    requirement,
    tests: tests.flatMap(({ file, titles }) =>
      titles.map((title): Outcome => ({ file, title, state: states.get(keyOf(file, title)) ?? "not run" })),
    ),
  }));
  const isHeld = ({ tests }: Result) => tests.length > 0 && tests.every(({ state }) => state === "passed");
  const held = results.filter(isHeld).length;
  output.result(results, describe(results, held));
  return held === results.length ? 0 : 1;
}

main(
  newCommand({
    description: `Runs every test that holds one of the requirements of test/adversaries/threats.json, and prints each requirement
with its result.

Ends with 1 when a test is not there, is not run or fails, and with 2 when it is called wrongly.`,
    examples: ["npm run threats", "npm run threats -- --only 16,22a"],
  })
    .name("npm run threats --")
    .option("--only <IDS>", "only these requirements, as 16,22a")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
