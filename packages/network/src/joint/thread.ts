import { writeFile } from "node:fs/promises";
import { parentPort, workerData } from "node:worker_threads";

import {
  type Data,
  type Dataset,
  initialWeights,
  readData,
  shardOf,
  shardsOf,
  toSafetensors,
  Trainer,
  TRAINING_PLAN,
  trimmedMean,
  verifyRound,
  WeightsStore,
} from "@turingfog/training";

import type { Answer, Request, Tasks, ThreadData } from "./trainerThread.js";

// Does the tasks of a `TrainerThread`, one after another.
const { plan: planText, shards, input, weights, gate } = workerData as ThreadData;
const plan = TRAINING_PLAN.decode(planText);
const store = new WeightsStore(weights, plan.model);
const trainer = new Trainer(plan);

/** Waits as long as the gate is shut. */
function beforeStep(): void {
  Atomics.wait(gate, 0, 1);
}

let known: Promise<{ data: Data; parts: Dataset[] }> | undefined;

async function loaded(): Promise<{ data: Data; parts: Dataset[] }> {
  known ??= readData(input).then((data) => ({ data, parts: shardsOf(data.train, shards, plan.seed) }));
  return known;
}

async function shard(nodeId: bigint, round: bigint): Promise<Dataset> {
  const { parts } = await loaded();
  return parts[shardOf(nodeId, round, shards)];
}

const TASKS: { [K in keyof Tasks]: (given: Tasks[K][0]) => Promise<Tasks[K][1]> } = {
  start: () => store.put(initialWeights(plan.model, plan.seed)),
  train: async ({ round, nodeId, startHash }) => {
    const given = { round, nodeId, start: await store.get(startHash), shard: await shard(nodeId, round) };
    const { weights: end, endHash, images, loss } = trainer.train({ ...given, beforeStep });
    await store.put(end);
    return { endHash, images, loss };
  },
  mean: async ({ ends }) => {
    const read = ends.map(async ({ nodeId, hash }) => ({ nodeId, weights: await store.get(hash) }));
    return store.put(trimmedMean(await Promise.all(read), plan.trim));
  },
  check: async ({ hash }) =>
    store.get(hash).then(
      () => true,
      () => false,
    ),
  verify: async ({ claim }) => {
    const { nodeId, round, startHash } = claim;
    const given = { claim, start: await store.get(startHash), shard: await shard(nodeId, round) };
    return verifyRound(trainer, { ...given, beforeStep }).problems;
  },
  evaluate: async ({ hash }) => trainer.evaluate(await store.get(hash), (await loaded()).data.test),
  export: async ({ hash, file }) => {
    await writeFile(file, toSafetensors(plan.model, await store.get(hash)));
    return undefined;
  },
};

async function answer({ id, task, given }: Request): Promise<void> {
  let answered: Answer;
  try {
    answered = { id, result: await TASKS[task](given as never) };
  } catch (error) {
    answered = { id, error: error instanceof Error ? error.message : String(error) };
  }
  parentPort?.postMessage(answered);
}

let last = Promise.resolve();
parentPort?.on("message", (request: Request) => {
  last = last.then(() => answer(request));
});
