import path from "node:path";

import { ends, main, newCommand, type Output, outputOf, table, wholeNumber } from "@turingfog/cli";

import { compare, measure, median, type Run } from "./tests/measure";
import { account, type Account, titlesOf } from "./tests/titles";

/** The most that a run here may take, as parts of one there. */
const BOUNDS = { wall: 0.5, cpu: 0.75 };

const ROOT = path.join(__dirname, "../..");

interface Values {
  base: string;
  times: string;
  titles: boolean;
}

async function run(values: Values, output: Output): Promise<number> {
  const times = wholeNumber("times", values.times, 1);
  const base = path.resolve(values.base);
  const accounts = account(titlesOf(base), titlesOf(ROOT));
  const isAccounted = accounts.every(({ state }) => state !== "missing");
  if (values.titles) {
    output.result({ accounts }, describeAccounts(accounts));
    return isAccounted ? 0 : 1;
  }

  const [before, now]: [Run[], Run[]] = [[], []];
  for (let i = 1; i <= times; i++) {
    before.push(await measure(base));
    output.say(`${i} of ${times}, a7eb110: ${describeRun(before[i - 1])}`);
    now.push(await measure(ROOT));
    output.say(`${i} of ${times}, here: ${describeRun(now[i - 1])}`);
  }
  const parts = compare(before, now);
  const isWithin = parts.wall <= BOUNDS.wall && parts.cpu <= BOUNDS.cpu;
  const text = [describeAccounts(accounts), describeTimes(before, now), `${isWithin ? "Within" : "Beyond"} the bounds`];
  output.result({ accounts, before, now, parts, isWithin }, text.join("\n\n"));
  return isAccounted && isWithin ? 0 : 1;
}

function describeRun({ wall, cpu, passing, pending, failing }: Run): string {
  return `${wall.toFixed(1)} s, ${cpu.toFixed(1)} s of CPU, ${passing} passing, ${pending} pending, ${failing} failing`;
}

function describeTimes(before: readonly Run[], now: readonly Run[]): string {
  const parts = compare(before, now);
  const rows = (["wall", "cpu"] as const).map((kind) => [
    kind === "wall" ? "by the clock" : "CPU",
    `${median(before.map((each) => each[kind])).toFixed(1)} s`,
    `${median(now.map((each) => each[kind])).toFixed(1)} s`,
    `${(100 * parts[kind]).toFixed(1)} %`,
    `${(100 * BOUNDS[kind]).toFixed(0)} %`,
  ]);
  return table([["median of", "a7eb110", "here", "part", "at most"], ...rows]);
}

/** Lists every title that is not the same, and how many there are of each kind. */
function describeAccounts(accounts: readonly Account[]): string {
  const count = (state: Account["state"]) => accounts.filter((each) => each.state === state).length;
  const lines = accounts.flatMap(({ title, state, now }) =>
    state === "same" ? [] : [`${state}: ${title}`, ...now.map((each) => `    ${each}`)],
  );
  const counts = (["same", "renamed", "replaced", "missing"] as const).map((state) => `${count(state)} ${state}`);
  return [...lines, `${accounts.length} tests of a7eb110: ${counts.join(", ")}`].join("\n");
}

main(
  newCommand({
    description: `Compares how long npm test takes here and in a checkout of commit a7eb110, and says what became of its tests.

Ends with 1 when a test of a7eb110 is missing, or the medians here are above 50 % of the time by the clock or 75 % of the
CPU time there, and with 2 when it is called wrongly. What became of changed titles is in lab/bench/tests/a7eb110.json.`,
    examples: ["npm run bench:tests -- --base ../a7eb110", "npm run bench:tests -- --base ../a7eb110 --titles"],
  })
    .name("npm run bench:tests --")
    .requiredOption("--base <DIR>", "a checkout of a7eb110, installed and compiled")
    .option("--times <N>", "runs of each, one after the other in turn", "3")
    .option("--titles", "say only what became of the tests", false)
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
