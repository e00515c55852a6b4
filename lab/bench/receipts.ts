import { main, UsageError, wholeNumber, type Output } from "@turingfog/cli";
import { prepareBuilds } from "./receipts/builds";
import { measureAll } from "./receipts/measure";
import { judge, tables } from "./receipts/report";

const USAGE = `Measures receipt trees and files of 1,000 to 1,000,000 receipts, beside OpenZeppelin's tree and the library of
commit a7eb110, each in a process of its own.

  npm run bench:receipts -- [--largest N] [--check] [--json]

  --largest N  the most receipts, a power of ten from 1000 on (default 1000000); the others stop at 100000
  --check      fail when a limit is not kept, naming each
  --json       print JSON alone: {sizes: [{receipts, library, treeSeconds, treeMB, writeSeconds, readSeconds,
               fileMB}], whole, endless, limits: [{name, measured, limit, kept}]}
  --help       print this

Times are CPU time of all threads, MB are 10^6 bytes of a whole process at its peak. Ends with 1 when the check fails,
and with 2 when it is called wrongly.`;

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

main({
  usage: USAGE,
  options: {
    largest: { type: "string", default: "1000000" },
    check: { type: "boolean", default: false },
  },
  required: [],
  run,
});
