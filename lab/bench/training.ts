import { ends, main, newCommand, type Output, outputOf, wholeNumber } from "@turingfog/cli";
import { measureAll } from "./training/measure";
import { judge, tables } from "./training/report";

interface Values {
  runs: string;
  check: boolean;
}

async function run({ runs, check }: Values, output: Output): Promise<number> {
  const rows = await measureAll(wholeNumber("runs", runs, 1), (line) => output.note(line));
  const bars = judge(rows);
  output.result({ rows, bars }, tables(rows, bars));
  return check && bars.some(({ kept }) => !kept) ? 1 : 0;
}

main(
  newCommand({
    description: `Measures how many images a CPU second the trainer trains the demonstration's network on, beside the plain trial that it
began with, and TensorFlow.js if it is installed (npm ci --prefix lab/oracles).

All train the same round of real digits from the same weights, one after another, each in a process of its own; CPU time is
that of all threads, after a round that is not timed. The weights at its end are compared. Ends with 1 if the check fails,
and with 2 if it is called wrongly.

--json prints {rows: [{name, imagesPerCpuSecond, median, difference}], bars: [{name, measured, bar, kept}]}.`,
    examples: ["npm run bench:training", "npm run bench:training -- --runs 3 --check"],
  })
    .name("npm run bench:training --")
    .option("--runs <N>", "runs, of which the median counts", "5")
    .option("--check", "fail if a bar is not kept or not measured, naming each", false)
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
