import { availableParallelism } from "node:os";

import { build, campaign, DEPTH, describeSummary, findForge, merge, type Summary } from "../test/invariant/campaign";
import { main, type Output, wholeNumber } from "@turingfog/cli";

const USAGE = `Lives random histories of the shipped bytecode under forge, and checks every statement after every call.

  npm run test:deep -- [--calls N] [--workers N] [--seed N] [--json]

  --calls N    how many calls, rounded up to whole campaigns (default 10000000)
  --workers N  how many processes (default: as many as there are cores)
  --seed N     of the first campaign; the next ones take the numbers after it (default: a new one)
  --json       print the summary alone, as JSON
  --help       print this

Ends with 1 when a statement did not hold, and with 2 when it is called wrongly.`;

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

main({
  usage: USAGE,
  options: {
    calls: { type: "string", default: "10000000" },
    workers: { type: "string", default: String(availableParallelism()) },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
  },
  required: [],
  run,
});
