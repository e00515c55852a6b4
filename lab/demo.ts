import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { Random } from "@turingfog/economy";
import { openChain } from "./demo/chain";
import { csv, JsonReporter, TableReporter, type Reporter } from "./demo/report";
import type { Story } from "./demo/story";
import { ends, main, newCommand, type Output, outputOf, UsageError } from "@turingfog/cli";

const MAX_SEED = 2 ** 32 - 1;

async function run(values: { seed: string; out: string }, output: Output): Promise<number> {
  const seed = readSeed(values.seed);
  await openChain();
  const { Story } = await import("./demo/story");
  const { CheckFailedError } = await import("./demo/checks");

  const isColoured = process.stdout.isTTY && process.env.NO_COLOR === undefined;
  const reporter: Reporter = output.json ? new JsonReporter() : new TableReporter(isColoured);
  reporter.start(seed);
  const story = await Story.begin(new Random(seed), reporter);
  try {
    await story.live();
    reporter.end({ ...resultOf(story, seed), failed: 0, files: await write(values.out, story) });
    return 0;
  } catch (error) {
    if (!(error instanceof CheckFailedError)) throw error;
    reporter.end({ ...resultOf(story, seed), failed: 1, failure: error.message, files: [] });
    return 1;
  }
}

function readSeed(text: string): number {
  const seed = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(seed <= MAX_SEED)) throw new UsageError(`--seed is ${text}, must be a whole number from 0 to ${MAX_SEED}`);
  return seed;
}

function resultOf({ economy: { auditor } }: Story, seed: number) {
  return { seed, supply: auditor.supply, checks: auditor.passed };
}

async function write(directory: string, { rows }: Story): Promise<string[]> {
  const { supplyChart } = await import("./demo/chart");
  await mkdir(directory, { recursive: true });
  const files = { "supply.svg": supplyChart(rows), "supply.csv": csv(rows) };
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(directory, name), content);
  return Object.keys(files).map((name) => path.join(directory, name));
}

main(
  newCommand({
    description: `Lives the whole life of TFT on a chain of its own, in process: compute sold, bought back, burned and claimed on
a real Uniswap v3 market, until 100,000,000 are left. Checks what must always hold after every step.

Ends with 0 when the supply has reached its floor and every check has passed, with 1 at the first check that fails, and
with 2 when it is called wrongly.`,
    examples: ["npm run demo", "npm run demo -- --seed 7 --out demo-out"],
  })
    .name("npm run demo --")
    .option("--seed <N>", "varies the volumes; the same seed gives the same run", "1")
    .option("--out <DIR>", "where supply.svg and supply.csv are written", "demo-out")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
