import { availableParallelism } from "node:os";
import path from "node:path";
import { Worker } from "node:worker_threads";

import { TuringFogError } from "@turingfog/sdk";

import type { Outcome } from "./run.js";
import { checkScenario, type Scenario } from "./scenario.js";
import type { Answer } from "./worker.js";

/** Thrown when a run has failed, with the seed that shows it again. */
export class FailedRunError extends TuringFogError {}

/**
 * Lives scenarios on all cores, and resolves to their outcomes in the same order.
 * @param progress told how many are done, after each
 * @throws ScenarioError, OutOfRangeError, NotIntegerError, FailedRunError
 */
export async function runAll(
  scenarios: readonly Scenario[],
  progress: (done: number, all: number) => void = () => undefined,
): Promise<Outcome[]> {
  scenarios.forEach(checkScenario);
  const outcomes: Outcome[] = [];
  let next = 0;
  let done = 0;
  const serve = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(path.join(__dirname, "worker.js"));
      const give = () => {
        if (next < scenarios.length) worker.postMessage({ index: next, scenario: scenarios[next++] });
        else void worker.terminate().then(() => resolve());
      };
      worker.on("error", reject);
      worker.on("message", (answer: Answer) => {
        if ("error" in answer) {
          const { seed } = scenarios[answer.index];
          void worker.terminate().then(() => reject(new FailedRunError(`The run of seed ${seed}: ${answer.error}`)));
          next = scenarios.length;
          return;
        }
        outcomes[answer.index] = answer.outcome;
        progress(++done, scenarios.length);
        give();
      });
      give();
    });
  const workers = Math.min(availableParallelism(), scenarios.length);
  await Promise.all(Array.from({ length: workers }, serve));
  return outcomes;
}
