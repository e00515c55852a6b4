import { readFileSync } from "node:fs";
import path from "node:path";

import { ends, main, newCommand, type Output, outputOf, UsageError } from "@turingfog/cli";
import hre from "hardhat";
import { TASK_TEST_GET_TEST_FILES } from "hardhat/builtin-tasks/task-names";
import Mocha from "mocha";

import { isHeld, judge, type Outcome, type Result, tagsOf } from "./threats/requirements";

const ROOT = path.join(__dirname, "..");

/** Loads the files that have tags. */
async function loadTests(): Promise<Mocha> {
  const files = (await hre.run(TASK_TEST_GET_TEST_FILES, { testFiles: [] })) as string[];
  const mocha = new Mocha({ ...hre.config.mocha, reporter: "dot" });
  for (const file of files) {
    if (tagsOf(readFileSync(file, "utf8")).length > 0) mocha.addFile(file);
  }
  await mocha.loadFilesAsync();
  return mocha;
}

/** Leaves the tagged tests alone, those of `ids` if they are given, and returns them. */
function keepTagged({ suite }: Mocha, ids: ReadonlySet<string> | undefined): Mocha.Test[] {
  const kept: Mocha.Test[] = [];
  const keep = (each: Mocha.Suite): void => {
    each.tests = each.tests.filter((test) => tagsOf(test.fullTitle()).some((id) => ids?.has(id) ?? true));
    kept.push(...each.tests);
    each.suites.forEach(keep);
  };
  keep(suite);
  return kept;
}

/** Runs the tests without printing to stdout: what the runner and the tests print is not the result. */
async function runTests(mocha: Mocha): Promise<void> {
  const print = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  await new Promise((resolve) => mocha.run(resolve));
  process.stdout.write = print;
}

function outcomeOf(test: Mocha.Test): Outcome {
  const state = test.state === "passed" || test.state === "failed" ? test.state : "not run";
  return { file: path.relative(ROOT, test.file ?? ""), title: test.fullTitle(), state };
}

function describe(results: readonly Result[], held: number): string {
  const lines = results.flatMap((result) => {
    const { id, requirement, tests } = result;
    const bad = tests.filter(({ state }) => state !== "passed");
    return [
      `${isHeld(result) ? "ok  " : "FAIL"} ${id.padStart(3)}  ${tests.length - bad.length}/${tests.length}  ${requirement}`,
      ...(tests.length === 0 ? [`             no test has the tag [T${id}]`] : []),
      ...bad.map(({ file, title, state }) => `             ${state}: ${file}: ${title}`),
    ];
  });
  return [
    "\nRequirements, and how many of their tests passed",
    ...lines,
    `\n${held} of ${results.length} requirements are held by tests that were run and passed`,
  ].join("\n");
}

/** Returns the ids of `--only`, or undefined for all. */
function select(only: string | undefined): Set<string> | undefined {
  if (only === undefined) return undefined;
  const known = new Set(judge([]).map(({ id }) => id));
  const unknown = only.split(",").find((id) => !known.has(id));
  if (unknown === undefined) return new Set(only.split(","));
  throw new UsageError(`--only is ${unknown}: there is no such requirement, see test/adversaries/requirements.json`);
}

async function run({ only }: { only?: string }, output: Output): Promise<number> {
  const ids = select(only);
  const mocha = await loadTests();
  // refuses unknown tags before minutes are spent
  judge(keepTagged(mocha, undefined).map(outcomeOf));
  const tests = keepTagged(mocha, ids);
  await runTests(mocha);
  const results = judge(tests.map(outcomeOf)).filter(({ id }) => ids?.has(id) ?? true);
  const held = results.filter(isHeld).length;
  output.result(results, describe(results, held));
  return held === results.length ? 0 : 1;
}

main(
  newCommand({
    description: `Runs every test that is tagged with a requirement of test/adversaries/requirements.json, as [T26], and prints each
requirement with its result.

Ends with 1 when a requirement has no test, a test is not run or fails, or a tag is of no requirement, and with 2 when it
is called wrongly.`,
    examples: ["npm run threats", "npm run threats -- --only 16,22a"],
  })
    .name("npm run threats --")
    .option("--only <IDS>", "only these requirements, as 16,22a")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
