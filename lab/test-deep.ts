import { availableParallelism } from "node:os";

import { build, campaign, DEPTH, describeSummary, findForge, merge, type Summary } from "../test/invariant/campaign";
import { ends, main, newCommand, type Output, outputOf, wholeNumber } from "@turingfog/cli";

/** Histories of one forge process: it keeps every call until it ends, so that a long one fills the memory. */
const RUNS_PER_PROCESS = 50;

interface Values {
  calls: string;
  workers: string;
  seed: string;
}

async function run(values: Values, output: Output): Promise<number> {
  const calls = wholeNumber("calls", values.calls, 1);
  const workers = wholeNumber("workers", values.workers, 1);
  const firstSeed = wholeNumber("seed", values.seed, 0);
  const processes = Math.ceil(calls / (RUNS_PER_PROCESS * DEPTH));

  const forge = findForge();
  if (forge === undefined) {
    throw new Error("No forge for this platform came with npm: put one on the PATH, as getfoundry.sh tells");
  }
  await build(forge);
  output.say(`${processes} campaigns of ${RUNS_PER_PROCESS * DEPTH} calls, the first of seed ${firstSeed}`);

  const startedAt = Date.now();
  const summaries: Summary[] = [];
  let next = 0;
  const work = async () => {
    while (next < processes && summaries.every(({ held }) => held)) {
      summaries.push(await campaign(forge, RUNS_PER_PROCESS, firstSeed + next++));
      const done = merge(summaries);
      const seconds = (Date.now() - startedAt) / 1_000;
      output.say(`${done.calls} calls in ${seconds.toFixed()} s, ${(done.calls / seconds).toFixed()} a second`);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));

  const summary = merge(summaries);
  const seconds = Math.round((Date.now() - startedAt) / 1_000);
  const verdict = summary.held ? "Every statement held after every call" : "A statement did not hold";
  output.result({ ...summary, seconds }, [...describeSummary(summary), ...summary.failures, verdict].join("\n"));
  return summary.held ? 0 : 1;
}

main(
  newCommand({
    description: `Lives random histories of the shipped bytecode under forge, and checks every statement after every call.

Ends with 1 when a statement did not hold, and with 2 when it is called wrongly.`,
    examples: ["npm run test:deep -- --calls 100000 --seed 7"],
  })
    .name("npm run test:deep --")
    .option("--calls <N>", "how many calls, rounded up to whole campaigns", "10000000")
    .option(
      "--workers <N>",
      "how many processes; as many as there are cores, unless given",
      String(availableParallelism()),
    )
    .option(
      "--seed <N>",
      "of the first campaign; the next ones take the numbers after it; a new one, unless given",
      String(Date.now() % 2 ** 31),
    )
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
