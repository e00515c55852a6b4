import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, open, readdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { readRegular } from "../runtime/regularFile.js";
import {
  endAll,
  memoryOf,
  nameOf,
  type ProcessFacts,
  type ProcessName,
  RUN_VARIABLE,
  RunProcesses,
  signalAll,
} from "./processes.js";
import { RunFiles, type RunPlan, type Wish } from "./runFiles.js";
import { INPUT, type RunLimits, LOG, NOTHING_USED, type Outcome, OUTPUT, type Sample } from "./runner.js";

const MIB = 1_048_576;

/** Bytes of a file beyond the limit of the output: more than a run's own files change by. */
const BEYOND = 65_536;
/** Milliseconds between two looks at the processes, and at the files. */
const LOOK = 200;
const LOOK_AT_FILES = 1_000;
/** The most bytes of the file in which a run reports its images. */
const MAX_COUNT = 64;
/** Milliseconds that a run has to end when it is asked to. */
const GRACE = 5_000;

/**
 * Runs one command within its limits until it ends, and writes down how. It is a process of its own, so that the limits
 * hold and the outcome is known though the agent is killed.
 */
class Supervisor {
  private readonly started = process.hrtime.bigint();
  private lastCounted = this.started;
  private heldNs = 0n;
  private outputBefore = 0;
  private filesLookedAt = 0;
  private outcome: Outcome | undefined;
  private processes: RunProcesses;
  private readonly state: Sample = { ...NOTHING_USED };

  private constructor(
    private readonly files: RunFiles,
    private readonly plan: RunPlan,
    private readonly supervisor: ProcessName,
  ) {
    this.processes = new RunProcesses(plan.run);
  }

  static async run(folder: string): Promise<void> {
    const files = new RunFiles(folder);
    const plan = await files.plan();
    const supervisor = await nameOf(process.pid);
    if (plan === undefined || supervisor === undefined || !(await files.lock())) return;
    await new Supervisor(files, plan, supervisor).supervise();
  }

  private async supervise(): Promise<void> {
    await this.write();
    this.outputBefore = await sizeOf(this.files.folder);
    const ended = this.launch();
    while (!(await Promise.race([ended, sleep(LOOK, false)]))) await this.look();
    this.count();
    await endAll(this.processes);
    await this.lookAtFiles();
    const over = this.outcome?.kind === "stopped" ? undefined : this.exceeded();
    if (over !== undefined) this.outcome = { kind: "over", limit: over };
    Object.assign(this.state, { phase: "ended", outcome: this.outcome, processes: 0, memoryBytes: 0 });
    await this.write();
  }

  /** Resolves to true once the command has ended. */
  private async launch(): Promise<true> {
    const { command, args, env, limits, user, run } = this.plan;
    const log = await open(path.join(this.files.folder, LOG), "a", 0o600);
    const child = spawn("prlimit", [...rlimits(limits), "--", command, ...args], {
      cwd: path.join(this.files.folder, INPUT),
      env: { ...env, [RUN_VARIABLE]: run },
      stdio: ["ignore", log.fd, log.fd],
      detached: true,
      ...user,
    });
    const exit = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    try {
      if (child.pid !== undefined) {
        this.processes = new RunProcesses(run, child.pid);
        this.state.phase = "running";
        this.lastCounted = process.hrtime.bigint();
        await this.write();
      }
      const [code, signal] = await exit;
      this.outcome ??= code === null ? endedBy(signal) : { kind: "exited", code };
    } catch (error) {
      this.outcome = { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
    } finally {
      await log.close();
    }
    return true;
  }

  /** Counts what the run has used, does what is wished, and ends a run that is over a limit. */
  private async look(): Promise<void> {
    this.count();
    const found = await this.processes.find();
    const memory = await Promise.all(found.map(({ pid }) => memoryOf(pid)));
    const cpu = found.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
    this.state.cpuSeconds = Math.max(this.state.cpuSeconds, cpu);
    this.state.memoryBytes = memory.reduce((sum, each) => sum + each, 0);
    this.state.processes = found.length;
    if (Date.now() - this.filesLookedAt >= LOOK_AT_FILES) await this.lookAtFiles();

    const over = this.exceeded();
    if (over !== undefined) return this.end({ kind: "over", limit: over });
    await this.obey(await this.files.wish(), found);
    await this.write();
  }

  private exceeded(): keyof RunLimits | undefined {
    const { heldMs, cpuSeconds, memoryBytes, processes, outputBytes } = this.state;
    const used: RunLimits = {
      memoryMiB: memoryBytes / MIB,
      cpuSeconds,
      processes,
      seconds: heldMs / 1_000,
      outputMiB: outputBytes / MIB,
    };
    return (Object.keys(used) as (keyof RunLimits)[]).find((name) => used[name] > this.plan.limits[name]);
  }

  private async obey(wish: Wish, found: readonly ProcessFacts[]): Promise<void> {
    if (wish === "stop") return this.stop();
    // again at each look, because a process may have started another one while it was stopped
    if (wish === "pause") signalAll(found, "SIGSTOP");
    if (wish === "run" && this.state.phase === "paused") signalAll(found, "SIGCONT");
    this.count();
    this.state.phase = wish === "pause" ? "paused" : "running";
  }

  private async stop(): Promise<void> {
    this.outcome = { kind: "stopped" };
    const asked = await this.processes.find();
    signalAll(asked, "SIGTERM");
    signalAll(asked, "SIGCONT");
    for (let waited = 0; waited < GRACE; waited += LOOK) {
      if ((await this.processes.find()).length === 0) return;
      await sleep(LOOK);
    }
    await endAll(this.processes);
  }

  private async end(outcome: Outcome): Promise<void> {
    this.outcome = outcome;
    await endAll(this.processes);
  }

  /** Adds the time since it last counted, unless the run was paused. */
  private count(): void {
    const now = process.hrtime.bigint();
    if (this.state.phase === "running") this.heldNs += now - this.lastCounted;
    this.lastCounted = now;
    this.state.heldMs = Number(this.heldNs / 1_000_000n);
  }

  private write(): Promise<void> {
    return this.files.writeState({ sample: this.state, supervisor: this.supervisor });
  }

  private async lookAtFiles(): Promise<void> {
    this.filesLookedAt = Date.now();
    this.state.outputBytes = Math.max(this.state.outputBytes, (await sizeOf(this.files.folder)) - this.outputBefore);
    const { images } = this.plan;
    if (images === undefined) return;
    const text = await readRegular(path.join(this.files.folder, OUTPUT), images, MAX_COUNT).catch(() => "");
    const [, count] = /^\s*(\d{1,15})\s*$/.exec(text.toString()) ?? [];
    this.state.images = Math.max(this.state.images, Number(count ?? 0));
  }
}

/**
 * The limits that the kernel itself keeps, of each process: what a look may come too late for. A file may become larger than
 * all of the output may, so that the last look sees why the kernel let no more be written.
 */
function rlimits({ cpuSeconds, outputMiB }: RunLimits): string[] {
  return [`--cpu=${cpuSeconds}:${cpuSeconds + 1}`, `--fsize=${outputMiB * MIB + BEYOND}`, "--core=0"];
}

/** Tells how a command ended by a signal, which the kernel may have sent because of its own limits. */
function endedBy(signal: NodeJS.Signals | null): Outcome {
  if (signal === "SIGXCPU") return { kind: "over", limit: "cpuSeconds" };
  if (signal === "SIGXFSZ") return { kind: "over", limit: "outputMiB" };
  return { kind: "signalled", signal: String(signal) };
}

/** Returns the bytes of the files of a folder and of all folders in it; links count themselves. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await lstat(path.join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

void Supervisor.run(process.argv[2]);
