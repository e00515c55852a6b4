import { TuringFogError } from "@turingfog/sdk";
import type { Weights } from "./weights";

const { fround } = Math;

/** The weights of a worker at the end of a round. */
export interface WorkerWeights {
  nodeId: bigint;
  weights: Weights;
}

/** Thrown when weights of workers cannot be averaged. */
export class MeanError extends TuringFogError {}

/**
 * Returns the trimmed mean of workers' weights. Of each weight, the lowest and the highest values are left out, of equal
 * ones those of lower node ids first; the rest is summed in ascending order of the node ids.
 * @param trim values to leave out at each end; less if no worker's would be left
 * @throws MeanError if there is no worker, one has two sets of weights, or another number of weights
 */
export function trimmedMean(workers: readonly WorkerWeights[], trim: number): Weights {
  const ordered = [...workers].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  check(ordered);
  const left = Math.min(trim, Math.floor((ordered.length - 1) / 2));
  const kept = ordered.length - 2 * left;
  const isKept = new Array<boolean>(ordered.length);
  const ranks = ordered.map((_, i) => i);
  const mean = new Float32Array(ordered[0].weights.length);
  for (let w = 0; w < mean.length; w++) {
    ranks.sort((a, b) => ordered[a].weights[w] - ordered[b].weights[w] || a - b);
    ranks.forEach((worker, rank) => (isKept[worker] = rank >= left && rank < left + kept));
    let sum = 0;
    ordered.forEach(({ weights }, i) => isKept[i] && (sum = fround(sum + weights[w])));
    mean[w] = sum / kept;
  }
  return mean;
}

function check(ordered: readonly WorkerWeights[]): void {
  if (ordered.length === 0) throw new MeanError("The mean has no worker, expected at least one");
  const { length } = ordered[0].weights;
  for (const [i, { nodeId, weights }] of ordered.entries()) {
    if (weights.length !== length) {
      throw new MeanError(
        `Node ${nodeId} has ${weights.length} weights, expected ${length} as node ${ordered[0].nodeId}`,
      );
    }
    if (i > 0 && ordered[i - 1].nodeId === nodeId) throw new MeanError(`Node ${nodeId} is given twice, expected once`);
  }
}
