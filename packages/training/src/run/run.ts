import { mkdir, readdir, readFile } from "node:fs/promises";
import path from "node:path";

import { TuringFogError } from "@turingfog/sdk";
import { readingOf, writeAtomically } from "@turingfog/sdk/node";
import { ZeroHash } from "ethers";

import { checkDataset, type Dataset } from "../dataset";
import { trimmedMean, type WorkerWeights } from "../mean";
import { TRAINING_PLAN, type TrainingPlan } from "../plan";
import { shardsOf } from "../shards";
import { Trainer, type Evaluation } from "../trainer";
import { hashOf, initialWeights, type Weights } from "../weights";
import { readData, type Data } from "./data";
import {
  MAX_WORKERS,
  ROUND_RECORD,
  RUN_SETTINGS,
  type RoundRecord,
  type RunSettings,
  type WorkerClaim,
} from "./record";
import { WeightsStore } from "./store";

/** Thrown when a folder cannot be used as that of a run. */
export class RunError extends TuringFogError {}

const PLAN = "plan.json";
const SETTINGS = "run.json";
const ROUNDS = "rounds";
const WEIGHTS = "weights";

/**
 * A run of joint training whose workers are all on this machine, in a folder: `plan.json`, `run.json`, a file for each round
 * in `rounds`, and all weights by their hash in `weights`. A round counts once its file is there, so that a run goes on after
 * the last whole round, wherever it was stopped.
 */
export class TrainingRun {
  private readonly trainer: Trainer;
  private known: { data: Data; shards: Dataset[] } | undefined;

  private constructor(
    readonly folder: string,
    readonly plan: TrainingPlan,
    readonly settings: RunSettings,
    /** All rounds so far. */
    readonly records: RoundRecord[],
    readonly store: WeightsStore,
  ) {
    this.trainer = new Trainer(plan);
  }

  /**
   * Begins a run.
   * @throws RunError if the folder has a run
   * @throws ModelError, DatasetError, InvalidMessageError if model and data do not fit together
   */
  static async init(folder: string, plan: TrainingPlan, data: Data, workers: number): Promise<TrainingRun> {
    if (workers < 1 || workers > MAX_WORKERS)
      throw new RunError(`A run has ${workers} workers, expected 1 to ${MAX_WORKERS}`);
    if ((await namesIn(folder)).length > 0)
      throw new RunError(`${folder} is not empty: name a folder that is not there yet`);
    const settings = { data: data.folder, dataHash: data.hash, workers: BigInt(workers) };
    const run = new TrainingRun(folder, plan, settings, [], new WeightsStore(path.join(folder, WEIGHTS), plan.model));
    run.use(data);
    const texts = { [SETTINGS]: RUN_SETTINGS.encode(settings), [PLAN]: TRAINING_PLAN.encode(plan) };
    await mkdir(folder, { recursive: true });
    await run.store.put(run.startWeights());
    for (const [name, text] of Object.entries(texts)) await writeAtomically(path.join(folder, name), text);
    return run;
  }

  /** Opens the run of a folder. @throws UnreadablePathError, InvalidMessageError, RunError */
  static async open(folder: string): Promise<TrainingRun> {
    const read = (name: string) => readingOf(path.join(folder, name), readFile(path.join(folder, name)));
    const plan = TRAINING_PLAN.decode(await read(PLAN));
    const settings = RUN_SETTINGS.decode(await read(SETTINGS));
    const records: RoundRecord[] = [];
    const names = (await namesIn(path.join(folder, ROUNDS))).filter((name) => name.endsWith(".json")).sort();
    for (const name of names) {
      const record = ROUND_RECORD.decode(await read(path.join(ROUNDS, name)));
      if (name !== nameOf(record.round) || record.round !== BigInt(records.length + 1)) {
        throw new RunError(
          `${path.join(folder, ROUNDS, name)} has round ${record.round}, expected ${records.length + 1}`,
        );
      }
      records.push(record);
    }
    return new TrainingRun(folder, plan, settings, records, new WeightsStore(path.join(folder, WEIGHTS), plan.model));
  }

  get isDone(): boolean {
    return this.records.length >= this.plan.rounds;
  }

  /** Returns the weights that the plan begins with. */
  startWeights(): Weights {
    return initialWeights(this.plan.model, this.plan.seed);
  }

  /** Returns the weights after a round; without one, of the last so far. @throws RunError if there is no such round */
  async weightsAfter(round = this.records.length): Promise<Weights> {
    if (round === 0) return this.startWeights();
    const record = this.records[round - 1] as RoundRecord | undefined;
    if (record === undefined) throw new RunError(`Round ${round} is not there, expected 0 to ${this.records.length}`);
    return this.store.get(record.endHash);
  }

  /** Returns what a worker's last difference before a round left out: zeros before the first, nothing with `float32`. */
  async residualBefore(round: bigint, nodeId: bigint): Promise<Weights | undefined> {
    if (this.plan.transfer === "float32") return undefined;
    if (round === 1n) return this.startWeights().fill(0);
    const last = this.records[Number(round) - 2].claims.find((each) => each.nodeId === nodeId);
    if (last === undefined) throw new RunError(`Round ${round - 1n} has no worker ${nodeId}`);
    return this.store.get(last.residualAfter);
  }

  /** Returns the shard of each worker. @throws RunError if the data are others than at the beginning */
  async shards(): Promise<Dataset[]> {
    return (await this.loaded()).shards;
  }

  /** Measures weights on the data that nobody learns from, or on those of another folder. */
  async evaluate(weights: Weights, folder?: string): Promise<Evaluation> {
    const { test } = folder === undefined ? (await this.loaded()).data : await readData(folder);
    return this.trainer.evaluate(weights, test);
  }

  /** Trains the next round, and writes it down. */
  async next(): Promise<RoundRecord> {
    if (this.isDone) throw new RunError(`All ${this.plan.rounds} rounds are trained`);
    const { shards, data } = await this.loaded();
    const round = BigInt(this.records.length + 1);
    const start = await this.weightsAfter();
    const [claims, ends]: [WorkerClaim[], WorkerWeights[]] = [[], []];
    for (const [i, shard] of shards.entries()) {
      const nodeId = BigInt(i + 1);
      const residual = await this.residualBefore(round, nodeId);
      const result = this.trainer.train({ round, nodeId, start, shard, residual });
      const residualBefore = residual === undefined ? ZeroHash : await this.store.put(residual);
      const residualAfter = result.residual === undefined ? ZeroHash : await this.store.put(result.residual);
      const { endHash, images, loss } = result;
      claims.push({ nodeId, endHash, images, loss, residualBefore, residualAfter });
      ends.push({ nodeId, weights: result.weights });
      await this.store.put(result.weights);
    }
    const mean = trimmedMean(ends, this.plan.trim);
    const measured = this.trainer.evaluate(mean, data.test);
    const record = { round, startHash: hashOf(start), endHash: await this.store.put(mean), ...measured, claims };
    await writeAtomically(path.join(this.folder, ROUNDS, nameOf(round)), ROUND_RECORD.encode(record));
    this.records.push(record);
    return record;
  }

  private async loaded(): Promise<{ data: Data; shards: Dataset[] }> {
    if (this.known !== undefined) return this.known;
    const { data, dataHash } = this.settings;
    const read = await readData(data);
    if (read.hash !== dataHash)
      throw new RunError(`${data} has data with hash ${read.hash}, the run began with ${dataHash}`);
    return this.use(read);
  }

  private use(data: Data): { data: Data; shards: Dataset[] } {
    for (const part of [data.train, data.test]) checkDataset(this.plan.model, part);
    this.known = { data, shards: shardsOf(data.train, Number(this.settings.workers), this.plan.seed) };
    return this.known;
  }
}

function nameOf(round: bigint): string {
  return `${String(round).padStart(7, "0")}.json`;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
