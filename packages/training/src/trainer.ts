import { checkDataset, type Dataset } from "./dataset";
import { applyDifference, encodeDifference } from "./difference";
import { createEngine } from "./engine";
import { NonFiniteError } from "./errors";
import { Network } from "./network";
import type { TrainingPlan } from "./plan";
import { deriveSeed, Draw, Random } from "./random";
import { checkWeights, hashOf, toBytes, type Weights } from "./weights";

const { fround } = Math;

/** Everything that a round depends on, beside its plan. */
export interface RoundInput {
  /** Number of the round. */
  round: bigint;
  /** The worker. */
  nodeId: bigint;
  /** The weights at the start of the round. */
  start: Weights;
  /** The images of the worker. */
  shard: Dataset;
  /** What the worker's last 8-bit difference left out; zeros before its first. Only with `transfer: "int8"`. */
  residual?: Float32Array;
  /** Called before each step, which may wait in it. */
  beforeStep?: () => void;
}

export interface RoundResult {
  /** The worker's weights at the end of the round, as they arrive. */
  weights: Weights;
  startHash: string;
  endHash: string;
  images: bigint;
  /** Mean cross-entropy of the images, each before the step that it was part of. */
  loss: number;
  /** What travels: the canonical bytes of the weights, or the difference. */
  sent: Uint8Array;
  /** What the 8-bit difference left out; only with `transfer: "int8"`. */
  residual?: Float32Array;
}

export interface Evaluation {
  /** Share of the images that were classified as their label says. */
  accuracy: number;
  /** Mean cross-entropy. */
  loss: number;
}

/** Trains and recomputes the rounds of a plan. All results depend on the arguments alone, to the last bit. */
export class Trainer {
  private readonly network: Network;

  /**
   * @param engine other than the fastest that there is
   * @throws ModelError
   */
  constructor(
    readonly plan: TrainingPlan,
    engine = createEngine,
  ) {
    this.network = new Network(plan.model, engine);
  }

  /**
   * Trains a worker's part of a round.
   * @throws NonFiniteError if it leaves the finite numbers
   * @throws WeightsError, DatasetError if an input does not fit the model
   */
  train({ round, nodeId, start, shard, residual, beforeStep }: RoundInput): RoundResult {
    const { model, seed, steps, batch, transfer } = this.plan;
    checkWeights(model, start);
    checkDataset(model, shard);
    const draw = new Draw(shard.labels.length, new Random(deriveSeed(seed, "round", round, nodeId)));
    this.network.load(start);
    let loss = 0;
    for (let step = 0; step < steps; step++) {
      beforeStep?.();
      loss = fround(loss + this.step(shard, draw, step));
    }
    const images = steps * batch;
    const end = this.network.store();
    const result = { startHash: hashOf(start), images: BigInt(images), loss: fround(loss / images) };
    if (transfer === "float32") return { ...result, weights: end, endHash: hashOf(end), sent: toBytes(end) };

    const before = residual ?? new Float32Array(start.length);
    checkWeights(model, before);
    const difference = encodeDifference(model, start, end, before);
    const weights = applyDifference(model, start, difference.bytes);
    return { ...result, weights, endHash: hashOf(weights), sent: difference.bytes, residual: difference.residual };
  }

  /**
   * Classifies all images of a data set.
   * @throws NonFiniteError, WeightsError, DatasetError
   */
  evaluate(weights: Weights, data: Dataset): Evaluation {
    checkWeights(this.plan.model, weights);
    checkDataset(this.plan.model, data);
    this.network.load(weights);
    const count = data.labels.length;
    let [right, loss] = [0, 0];
    for (let i = 0; i < count; i++) {
      const found = this.network.classify(data, i);
      if (found.label === data.labels[i]) right++;
      loss = fround(loss + found.loss);
    }
    return { accuracy: right / count, loss: fround(loss / count) };
  }

  /** Trains on one batch, and returns the sum of its losses. */
  private step(shard: Dataset, draw: Draw, step: number): number {
    let loss = 0;
    try {
      this.network.startBatch();
      for (let i = 0; i < this.plan.batch; i++) loss = fround(loss + this.network.learn(shard, draw.next()));
      this.network.descend(this.plan);
    } catch (error) {
      throw error instanceof NonFiniteError ? new NonFiniteError(error.at, step) : error;
    }
    return loss;
  }
}
