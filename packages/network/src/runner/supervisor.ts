import { lstat, open, readdir, statfs } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { LogReader } from "@turingfog/sdk";

import { freeShare, LEAST_FREE } from "../runtime/disk.js";
import { readRegular } from "../runtime/regularFile.js";
import { nameOf, type ProcessName } from "./processes.js";
import { RunFiles, type RunPlan, type Wish } from "./runFiles.js";
import { LOG, NOTHING_USED, type Outcome, OUTPUT, type RunLimits, type Sample } from "./runner.js";
import type { Target } from "./target.js";
import { targetOf } from "./targets.js";

const MIB = 1_048_576;

/** Milliseconds between two looks at the run, and at its files. */
const LOOK = 200;
const LOOK_AT_FILES = 1_000;
/** Files and folders that a run may leave, as many as a result may have. */
const MOST_ENTRIES = 10_000;
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
  private before: Extent = { bytes: 0, entries: 0 };
  private freeBefore = 0;
  /** Whether it has taken more of the disk than files show: in many empty ones, or in some that have no name any more. */
  private isHoarding = false;
  private filesLookedAt = 0;
  private outcome: Outcome | undefined;
  private readonly target: Target;
  private readonly state: Sample = { ...NOTHING_USED, phase: "starting" };

  private constructor(
    private readonly files: RunFiles,
    private readonly plan: RunPlan,
    private readonly supervisor: ProcessName,
  ) {
    this.target = targetOf(plan, files.folder);
  }

  static async run(folder: string): Promise<void> {
    const files = new RunFiles(folder);
    const plan = await files.plan();
    const supervisor = await nameOf(process.pid);
    if (plan === undefined || supervisor === undefined) return;
    const run = new Supervisor(files, plan, supervisor);
    if (await files.claim({ sample: run.state, supervisor })) await run.supervise();
  }

  private async supervise(): Promise<void> {
    this.before = await extentOf(this.files.folder);
    this.freeBefore = await freeBytes(this.files.folder);
    const ended = this.launch();
    while (!(await Promise.race([ended, sleep(LOOK, false)]))) {
      await this.look().catch((error: unknown) => this.end({ kind: "failed", reason: messageOf(error) }));
    }
    this.count();
    await this.endSurely();
    await this.lookAtFiles().catch((error: unknown) => {
      this.outcome = { kind: "failed", reason: messageOf(error) };
    });
    const over = this.outcome?.kind === "stopped" ? undefined : this.exceeded();
    if (over !== undefined) this.outcome = { kind: "over", limit: over };
    Object.assign(this.state, { phase: "ended", outcome: this.outcome, processes: 0, memoryBytes: 0 });
    await this.write();
  }

  /** Resolves to true once the run has ended. */
  private async launch(): Promise<true> {
    const log = await open(path.join(this.files.folder, LOG), "a", 0o600);
    try {
      const outcome = await this.target.run(log.fd, async () => {
        this.lastCounted = process.hrtime.bigint();
        this.state.phase = "running";
        await this.write();
      });
      this.outcome ??= outcome;
    } catch (error) {
      this.outcome ??= { kind: "failed", reason: messageOf(error) };
    } finally {
      await log.close();
    }
    return true;
  }

  /** Counts what the run has used, does what is wished, and ends a run that is over a limit. */
  private async look(): Promise<void> {
    this.count();
    const { cpuSeconds, memoryBytes, processes } = await this.target.use();
    this.state.cpuSeconds = Math.max(this.state.cpuSeconds, cpuSeconds);
    this.state.memoryBytes = memoryBytes;
    this.state.processes = processes;
    if (Date.now() - this.filesLookedAt >= LOOK_AT_FILES) await this.lookAtFiles();

    const over = this.exceeded();
    if (over !== undefined) return this.end({ kind: "over", limit: over });
    await this.obey(await this.files.wish());
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
    if (this.isHoarding) return "outputMiB";
    return (Object.keys(used) as (keyof RunLimits)[]).find((name) => used[name] > this.plan.limits[name]);
  }

  private async obey(wish: Wish): Promise<void> {
    if (wish === "stop") return this.stop();
    if (this.state.phase === "starting") return;
    // again at each look, because a process may have started another one while it was stopped
    if (wish === "pause") await this.target.pause(true);
    if (wish === "run" && this.state.phase === "paused") await this.target.pause(false);
    this.count();
    this.state.phase = wish === "pause" ? "paused" : "running";
  }

  private async stop(): Promise<void> {
    this.outcome = { kind: "stopped" };
    await this.target.ask(GRACE);
    await this.endSurely();
  }

  private async end(outcome: Outcome): Promise<void> {
    this.outcome = outcome;
    await this.endSurely();
  }

  /** Ends the run, however often that takes: an engine of containers may be away for a while. */
  private async endSurely(): Promise<void> {
    while (
      !(await this.target.end().then(
        () => true,
        () => false,
      ))
    )
      await sleep(LOOK);
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
    const { folder } = this.files;
    const { bytes, entries } = await extentOf(folder);
    this.state.outputBytes = Math.max(this.state.outputBytes, bytes - this.before.bytes);
    const hidden = this.freeBefore - (await freeBytes(folder)) - this.plan.limits.outputMiB * MIB;
    const isDiskFull = hidden > 0 && (await freeShare(folder)) < LEAST_FREE;
    this.isHoarding ||= isDiskFull || entries - this.before.entries > MOST_ENTRIES;
    this.state.images = Math.max(this.state.images, await this.countImages());
  }

  private async countImages(): Promise<number> {
    const { images, limits } = this.plan;
    if (images === undefined) return 0;
    if (images === "log") {
      const log = await readRegular(this.files.folder, LOG, 2 * limits.outputMiB * MIB).catch(() => "");
      const reader = new LogReader();
      for (const line of log.toString("utf8").split("\n").slice(0, -1)) reader.read(line);
      return reader.images();
    }
    const text = await readRegular(path.join(this.files.folder, OUTPUT), images.file, MAX_COUNT).catch(() => "");
    return Number(/^\s*(\d{1,15})\s*$/.exec(text.toString())?.[1] ?? 0);
  }
}

/** The files and folders of a folder, and of all folders in it. */
interface Extent {
  /** Of the files; links count themselves. */
  bytes: number;
  entries: number;
}

async function extentOf(folder: string): Promise<Extent> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await lstat(path.join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0);
  return { bytes: (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0), entries: entries.length };
}

/** Returns the bytes of a folder's disk that can still be filled. */
async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

void Supervisor.run(process.argv[2]);
