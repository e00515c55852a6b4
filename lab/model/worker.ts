import { explore, keep, type Counterexample } from "../../test/model/explore";
import type { ModelReport } from "../test-model";
import { Stage } from "../../test/model/starts";
import { System } from "../../test/model/system";
import { emptyTally } from "../../test/model/tally";

/** Sequences between two reports. */
const BATCH = 20;

const SHRINK_FOR = 120_000;

/** The share of a worker's commands that comes from each start and those after it. */
const SHARES = { mature: 0.15, beforeE2: 0.35, beforeE1: 0.6, genesis: 1 };

/** Explores until so many commands are done, and reports to the parent. */
async function work(seed: number, commands: number, directory: string): Promise<void> {
  const tally = emptyTally();
  let sequences = 0;
  const report = (counterexample?: ModelReport["counterexample"]) =>
    new Promise<void>((resolve) => {
      process.send?.({ tally, sequences, counterexample } satisfies ModelReport, () => {
        resolve();
      });
    });

  const stages = await Stage.reach(await System.deploy(), "mature", tally);
  // the chain can go back only from a later start to an earlier one
  for (const stage of stages.reverse()) {
    while (tally.commands < commands * SHARES[stage.name]) {
      // far from the seeds of other workers
      const batchSeed = (seed * 1_000_003 + sequences) | 0;
      const found = await explore(stage, { seed: batchSeed, sequences: BATCH, shrinkFor: SHRINK_FOR });
      sequences += BATCH;
      if (found === undefined) await report();
      else return report(await describe(found, directory, batchSeed));
    }
  }
}

async function describe(
  found: Counterexample,
  directory: string,
  seed: number,
): Promise<ModelReport["counterexample"]> {
  return { file: await keep(found, directory, seed), text: found.text };
}

// without its parent nobody waits for a worker
process.on("disconnect", () => process.exit(1));

const [seed, commands, directory] = process.argv.slice(2);
work(Number(seed), Number(commands), directory).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
