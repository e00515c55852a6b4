import { ends, main, newCommand, type Output, outputOf, UsageError } from "@turingfog/cli";
import { build, generate, readContracts } from "./mutation/build";
import { Campaign, takeTurns } from "./mutation/campaign";
import { isListed, report, toText, type Judged } from "./mutation/report";
import type { Mutant } from "./mutation/schemata";
import { Worker } from "./mutation/workers";
import { Random } from "@turingfog/economy";

interface Values {
  only?: string[];
  sample?: string;
  seed: string;
  listed: boolean;
  workers: string;
}

async function mutate(values: Values, output: Output): Promise<number> {
  const workerCount = positive("workers", values.workers);
  const progress = output.json ? () => undefined : showProgress;

  progress("generating mutants");
  const { instrumented, mutants } = await generate(await readContracts());
  const chosen = choose(mutants, values);

  progress("compiling the instrumented contracts, two minutes when one has changed");
  await build(instrumented);

  const campaign = await Campaign.open();
  const isRun = (mutant: Mutant) => values.listed || !isListed(mutant);
  const missing = chosen.filter((mutant) => isRun(mutant) && campaign.resultOf(mutant) === undefined);
  if (missing.length > 0) await run(campaign, missing, workerCount, progress);

  const judged = chosen.map((mutant): Judged => ({ mutant, outcome: outcomeOf(campaign, mutant) }));
  const result = report(judged, mutants);
  if (process.stderr.isTTY && !output.json) process.stderr.write("\n");
  output.result(result, toText(result));
  return result.isComplete ? 0 : 1;
}

function choose(mutants: readonly Mutant[], values: Values): Mutant[] {
  const contracts = new Set(mutants.map(({ contract }) => contract));
  for (const name of values.only ?? []) {
    if (!contracts.has(name)) throw new UsageError(`--only ${name}: mutants are of ${[...contracts].join(", ")}`);
  }
  const chosen = mutants.filter(({ contract }) => values.only?.includes(contract) ?? true);
  if (values.sample === undefined) return chosen;

  const drawn = new Random(positive("seed", values.seed)).shuffle(chosen).slice(0, positive("sample", values.sample));
  return drawn.sort((a, b) => a.id - b.id);
}

/** Runs the mutants, those last for which the chain has to start anew. Each is judged alone, in whatever order. */
async function run(
  campaign: Campaign,
  missing: readonly Mutant[],
  workerCount: number,
  progress: (line: string) => void,
): Promise<void> {
  const workers = Array.from({ length: workerCount }, () => new Worker(campaign.files));
  try {
    const [readiness] = await Promise.all(workers.map((worker) => worker.start()));
    const [tests, deployment] = [new Set(readiness.tests), new Set(readiness.deployment)];
    const ordered = [false, true].flatMap((isLast) => missing.filter(({ id }) => deployment.has(id) === isLast));

    const outlived: Mutant[] = [];
    await takeTurns(workers, ordered, async (worker, mutant, done) => {
      if (!(await campaign.retry(worker, mutant, tests))) outlived.push(mutant);
      progress(`mutants, by the test that killed them before: ${done} of ${missing.length}`);
    });
    if (outlived.length === 0) return;

    await campaign.measure(workers, tests, progress);
    await takeTurns(workers, outlived, async (worker, mutant, done) => {
      await campaign.run(worker, mutant);
      progress(`mutants, by every test: ${done} of ${outlived.length}`);
    });
  } finally {
    campaign.save();
    for (const worker of workers) worker.stop();
  }
}

function outcomeOf(campaign: Campaign, mutant: Mutant): Judged["outcome"] {
  const result = campaign.resultOf(mutant);
  if (result !== undefined) return result.outcome;
  if (isListed(mutant)) return "listed";
  throw new Error("A source has changed during the run; run again");
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new UsageError(`--${name} ${value}: a number from 1 on is needed`);
  }
  return number;
}

/** One line that is written over, or where there is no terminal every fiftieth line. */
function showProgress(line: string): void {
  const [, count = "0"] = /(\d+) of/.exec(line) ?? [];
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  else if (Number(count) % 50 === 0) process.stderr.write(`${line}\n`);
}

main(
  newCommand({
    description: `Changes the contracts in one place at a time and runs the tests, one of which has to fail.

All mutants are compiled into one copy of the contracts, in cache/mutation, and switched on one by one. Of each the test
is run first that killed it in an earlier run. If that passes, or there was none, the tests that come by it are run: first
those that killed its neighbours, then those of its contract that come by the fewest mutants in the shortest time. What was
found is kept in cache/mutation and holds until a contract, the deployment or the test that killed changes. Ends with 0
when every mutant is killed or listed with the argument why it is equivalent, in lab/mutation/equivalent.json.`,
    examples: ["npm run mutate", "npm run mutate -- --only TFT --sample 20 --seed 7"],
  })
    .name("npm run mutate --")
    .option("--only <CONTRACT...>", "mutants of this contract or library alone; may be given more than once")
    .option("--sample <N>", "N mutants, drawn at random")
    .option("--seed <S>", "another draw", "1")
    .option("--listed", "run those listed as equivalent too, none of which may be killed", false)
    .option("--workers <N>", "how many run at once", "2")
    .action(async (values) => ends(await mutate(values, outputOf(values)))),
);
