import { parseArgs } from "node:util";

import { build, generate, readContracts } from "./mutation/build";
import { Campaign, type Result } from "./mutation/campaign";
import { report, toText, type Judged } from "./mutation/report";
import type { Mutant } from "./mutation/schemata";
import { Worker } from "./mutation/workers";
import { Random } from "./demo/random";

const USAGE = `Changes the contracts in one place at a time and runs the tests, one of which has to fail.

  npm run mutate -- [--only CONTRACT] [--sample N [--seed S]] [--workers N] [--json]

  --only CONTRACT  mutants of this contract or library alone; may be given more than once
  --sample N       N mutants, drawn at random
  --seed S         another draw, 1 unless given
  --workers N      how many run at once, 2 unless given
  --json           print the report alone, as JSON
  --help           print this

All mutants are compiled into one copy of the contracts, in cache/mutation, and switched on one by one. What earlier runs
found is kept there and holds until a contract, the deployment or the test that killed changes. Ends with 0 when every
mutant is killed or listed with the argument why it is equivalent, in scripts/mutation/equivalent.json.`;

const OPTIONS = {
  only: { type: "string", multiple: true },
  sample: { type: "string" },
  seed: { type: "string", default: "1" },
  workers: { type: "string", default: "2" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) return console.log(USAGE);
  const workerCount = positive("workers", values.workers);
  const progress = values.json ? () => undefined : showProgress;

  progress("generating mutants");
  const { instrumented, mutants } = await generate(await readContracts());
  const chosen = choose(mutants, values);

  progress("compiling the instrumented contracts, two minutes when one has changed");
  await build(instrumented);

  const campaign = await Campaign.open();
  const missing = chosen.filter((mutant) => campaign.resultOf(mutant) === undefined);
  if (missing.length > 0) await run(campaign, missing, workerCount, progress);

  const judged = chosen.map((mutant): Judged => ({ mutant, result: resultOf(campaign, mutant) }));
  const result = report(judged, mutants);
  if (process.stderr.isTTY && !values.json) process.stderr.write("\n");
  console.log(values.json ? JSON.stringify(result, null, 2) : toText(result));
  if (!result.isComplete) process.exitCode = 1;
}

function choose(mutants: readonly Mutant[], values: { only?: string[]; sample?: string; seed: string }): Mutant[] {
  const contracts = new Set(mutants.map(({ contract }) => contract));
  for (const name of values.only ?? []) {
    if (!contracts.has(name)) throw new Error(`--only ${name}: mutants are of ${[...contracts].join(", ")}`);
  }
  const chosen = mutants.filter(({ contract }) => values.only?.includes(contract) ?? true);
  if (values.sample === undefined) return chosen;

  const drawn = new Random(positive("seed", values.seed)).shuffle(chosen).slice(0, positive("sample", values.sample));
  return drawn.sort((a, b) => a.id - b.id);
}

/** Has the workers take one mutant after the other; each is judged alone, so which takes which makes no difference. */
async function run(
  campaign: Campaign,
  missing: readonly Mutant[],
  workerCount: number,
  progress: (line: string) => void,
): Promise<void> {
  const workers = Array.from({ length: workerCount }, () => new Worker(campaign.files));
  try {
    const [names] = await Promise.all(workers.map((worker) => worker.start()));
    await campaign.measure(workers, names, progress);

    const startedAt = Date.now();
    const queue = [...missing];
    let done = 0;
    const work = async (worker: Worker) => {
      for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
        await campaign.run(worker, mutant);
        done += 1;
        const seconds = ((Date.now() - startedAt) / 1_000 / done) * (missing.length - done);
        progress(`mutants: ${done} of ${missing.length}, ${Math.ceil(seconds / 60)} minutes left`);
      }
    };
    await Promise.all(workers.map(work));
  } finally {
    for (const worker of workers) worker.stop();
  }
}

function resultOf(campaign: Campaign, mutant: Mutant): Result {
  const result = campaign.resultOf(mutant);
  if (result === undefined) throw new Error("A source has changed during the run; run again");
  return result;
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`--${name} ${value}: a number from 1 on is needed`);
  return number;
}

/** One line that is written over, or where there is no terminal every fiftieth line. */
function showProgress(line: string): void {
  const [, count = "0"] = /(\d+) of/.exec(line) ?? [];
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  else if (Number(count) % 50 === 0) process.stderr.write(`${line}\n`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
