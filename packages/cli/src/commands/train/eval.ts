import { hashOf, TrainingRun } from "@turingfog/training";

import { newCommand } from "../../lib/command.js";
import { type Output, outputOf, table } from "../../lib/output.js";
import { percent, roundOf } from "../../lib/training.js";

export const command = newCommand({
  description: `Measures a run's weights on data that nobody learned from.

--json prints {weights, accuracy, loss}.`,
  examples: ["turingfog train eval run", "turingfog train eval run --round 0", "turingfog train eval run --data other"],
})
  .argument("<RUN>", "folder of the run")
  .option("--round <N>", "the weights after this round, 0 for the start; those after the last, unless given")
  .option("--data <DIR>", "folder with other data, of which the t10k files are taken")
  .action((folder, values) => evaluate(folder, values, outputOf(values)));

async function evaluate(folder: string, values: { round?: string; data?: string }, output: Output): Promise<void> {
  const run = await TrainingRun.open(folder);
  const weights = await run.weightsAfter(roundOf(values.round));
  const { accuracy, loss } = await run.evaluate(weights, values.data);
  const rows = [
    ["weights", hashOf(weights)],
    ["accuracy", percent(accuracy)],
    ["loss", loss.toFixed(4)],
  ];
  output.result({ weights: hashOf(weights), accuracy, loss }, table(rows));
}
