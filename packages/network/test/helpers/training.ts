import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

import type { BundleFile, Job } from "@turingfog/sdk/wire";
import {
  hashOf,
  initialWeights,
  type Model,
  shardOf,
  shardsOf,
  Trainer,
  TRAINING_PLAN,
  type TrainingPlan,
  trimmedMean,
} from "@turingfog/training";

import { noise, writeData } from "../../../training/test/helpers";
import { inFolder } from "./folders";
import { JOB_OF_TESTS } from "./jobs";

/** The least network that has a convolution. */
export const TINY: Model = {
  height: 4,
  width: 4,
  channels: 1,
  layers: [
    { kind: "convolution", channels: 2, kernel: 2, stride: 2, activation: "relu" },
    { kind: "dense", channels: 3, activation: "none" },
  ],
};

export const SHARDS = 3;
export const TRAIN = noise(TINY, 90);
export const TEST = noise(TINY, 30, `0x${"22".repeat(32)}`);

export function tinyPlan(change: Partial<TrainingPlan> = {}): TrainingPlan {
  const numbers = { rounds: 5, steps: 3, batch: 4, learningRate: 0.05, momentum: 0.9, trim: 1 };
  return { model: TINY, seed: `0x${"7a".repeat(32)}`, transfer: "float32", ...numbers, ...change };
}

/** A job of the built-in trainer on the order of the job of tests, of 1 TU for 60 images. */
export function trainingJob(plan: TrainingPlan, change: Partial<Job> = {}, least = 1): Job {
  const slots = { PLAN: TRAINING_PLAN.encode(plan), SHARDS: String(SHARDS), LEAST: String(least) };
  return { ...JOB_OF_TESTS, runner: "train", slots, imagesPerTU: 60n, ...change };
}

/** The files of its data. */
export async function dataFiles(): Promise<BundleFile[]> {
  let files: BundleFile[] = [];
  await inFolder(async (folder) => {
    await writeData(folder, TINY, TRAIN, TEST);
    const names = (await readdir(folder)).sort();
    files = await Promise.all(
      names.map(async (name) => ({ path: name, content: await readFile(path.join(folder, name)) })),
    );
  });
  return files;
}

/** Returns the hash of the weights after all rounds of some workers, as the trainer alone makes them. */
export function trainedAlone(plan: TrainingPlan, workers: (round: bigint) => readonly bigint[]): string[] {
  const trainer = new Trainer(plan);
  const shards = shardsOf(TRAIN, SHARDS, plan.seed);
  let weights = initialWeights(plan.model, plan.seed);
  return Array.from({ length: plan.rounds }, (_, i) => {
    const round = BigInt(i + 1);
    const ends = workers(round).map((nodeId) => {
      const shard = shards[shardOf(nodeId, round, SHARDS)];
      return { nodeId, weights: trainer.train({ round, nodeId, start: weights, shard }).weights };
    });
    weights = trimmedMean(ends, plan.trim);
    return hashOf(weights);
  });
}
