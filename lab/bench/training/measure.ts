import path from "node:path";

import {
  deriveSeed,
  Draw,
  fromBytes,
  initialWeights,
  parametersOf,
  Random,
  shapesOf,
  toBytes,
  type Dataset,
  type TrainingPlan,
  type Weights,
} from "@turingfog/training";

import { DIGITS, digits } from "../../../test/helpers/digits";
import { areOraclesInstalled, ask, askNode } from "./oracles";
import { ROUND, type Outcome, type Task } from "./task";

/** CPU time for which a trainer is measured in a run. */
const SECONDS = 2;

/** A trainer that is measured: its name in tables, and in tasks. */
export interface Competitor {
  name: string;
  trainer: string;
  by: "this repository" | "TensorFlow.js";
}

/** The name of what all others are compared with. */
export const OURS = "ours, WebAssembly";

const COMPETITORS: readonly Competitor[] = [
  { name: OURS, trainer: "webassembly", by: "this repository" },
  { name: "ours, TypeScript", trainer: "reference", by: "this repository" },
  { name: "plain trial", trainer: "trial", by: "this repository" },
  { name: "tfjs wasm, slices", trainer: "wasm-slices", by: "TensorFlow.js" },
  { name: "tfjs wasm, indices", trainer: "wasm-indices", by: "TensorFlow.js" },
  { name: "tfjs cpu, conv2d", trainer: "cpu", by: "TensorFlow.js" },
];

/** A round of the demonstration's network. */
export const PLAN: TrainingPlan = {
  model: DIGITS,
  seed: `0x${"11".repeat(32)}`,
  rounds: 1,
  steps: 16,
  batch: 32,
  learningRate: 0.05,
  momentum: 0.9,
  trim: 0,
  transfer: "float32",
};

/** Returns the task of a plan's first round, without who trains it and for how long. */
export function taskOf(plan: TrainingPlan, start: Weights, shard: Dataset): Omit<Task, "trainer" | "seconds"> {
  const draw = new Draw(shard.labels.length, new Random(deriveSeed(plan.seed, "round", ROUND.round, ROUND.nodeId)));
  return {
    plan,
    tensors: parametersOf(shapesOf(plan.model)),
    weights: Buffer.from(toBytes(start)).toString("base64"),
    images: Buffer.from(shard.images).toString("base64"),
    labels: [...shard.labels],
    order: Array.from({ length: plan.steps * plan.batch }, () => draw.next()),
  };
}

/** Trains tasks in a process of its own: by TensorFlow.js, or by this repository. */
export async function train(by: Competitor["by"], tasks: readonly Task[]): Promise<Outcome[]> {
  const own = ["-r", "ts-node/register/transpile-only", path.join(__dirname, "trainer.ts")];
  const answer = by === "TensorFlow.js" ? ask("tfjs.cjs", tasks) : askNode(own, tasks);
  return (await answer) as Outcome[];
}

export interface Row {
  name: string;
  /** Of each run. */
  imagesPerCpuSecond: number[];
  /** Median of the runs. */
  median: number;
  /** Greatest difference of a weight from ours at the end of the round. */
  difference: number;
}

/** Has all competitors train in turn, several times, so that whatever else the machine does meets all of them. */
export async function measureAll(runs: number, note: (line: string) => void): Promise<Row[]> {
  const start = initialWeights(PLAN.model, PLAN.seed);
  const task = taskOf(PLAN, start, digits(0, 85));
  const competitors = COMPETITORS.filter(({ by }) => by === "this repository" || areOraclesInstalled());
  const outcomes = competitors.map((): Outcome[] => []);
  for (let run = 1; run <= runs; run++) {
    for (const [i, competitor] of competitors.entries()) {
      const { name, trainer, by } = competitor;
      const [outcome] = await train(by, [{ ...task, trainer, seconds: SECONDS }]);
      outcomes[i].push(outcome);
      note(`run ${run} of ${runs}: ${name}: ${Math.round(outcome.images / outcome.cpuSeconds)} images a CPU second`);
    }
  }
  const ours = weightsOf(PLAN, outcomes[0][0]);
  return competitors.map(({ name }, i) => {
    const rates = outcomes[i].map(({ images, cpuSeconds }) => images / cpuSeconds).sort((a, b) => a - b);
    const difference = greatestDifference(weightsOf(PLAN, outcomes[i][0]), ours);
    return { name, imagesPerCpuSecond: rates, median: rates[Math.floor(rates.length / 2)], difference };
  });
}

/** Returns the weights that a process has come to. */
export function weightsOf({ model }: TrainingPlan, { weights }: Outcome): Weights {
  return fromBytes(model, Buffer.from(weights, "base64"));
}

export function greatestDifference(a: Weights, b: Weights): number {
  return a.reduce((most, weight, i) => Math.max(most, Math.abs(weight - b[i])), 0);
}
