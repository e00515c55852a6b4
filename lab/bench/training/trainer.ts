import { readFileSync } from "node:fs";

import { createEngine, fromBytes, referenceEngine, toBytes, Trainer, type Dataset } from "@turingfog/training";

import { ROUND, type Outcome, type Task } from "./task";
import { trialOf } from "./trial";

// Trains tasks by the trainers of this repository, in a process of its own.

/** Returns the function that trains a task's round and returns the weights at its end. */
function roundOf({ trainer, plan, weights, images, labels, order }: Task): () => Float32Array {
  const shard: Dataset = { images: Buffer.from(images, "base64"), labels: Uint8Array.from(labels) };
  const start = fromBytes(plan.model, Buffer.from(weights, "base64"));
  if (trainer === "trial") {
    const train = trialOf(plan, start, shard);
    return () => train(order);
  }
  const own = new Trainer(plan, trainer === "reference" ? referenceEngine : createEngine);
  return () => own.train({ ...ROUND, start, shard }).weights;
}

function run(task: Task): Outcome {
  const train = roundOf(task);
  const weights = Buffer.from(toBytes(train())).toString("base64");
  const before = process.cpuUsage();
  let [images, cpuSeconds] = [0, 0];
  while (cpuSeconds < task.seconds) {
    train();
    images += task.order.length;
    const { user, system } = process.cpuUsage(before);
    cpuSeconds = (user + system) / 1e6;
  }
  return { weights, images, cpuSeconds };
}

console.log(JSON.stringify((JSON.parse(readFileSync(0, "utf8")) as Task[]).map(run)));
