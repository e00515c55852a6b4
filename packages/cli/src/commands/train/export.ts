import { writeFile } from "node:fs/promises";

import { hashOf, toOnnx, toSafetensors, TrainingRun } from "@turingfog/training";

import { newCommand, UsageError } from "../../lib/command.js";
import { type Output, outputOf } from "../../lib/output.js";
import { roundOf } from "../../lib/training.js";

export const command = newCommand({
  description: `Writes a run's model as ONNX, as safetensors, or both.

The ONNX model takes images as bytes (batch, height, width, channels) and gives logits. See docs/training.md.

--json prints {weights, files}, where weights is their hash.`,
  examples: [
    "turingfog train export run --onnx model.onnx",
    "turingfog train export run --safetensors model.safetensors",
  ],
})
  .argument("<RUN>", "folder of the run")
  .option("--onnx <FILE>", "write the model with its weights")
  .option("--safetensors <FILE>", "write the weights")
  .option("--round <N>", "the weights after this round, 0 for the start; those after the last, unless given")
  .action((folder, values) => write(folder, values, outputOf(values)));

interface Values {
  onnx?: string;
  safetensors?: string;
  round?: string;
}

async function write(folder: string, { onnx, safetensors, round }: Values, output: Output): Promise<void> {
  if (onnx === undefined && safetensors === undefined) throw new UsageError("Name a file by --onnx or --safetensors");
  const run = await TrainingRun.open(folder);
  const weights = await run.weightsAfter(roundOf(round));
  const files: string[] = [];
  for (const [file, toBytes] of [
    [onnx, toOnnx],
    [safetensors, toSafetensors],
  ] as const) {
    if (file === undefined) continue;
    await writeFile(file, toBytes(run.plan.model, weights));
    files.push(file);
  }
  output.result({ weights: hashOf(weights), files }, `Wrote ${files.join(" and ")}, weights ${hashOf(weights)}`);
}
