import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";

import { Option } from "@commander-js/extra-typings";
import { parseLayers, readData, TrainingRun, type TrainingPlan } from "@turingfog/training";
import { readingOf } from "@turingfog/sdk/node";

import { newCommand, UsageError, wholeNumber } from "../../lib/command.js";
import { type Output, outputOf } from "../../lib/output.js";

export const command = newCommand({
  description: `Begins a run of joint training, with all its workers on this machine, from a folder of data and a model.

The data are four IDX files as MNIST has them: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
t10k-labels-idx1-ubyte, also with .gz. The model is a file of JSON with its layers; see docs/training.md.

--json prints {folder, plan, settings, shards}, where shards are the images of each worker.`,
  examples: ["turingfog train init run --data mnist --model model.json --workers 4 --rounds 30"],
})
  .argument("<RUN>", "folder of the run, which must not be there yet")
  .requiredOption("--data <DIR>", "folder of the data")
  .requiredOption("--model <FILE>", "file with the model's layers")
  .option("--workers <N>", "workers among whom the images are divided", "4")
  .option("--rounds <N>", "rounds of the run", "30")
  .option("--steps <N>", "batches that a worker trains on in a round", "16")
  .option("--batch <N>", "images of a batch", "32")
  .option("--rate <X>", "learning rate", "0.05")
  .option("--momentum <X>", "share of its last change that a weight repeats", "0.9")
  .option("--trim <N>", "values left out at each end before workers' weights are averaged", "1")
  .addOption(
    new Option("--transfer <FORM>", "what workers send: weights, or 8-bit differences")
      .choices(["float32", "int8"] as const)
      .default("float32" as const),
  )
  .option("--seed <HEX>", "32 bytes that first weights, shards and batches are drawn from; random, unless given")
  .action((folder, values) => init(folder, values, outputOf(values)));

interface Values {
  data: string;
  model: string;
  workers: string;
  rounds: string;
  steps: string;
  batch: string;
  rate: string;
  momentum: string;
  trim: string;
  transfer: "float32" | "int8";
  seed?: string;
}

async function init(folder: string, values: Values, output: Output): Promise<void> {
  const { transfer, seed = `0x${randomBytes(32).toString("hex")}` } = values;
  if (!/^0x[0-9a-f]{64}$/.test(seed))
    throw new UsageError(`--seed is ${seed}, must be 0x and 64 lower-case hex digits`);
  const layers = parseLayers(await readingOf(values.model, readFile(values.model, "utf8")));
  const data = await readData(values.data);
  const plan: TrainingPlan = {
    model: { ...data.size, layers },
    seed,
    rounds: wholeNumber("rounds", values.rounds, 1),
    steps: wholeNumber("steps", values.steps, 1),
    batch: wholeNumber("batch", values.batch, 1),
    learningRate: decimal("rate", values.rate),
    momentum: decimal("momentum", values.momentum),
    trim: wholeNumber("trim", values.trim, 0),
    transfer,
  };
  const run = await TrainingRun.init(folder, plan, data, wholeNumber("workers", values.workers, 1));
  const shards = (await run.shards()).map(({ labels }) => labels.length);
  const weights = run.startWeights().length;
  const text = [
    `Began ${folder}: ${weights} weights, ${shards.length} workers with ${shards.join(", ")} images.`,
    `Train by: turingfog train run ${folder}`,
  ];
  output.result({ folder, plan, settings: run.settings, shards }, text.join("\n"));
}

function decimal(name: string, text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new UsageError(`--${name} is ${text}, must be a decimal number as 0.05`);
}
