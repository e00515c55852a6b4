import type { Parameter, TrainingPlan } from "@turingfog/training";

/** A round for a trainer in a process of its own, which reads a list of them as JSON on stdin. */
export interface Task {
  /** Who trains, such as `webassembly` or `wasm`. */
  trainer: string;
  plan: TrainingPlan;
  /** The model's tensors in the canonical order. */
  tensors: Parameter[];
  /** Canonical bytes of the weights at the start, in base64. */
  weights: string;
  /** Bytes of the images, in base64. */
  images: string;
  labels: number[];
  /** Images in the order in which they are trained on, batch after batch. */
  order: number[];
  /** CPU time for which the round is repeated, after one that is not timed. */
  seconds: number;
}

/** The round that our trainer is asked for; the others get the order of its images. */
export const ROUND = { round: 1n, nodeId: 1n };

/** What came of a task; the process prints a list of them as JSON. */
export interface Outcome {
  /** Canonical bytes of the weights at the end of the round, in base64. */
  weights: string;
  /** Images of the timed rounds, and the CPU time of all threads that they took. */
  images: number;
  cpuSeconds: number;
}
