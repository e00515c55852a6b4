import { parentPort } from "node:worker_threads";

import { run } from "./run.js";
import type { Scenario } from "./scenario.js";

/** What a worker answers: the index of the scenario, and its outcome or the text of an error. */
export type Answer = { index: number; outcome: ReturnType<typeof run> } | { index: number; error: string };

parentPort?.on("message", ({ index, scenario }: { index: number; scenario: Scenario }) => {
  try {
    parentPort?.postMessage({ index, outcome: run(scenario) } satisfies Answer);
  } catch (error) {
    parentPort?.postMessage({ index, error: String(error) } satisfies Answer);
  }
});
