import { ends, main, newCommand, type Output, outputOf, UsageError, wholeNumber } from "@turingfog/cli";
import { prepareBuilds } from "./receipts/builds";
import { measureAll } from "./receipts/measure";
import { judge, tables } from "./receipts/report";

const SMALLEST = 1_000;

interface Values {
  largest: string;
  check: boolean;
}

async function run({ largest, check }: Values, output: Output): Promise<number> {
  const sizes = sizesUpTo(wholeNumber("largest", largest, SMALLEST));
  const builds = await prepareBuilds();
  try {
    const measured = await measureAll(builds, sizes, (line) => console.error(line));
    const limits = judge(measured);
    output.result({ ...measured, limits }, tables(measured, limits));
    return check && limits.some(({ kept }) => !kept) ? 1 : 0;
  } finally {
    await builds.remove();
  }
}

/** Returns the powers of ten from the smallest size on. */
function sizesUpTo(largest: number): number[] {
  const sizes: number[] = [];
  for (let size = SMALLEST; size <= largest; size *= 10) sizes.push(size);
  if (sizes.at(-1) !== largest) throw new UsageError(`--largest is ${largest}, must be a power of ten`);
  return sizes;
}

main(
  newCommand({
    description: `Measures receipt trees and files of 1,000 to 1,000,000 receipts, beside OpenZeppelin's tree and the library of
commit a7eb110, each in a process of its own.

--json prints {sizes: [{receipts, library, treeSeconds, treeMB, writeSeconds, readSeconds, fileMB}], whole, endless,
limits: [{name, measured, limit, kept}]}.

Times are CPU time of all threads, MB are 10^6 bytes of a whole process at its peak. Ends with 1 when the check fails,
and with 2 when it is called wrongly.`,
    examples: ["npm run bench:receipts -- --largest 10000"],
  })
    .name("npm run bench:receipts --")
    .option("--largest <N>", "the most receipts, a power of ten from 1000 on ; the others stop at 100000", "1000000")
    .option("--check", "fail when a limit is not kept, naming each", false)
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
