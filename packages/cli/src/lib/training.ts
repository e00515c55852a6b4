import { writeFile } from "node:fs/promises";

import { drawingOf, plotOf, type RoundRecord, type TrainingRun } from "@turingfog/training";

import { UsageError } from "./command.js";
import { table } from "./output.js";

/** The number of blocks that stand for an accuracy of 100 %. */
const BAR = 30;

export function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** Returns a round as a line of a terminal. */
export function roundLine({ round, accuracy, loss }: RoundRecord, rounds: number): string {
  const number = String(round).padStart(String(rounds).length);
  const bar = "█".repeat(Math.round(accuracy * BAR)).padEnd(BAR, "·");
  return `round ${number} of ${rounds}  ${bar}  accuracy ${percent(accuracy).padStart(8)}  loss ${loss.toFixed(4)}`;
}

/** Returns a run as a text: what it is, and how it went so far. */
export function runText({ folder, plan, settings, records }: TrainingRun): string {
  const rows = [
    ["folder", folder],
    ["data", settings.data],
    ["workers", String(settings.workers)],
    ["rounds", `${records.length} of ${plan.rounds}, each of ${plan.steps} steps with ${plan.batch} images a worker`],
  ];
  const last = records.at(-1);
  if (last === undefined) return table([...rows, ["next", `turingfog train run ${folder}`]]);
  const ends = [
    ["accuracy", percent(last.accuracy)],
    ["loss", last.loss.toFixed(4)],
    ["weights", last.endHash],
  ];
  return [table([...rows, ...ends]), "", plotOf(records)].join("\n");
}

/** Draws the rounds of a run into a file, if one is named and there is something to draw. */
export async function drawRun({ plan, settings, records }: TrainingRun, file: string | undefined): Promise<void> {
  if (file === undefined || records.length === 0) return;
  const subtitle = `${settings.workers} workers, ${plan.steps} steps of ${plan.batch} images a round, accuracy on unseen data`;
  await writeFile(file, drawingOf(records, subtitle));
}

/**
 * Reads the number of a round that is there.
 * @throws UsageError
 */
export function roundOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new UsageError(`--round is ${text}, must be the number of a round, or 0 for the start`);
}
