import {
  initialWeights,
  shardsOf,
  Trainer,
  trimmedMean,
  type TrainingPlan,
  type WorkerWeights,
} from "@turingfog/training";
import { toBeHex } from "ethers";

import { heldOutDigits } from "../../../test/helpers/digits";
import { PLAN } from "../training/measure";

/** The accuracy that is trained for, on 1,000 digits that nobody learns from. */
export const TARGET = 0.95;

/** Digits of each class that nobody learns from. */
const HELD_OUT = 100;

/** Images after which a run is given up. */
const MOST_IMAGES = 300_000;

/** Images between two measurements at least, which take a third of the time of training. */
const BETWEEN = 2_048;

/** How a run is divided. */
export interface Division {
  workers: number;
  steps: number;
  transfer: TrainingPlan["transfer"];
}

export const DIVISIONS: readonly Division[] = [
  ...[1, 2, 4, 8].map((workers) => ({ workers, steps: 16, transfer: "float32" as const })),
  ...[1, 4, 64].map((steps) => ({ workers: 4, steps, transfer: "float32" as const })),
  ...[4, 16, 64].map((steps) => ({ workers: 4, steps, transfer: "int8" as const })),
];

/** What it took until the target was touched first. */
export interface Taken {
  rounds: number;
  /** Of all workers. */
  images: number;
  /** Bytes that all workers got and sent: the weights of each round's start, and what they hand in. */
  bytes: number;
}

/** Trains until the target is touched; undefined if it was not within 300,000 images. */
export function trainUntil({ workers, steps, transfer }: Division, seed: number): Taken | undefined {
  const plan = { ...PLAN, seed: toBeHex(seed, 32), steps, transfer, trim: 1 };
  const trainer = new Trainer(plan);
  const { train, test } = heldOutDigits(HELD_OUT);
  const shards = shardsOf(train, workers, plan.seed);
  const residuals = new Array<Float32Array | undefined>(workers);
  const imagesOfRound = workers * steps * plan.batch;
  const between = Math.ceil(BETWEEN / imagesOfRound);
  let weights = initialWeights(plan.model, plan.seed);
  let bytes = 0;
  for (let rounds = 1; rounds * imagesOfRound <= MOST_IMAGES; rounds++) {
    const ends = shards.map((shard, i): WorkerWeights => {
      const input = { round: BigInt(rounds), nodeId: BigInt(i + 1), start: weights, shard, residual: residuals[i] };
      const result = trainer.train(input);
      residuals[i] = result.residual;
      bytes += weights.byteLength + result.sent.length;
      return { nodeId: input.nodeId, weights: result.weights };
    });
    weights = trimmedMean(ends, plan.trim);
    if (rounds % between !== 0 || trainer.evaluate(weights, test).accuracy < TARGET) continue;
    return { rounds, images: rounds * imagesOfRound, bytes };
  }
  return undefined;
}

export interface Row extends Division {
  /** Of each seed; undefined where the target was not touched. */
  runs: (Taken | undefined)[];
  /** The run of median images, if more than half of all touched the target. */
  median: Taken | undefined;
}

export function measure(division: Division, seeds: readonly number[]): Row {
  const runs = seeds.map((seed) => trainUntil(division, seed));
  const sorted = [...runs].sort((a, b) => (a?.images ?? Infinity) - (b?.images ?? Infinity));
  return { ...division, runs, median: sorted[Math.floor(sorted.length / 2)] };
}
