import { spawn } from "node:child_process";
import { chmod, chown, mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { TuringFogError } from "@turingfog/sdk";
import type { Job, Runner as Offer } from "@turingfog/sdk/wire";

import { endAll, isRunning, RunProcesses } from "./processes.js";
import { RunFiles, type RunPlan, type RunState, type Wish } from "./runFiles.js";
import {
  checkSlots,
  INPUT,
  type RunLimits,
  NOTHING_USED,
  OUTPUT,
  type Runner,
  type Sample,
  SlotRefusedError,
} from "./runner.js";

/** What an owner lets jobs run. */
export interface ProcessRunnerConfig {
  name: string;
  /** Absolute path of the program. */
  command: string;
  /** `{NAME}` stands for a slot, `{input}` and `{output}` for the run's folders; an argument is never split. */
  args: string[];
  /** The whole environment beside PATH, HOME, LANG and TMPDIR; the same is filled in. */
  env: Record<string, string>;
  /** Patterns by the slot's name, as in the node's document. */
  slots: Record<string, string>;
  limits: RunLimits;
  /** Account that runs have, which owns nothing else; takes an agent that runs as root. */
  user?: { uid: number; gid: number };
  /** File in the output folder in which a run reports its images, for jobs that are metered by work. */
  images?: string;
}

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
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Milliseconds between two looks at whether a wish is fulfilled. */
const LOOK = 50;

/**
 * Runs a program of the owner's. A job fills named slots and nothing else; no shell reads them. The limits keep a run from
 * using the machine up. They do not keep it from reading what its account may read: that takes an account of its own, or
 * bubblewrap as the command.
 */
export class ProcessRunner implements Runner {
  readonly offer: Offer;

  /** @param patience milliseconds until a run that does not do what it is asked counts as stuck */
  constructor(
    private readonly config: ProcessRunnerConfig,
    private readonly patience = 30_000,
  ) {
    this.offer = { kind: "process", name: config.name, slots: config.slots };
  }

  get countsImages(): boolean {
    return this.config.images !== undefined;
  }

  async prepare(job: Job, folder: string): Promise<void> {
    const { name, command, args, env, limits, user, images } = this.config;
    checkSlots(this.offer, job.slots);
    const [input, output] = [path.join(folder, INPUT), path.join(folder, OUTPUT)];
    await mkdir(output, { recursive: true, mode: 0o700 });
    const fill = (text: string) => filled(text, { ...job.slots, input, output });
    const filledArgs = args.map((arg) => {
      const value = fill(arg);
      if (value.startsWith("-") && !arg.startsWith("-")) {
        throw new SlotRefusedError(name, arg, `would be read as an option, "${value.slice(0, 100)}"`);
      }
      return value;
    });
    const own = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, fill(value)]));
    const plan: RunPlan = {
      run: folder,
      command,
      args: filledArgs,
      env: { PATH, HOME: input, LANG: "C.UTF-8", TMPDIR: output, ...own },
      limits,
      user,
      images,
    };
    if (user !== undefined) await giveTo(user, folder, [input, output]);
    await new RunFiles(folder).writePlan(plan);
  }

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

  /** Ends what a supervisor has left that is gone, and writes down that it is. */
  private async bury(files: RunFiles): Promise<Sample> {
    const { supervisor, sample } = (await files.state()) as RunState;
    // it may have ended well since it was looked for
    if (sample.phase === "ended") return sample;
    await endAll(new RunProcesses(files.folder));
    const lost: Sample = { ...sample, phase: "ended", processes: 0, memoryBytes: 0, outcome: { kind: "lost" } };
    await files.writeState({ supervisor, sample: lost });
    return lost;
  }
}

/** Puts values for `{NAME}`; a value is never looked through again. */
function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? values[name] : whole));
}

/** Gives folders to another account, and lets it pass through the folder that they are in without seeing what is in it. */
async function giveTo({ uid, gid }: { uid: number; gid: number }, folder: string, folders: string[]): Promise<void> {
  await chmod(folder, 0o711);
  for (const each of folders) {
    const entries = await readdir(each, { recursive: true, withFileTypes: true });
    for (const entry of entries) await chown(path.join(entry.parentPath, entry.name), uid, gid);
    await chown(each, uid, gid);
  }
}
