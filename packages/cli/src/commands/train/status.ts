import { TrainingRun } from "@turingfog/training";

import { newCommand } from "../../lib/command.js";
import { type Output, outputOf } from "../../lib/output.js";
import { drawRun, runText } from "../../lib/training.js";

export const command = newCommand({
  description: `Shows how far a run is, and the accuracy and loss of its rounds on unseen data.

--json prints {plan, settings, rounds}, as their files have them.`,
  examples: ["turingfog train status run", "turingfog train status run --svg progress.svg"],
})
  .argument("<RUN>", "folder of the run")
  .option("--svg <FILE>", "draw accuracy and loss")
  .action((folder, values) => show(folder, values, outputOf(values)));

async function show(folder: string, values: { svg?: string }, output: Output): Promise<void> {
  const run = await TrainingRun.open(folder);
  await drawRun(run, values.svg);
  output.result({ plan: run.plan, settings: run.settings, rounds: run.records }, runText(run));
}
