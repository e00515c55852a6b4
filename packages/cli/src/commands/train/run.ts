import { TrainingRun } from "@turingfog/training";

import { newCommand, wholeNumber } from "../../lib/command.js";
import { type Output, outputOf } from "../../lib/output.js";
import { drawRun, roundLine, runText } from "../../lib/training.js";

export const command = newCommand({
  description: `Trains the rounds of a run that are left, one after another, and shows accuracy and loss of each on unseen data.

It may be stopped at any time: the next call goes on after the last whole round.

--json prints {rounds}, those that were trained, as their files have them.`,
  examples: ["turingfog train run run", "turingfog train run run --rounds 5 --svg progress.svg"],
})
  .argument("<RUN>", "folder of the run")
  .option("--rounds <N>", "stop after so many, though more are left")
  .option("--svg <FILE>", "draw accuracy and loss, again after each round")
  .action((folder, values) => train(folder, values, outputOf(values)));

async function train(folder: string, values: { rounds?: string; svg?: string }, output: Output): Promise<void> {
  const run = await TrainingRun.open(folder);
  const before = run.records.length;
  const left = run.plan.rounds - before;
  const count = values.rounds === undefined ? left : Math.min(left, wholeNumber("rounds", values.rounds, 1));
  for (let i = 0; i < count; i++) {
    output.say(roundLine(await run.next(), run.plan.rounds));
    await drawRun(run, values.svg);
  }
  output.result({ rounds: run.records.slice(before) }, `\n${runText(run)}`);
}
