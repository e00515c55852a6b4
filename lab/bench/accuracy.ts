import { readFileSync } from "node:fs";
import path from "node:path";

import { ends, main, newCommand, type Output, outputOf, wholeNumber } from "@turingfog/cli";

import { DIVISIONS, measure } from "./accuracy/measure";
import { markdownOf } from "./accuracy/report";

const PAGE = path.join(__dirname, "../../docs/training.md");

interface Values {
  seed: string;
  seeds: string;
  check: boolean;
}

function run(values: Values, output: Output): number {
  const [first, count] = [wholeNumber("seed", values.seed, 0), wholeNumber("seeds", values.seeds, 1)];
  const seeds = Array.from({ length: count }, (_, i) => first + i);
  const rows = DIVISIONS.map((division) => {
    const row = measure(division, seeds);
    const { workers, steps, transfer } = division;
    output.note(`${workers} workers, ${steps} steps, ${transfer}: ${row.median?.images ?? "no"} images`);
    return row;
  });
  const table = markdownOf(rows);
  const isPrinted = readFileSync(PAGE, "utf8").includes(table);
  output.result({ rows, isPrinted }, table);
  if (!values.check || isPrinted) return 0;
  output.note("docs/training.md has another table");
  return 1;
}

main(
  newCommand({
    description: `Trains the demonstration's network on 9,000 real digits by different numbers of workers and local steps, until it first
classifies 95 % of 1,000 others, and says what that takes: rounds, images, bytes and time. Takes some minutes.

The figures are those of the seed with median images. They depend on the seeds alone: times follow from a speed and a line
that are assumed. Ends with 1 if the check fails, and with 2 if it is called wrongly.

--json prints {rows: [{workers, steps, transfer, runs, median}], isPrinted}.`,
    examples: ["npm run bench:accuracy", "npm run bench:accuracy -- --check"],
  })
    .name("npm run bench:accuracy --")
    .option("--seed <N>", "the first seed; each further run has the next one", "1")
    .option("--seeds <N>", "runs of each division", "3")
    .option("--check", "fail if docs/training.md does not have this table", false)
    .action((values) => ends(run(values, outputOf(values)))),
);
