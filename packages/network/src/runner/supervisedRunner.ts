import { spawn } from "node:child_process";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { TuringFogError } from "@turingfog/sdk";
import type { Job, Runner as Offer } from "@turingfog/sdk/wire";

import { isRunning } from "./processes.js";
import { RunFiles, type RunPlan, type RunState, type Wish } from "./runFiles.js";
import { NOTHING_USED, type Runner, type Sample } from "./runner.js";
import { targetOf } from "./targets.js";

/** Thrown when a run is asked for that was not prepared. */
export class UnpreparedRunError extends TuringFogError {
  constructor(readonly folder: string) {
    super(`${folder}: no run was prepared there`);
  }
}

/** Thrown when a run's supervisor does not do what it is asked. */
export class StuckRunError extends TuringFogError {
  constructor(
    readonly folder: string,
    state: string,
    patience: number,
  ) {
    super(`${folder}: the run is not ${state} after ${patience / 1_000} s: look at its supervisor`);
  }
}

const SUPERVISOR = path.join(__dirname, "supervisor.js");
/** Folders in which programs are looked for. */
export const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Milliseconds between two looks at whether a wish is fulfilled. */
const LOOK = 50;

/** Runs by supervisors, processes of their own that outlive the agent. */
export abstract class SupervisedRunner implements Runner {
  abstract readonly offer: Offer;
  abstract readonly countsImages: boolean;

  /** @param patience milliseconds until a run that does not do what it is asked counts as stuck */
  constructor(private readonly patience = 30_000) {}

  abstract prepare(job: Job, folder: string): Promise<void>;

  async start(folder: string): Promise<void> {
    const files = new RunFiles(folder);
    if ((await files.plan()) === undefined) throw new UnpreparedRunError(folder);
    if ((await files.state()) !== undefined) return;
    // no environment of ours: it may hold a passphrase
    const child = spawn(process.execPath, [SUPERVISOR, folder], {
      cwd: folder,
      env: { PATH },
      stdio: "ignore",
      detached: true,
    });
    child.unref();
    // an error is nobody's here: a supervisor that never comes leaves no state, and is started again
    child.on("error", () => undefined);
    const isThere = async () =>
      (await files.state()) !== undefined || child.exitCode !== null || child.pid === undefined;
    await this.until(folder, "started", isThere);
  }

  async sample(folder: string): Promise<Sample> {
    const files = new RunFiles(folder);
    const state = await files.state();
    if (state === undefined) return NOTHING_USED;
    const isTrue = state.sample.phase === "ended" || (await isRunning(state.supervisor));
    return isTrue ? state.sample : this.bury(files);
  }

  async pause(folder: string, isPaused: boolean): Promise<void> {
    await this.wish(folder, isPaused ? "pause" : "run", isPaused ? "paused" : "running");
  }

  async stop(folder: string): Promise<void> {
    await this.wish(folder, "stop", "ended");
  }

  private async wish(folder: string, wish: Wish, phase: Sample["phase"]): Promise<void> {
    const files = new RunFiles(folder);
    if ((await files.state()) === undefined) return;
    await files.writeWish(wish);
    await this.until(folder, phase, async () => [phase, "ended"].includes((await this.sample(folder)).phase));
  }

  private async until(folder: string, state: string, isSo: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + this.patience;
    while (!(await isSo())) {
      if (performance.now() > end) throw new StuckRunError(folder, state, this.patience);
      await sleep(LOOK);
    }
  }

  /** Ends what a supervisor has left that is gone, and writes down that it is; what had not begun begins anew. */
  private async bury(files: RunFiles): Promise<Sample> {
    const { supervisor, sample } = (await files.state()) as RunState;
    // it may have ended well since it was looked for
    if (sample.phase === "ended") return sample;
    await targetOf((await files.plan()) as RunPlan, files.folder).end();
    if (sample.phase === "starting") {
      await files.release();
      return NOTHING_USED;
    }
    const lost: Sample = { ...sample, phase: "ended", processes: 0, memoryBytes: 0, outcome: { kind: "lost" } };
    await files.writeState({ supervisor, sample: lost });
    return lost;
  }
}
