import { appendFile, cp, mkdir, readFile } from "node:fs/promises";
import path from "node:path";

import { readJson, writeAtomically } from "@turingfog/sdk/node";
import { type Job, JOB, JOB_FILE, type RoundClaim, type Runner as Offer, type Signed } from "@turingfog/sdk/wire";
import type { Logger } from "pino";

import { reasonOf } from "../runtime/index.js";
import { trainingOf } from "../joint/job.js";
import { JointRun } from "../joint/jointRun.js";
import type { JointNetwork } from "../joint/workers.js";
import { INPUT, LOG, NOTHING_USED, type Outcome, OUTPUT, type Runner, type Sample } from "./runner.js";
import { checkSlots } from "./slots.js";

/** File in a run's folder with what is known of it. */
const STATE = "training.json";

/** File of the finished model in a result. */
export const MODEL_FILE = "model.safetensors";

interface State {
  orderId: string;
  phase: Sample["phase"];
  heldMs: number;
  outcome?: Outcome;
}

export interface TrainingRunnerOptions {
  name: string;
  nodeId: bigint;
  network: JointNetwork;
  sign: (claim: RoundClaim) => Promise<Signed<RoundClaim>>;
  /** Milliseconds that a coordinator waits for stragglers. */
  patience: number;
  log: Logger;
}

/** A run that this process has opened. */
interface Open {
  run: JointRun;
  ended: AbortController;
  done: Promise<void>;
}

/** Trains by the built-in trainer. A run rests while no agent runs, and goes on where it was with the next one. */
export class TrainingRunner implements Runner {
  readonly offer: Offer;
  readonly countsImages = true;
  private readonly open = new Map<string, Promise<Open>>();
  private readonly paused = new Set<string>();

  constructor(private readonly options: TrainingRunnerOptions) {
    this.offer = { kind: "training", name: options.name, slots: {} };
  }

  async prepare(job: Job, folder: string, orderId: bigint): Promise<void> {
    checkSlots(this.offer, job.slots);
    trainingOf(job);
    await mkdir(path.join(folder, OUTPUT), { recursive: true, mode: 0o700 });
    await this.write(folder, { orderId: String(orderId), phase: "prepared", heldMs: 0 });
  }

  async start(folder: string): Promise<void> {
    const state = await this.read(folder);
    if (state?.phase === "prepared") await this.write(folder, { ...state, phase: "running" });
    await this.sample(folder);
  }

  async sample(folder: string): Promise<Sample> {
    const state = await this.read(folder);
    if (state === undefined || state.phase === "prepared") return NOTHING_USED;
    const { run } = await this.find(folder, state);
    const { heldMs, outcome } = state;
    const phase = state.phase === "running" && this.paused.has(folder) ? "paused" : state.phase;
    const ended = outcome === undefined ? {} : { outcome };
    return { ...NOTHING_USED, phase, heldMs, images: Number(run.images), ...ended };
  }

  async pause(folder: string, isPaused: boolean): Promise<void> {
    const state = await this.read(folder);
    if (state?.phase !== "running") return;
    (await this.find(folder, state)).run.pause(isPaused);
    if (isPaused) this.paused.add(folder);
    else this.paused.delete(folder);
  }

  async stop(folder: string): Promise<void> {
    const state = await this.read(folder);
    if (state?.phase !== "running") return;
    const { ended, run, done } = await this.find(folder, state);
    ended.abort();
    await run.close();
    await done;
    await this.end(folder, { kind: "stopped" });
  }

  /** Returns the run of an order, for those who ask for its rounds and weights; undefined if there is none. */
  async runOf(folder: string): Promise<JointRun | undefined> {
    const state = await this.read(folder);
    return state === undefined || state.phase === "prepared" ? undefined : (await this.find(folder, state)).run;
  }

  /** Ends what runs in this process; what is written down goes on with the next one. */
  async close(): Promise<void> {
    for (const opened of this.open.values()) {
      const { ended, run, done } = await opened;
      ended.abort();
      await run.close();
      await done;
    }
  }

  private find(folder: string, state: State): Promise<Open> {
    const found = this.open.get(folder) ?? this.begin(folder, state);
    this.open.set(folder, found);
    found.catch(() => this.open.delete(folder));
    return found;
  }

  private async begin(folder: string, { orderId, phase }: State): Promise<Open> {
    const { nodeId, network, sign, patience, log } = this.options;
    const input = path.join(folder, INPUT);
    const job = trainingOf(JOB.decode(await readFile(path.join(input, JOB_FILE))));
    const note = (line: string) => appendFile(path.join(folder, LOG), `${line}\n`);
    const trained = async (milliseconds: number) => {
      const state = await this.read(folder);
      if (state !== undefined) await this.write(folder, { ...state, heldMs: state.heldMs + Math.floor(milliseconds) });
    };
    const common = { nodeId, network, sign, patience, log, note, trained };
    const run = await JointRun.open({ ...common, orderId: BigInt(orderId), job, folder, input });
    const ended = new AbortController();
    const done = phase === "running" ? this.train(folder, run, ended.signal) : Promise.resolve();
    return { run, ended, done };
  }

  private async train(folder: string, run: JointRun, signal: AbortSignal): Promise<void> {
    let outcome: Outcome;
    try {
      await run.train(signal);
      if (signal.aborted) return;
      outcome = run.isStopped
        ? { kind: "failed", reason: "its claim of a round was false" }
        : await this.deliver(folder, run);
    } catch (error) {
      if (signal.aborted) return;
      outcome = { kind: "failed", reason: reasonOf(error) };
      await appendFile(path.join(folder, LOG), `${outcome.reason}\n`);
    }
    await this.end(folder, outcome);
    await run.close();
  }

  /** Writes what is delivered: the model, and the rounds by which it can be recomputed. */
  private async deliver(folder: string, run: JointRun): Promise<Outcome> {
    const output = path.join(folder, OUTPUT);
    const { accuracy, loss } = await run.finish(path.join(output, MODEL_FILE));
    await cp(run.book.folder, path.join(output, "rounds"), { recursive: true });
    await appendFile(path.join(folder, LOG), `finished: accuracy ${accuracy.toFixed(4)}, loss ${loss.toFixed(4)}\n`);
    return { kind: "exited", code: 0 };
  }

  private async end(folder: string, outcome: Outcome): Promise<void> {
    const state = await this.read(folder);
    if (state !== undefined) await this.write(folder, { ...state, phase: "ended", outcome });
  }

  private async read(folder: string): Promise<State | undefined> {
    return (await readJson(path.join(folder, STATE))) as State | undefined;
  }

  private write(folder: string, state: State): Promise<void> {
    return writeAtomically(path.join(folder, STATE), JSON.stringify(state));
  }
}
