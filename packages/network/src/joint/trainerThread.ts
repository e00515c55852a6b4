import path from "node:path";
import { Worker } from "node:worker_threads";

import { TuringFogError } from "@turingfog/sdk";
import type { RoundClaim } from "@turingfog/sdk/wire";
import { type Evaluation, type FalseStatement, TRAINING_PLAN } from "@turingfog/training";

import type { TrainingJob } from "./job.js";

const THREAD = path.join(__dirname, "thread.js");

/** What the thread begins with. */
export interface ThreadData {
  plan: string;
  shards: number;
  /** Folder with the job's data. */
  input: string;
  /** Folder of weights by their hash. */
  weights: string;
  /** One word that is 1 as long as the thread is to wait. */
  gate: Int32Array;
}

/** The tasks of the thread by their names, with what they are given and what comes of them. */
export interface Tasks {
  /** Writes the weights that the plan begins with, and returns their hash. */
  start: [given: Record<never, never>, result: string];
  /** Trains a worker's part of a round, and writes its weights. */
  train: [
    given: { round: bigint; nodeId: bigint; startHash: string },
    result: { endHash: string; images: bigint; loss: number },
  ];
  /** Writes the trimmed mean of workers' weights, and returns its hash. */
  mean: [given: { ends: { nodeId: bigint; hash: string }[] }, result: string];
  /** Checks that weights are the model's, and finite. */
  check: [given: { hash: string }, result: boolean];
  /** Recomputes a claim. */
  verify: [given: { claim: RoundClaim }, result: FalseStatement[]];
  evaluate: [given: { hash: string }, result: Evaluation];
  /** Writes the weights as safetensors. */
  export: [given: { hash: string; file: string }, result: undefined];
}

export interface Request<K extends keyof Tasks = keyof Tasks> {
  id: number;
  task: K;
  given: Tasks[K][0];
}

export interface Answer {
  id: number;
  result?: unknown;
  /** Why the task has failed. */
  error?: string;
}

/** Thrown when the trainer's thread has failed at a task. */
export class TrainerError extends TuringFogError {}

/** Trains and recomputes in a thread of its own, one task after another, so that nobody waits for it. */
export class TrainerThread {
  private readonly gate = new Int32Array(new SharedArrayBuffer(4));
  private readonly worker: Worker;
  private readonly waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  private failure: TrainerError | undefined;
  private asked = 0;

  /**
   * @param input folder with the job's data
   * @param weights folder of weights by their hash
   */
  constructor({ plan, shards }: TrainingJob, input: string, weights: string) {
    const data: ThreadData = { plan: TRAINING_PLAN.encode(plan), shards, input, weights, gate: this.gate };
    this.worker = new Worker(THREAD, { workerData: data, env: {} });
    this.worker.unref();
    this.worker.on("message", ({ id, result, error }: Answer) => {
      const waiting = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) waiting?.resolve(result as never);
      else waiting?.reject(new TrainerError(error));
    });
    this.worker.on("error", (error) => this.fail(error.message));
    this.worker.on("exit", () => this.fail("the trainer's thread has ended"));
  }

  /** @throws TrainerError */
  run<K extends keyof Tasks>(task: K, given: Tasks[K][0]): Promise<Tasks[K][1]> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const id = ++this.asked;
    const request: Request<K> = { id, task, given };
    return new Promise<Tasks[K][1]>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage(request);
    });
  }

  /** Has the thread wait before its next step, or go on. */
  pause(isPaused: boolean): void {
    Atomics.store(this.gate, 0, isPaused ? 1 : 0);
    Atomics.notify(this.gate, 0);
  }

  async close(): Promise<void> {
    this.fail("the run was ended");
    await this.worker.terminate();
  }

  private fail(reason: string): void {
    this.failure ??= new TrainerError(reason);
    for (const { reject } of this.waiting.values()) reject(this.failure);
    this.waiting.clear();
  }
}
