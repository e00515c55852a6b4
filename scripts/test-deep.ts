import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";

import { build, campaign, DEPTH, describeSummary, findForge, merge, type Summary } from "../test/invariant/campaign";

/** Histories of one forge process: it keeps every call until it ends, so that a long one fills the memory. */
const RUNS_PER_PROCESS = 50;

/**
 * The deep campaign. Environment: CALLS, 10 million unless given; SEED, the first of consecutive seeds; WORKERS, as
 * many as there are cores; SUMMARY, a file for the summary as JSON.
 */
async function main(): Promise<void> {
  const calls = Number(process.env.CALLS ?? 10_000_000);
  const workers = Number(process.env.WORKERS ?? availableParallelism());
  const firstSeed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  const processes = Math.ceil(calls / (RUNS_PER_PROCESS * DEPTH));

  const forge = await findForge();
  if (forge === undefined) {
    throw new Error("No forge for this platform came with npm: put one on the PATH, as getfoundry.sh tells");
  }
  await build(forge);
  console.log(`${processes} campaigns of ${RUNS_PER_PROCESS * DEPTH} calls from SEED=${firstSeed} on`);

  const startedAt = Date.now();
  const summaries: Summary[] = [];
  let next = 0;
  const work = async () => {
    while (next < processes && summaries.every(({ held }) => held)) {
      summaries.push(await campaign(forge, RUNS_PER_PROCESS, firstSeed + next++));
      const done = merge(summaries);
      const seconds = (Date.now() - startedAt) / 1_000;
      console.log(`${done.calls} calls in ${seconds.toFixed()} s, ${(done.calls / seconds).toFixed()} a second`);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));

  const summary = merge(summaries);
  const seconds = Math.round((Date.now() - startedAt) / 1_000);
  console.log([...describeSummary(summary), ...summary.failures].join("\n"));
  if (process.env.SUMMARY !== undefined) {
    writeFileSync(process.env.SUMMARY, `${JSON.stringify({ ...summary, seconds }, null, 2)}\n`);
  }
  console.log(summary.held ? "Every statement held after every call" : "A statement did not hold");
  if (!summary.held) process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
