import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { endAll, memoryOf, RUN_VARIABLE, RunProcesses, signalAll } from "./processes.js";
import type { ProcessPlan, RunPlan } from "./runFiles.js";
import { INPUT, type Outcome, type RunLimits } from "./runner.js";
import type { Target, Use } from "./target.js";

const MIB = 1_048_576;

/** Bytes of a file beyond the limit of the output: more than a run's own files change by. */
const BEYOND = 65_536;
/** Milliseconds between two looks at whether a run that was asked to end has. */
const LOOK = 200;

/** A program and all that it starts. */
export class ProcessTarget implements Target {
  private processes: RunProcesses;

  constructor(
    private readonly plan: RunPlan & ProcessPlan,
    private readonly folder: string,
  ) {
    this.processes = new RunProcesses(plan.run);
  }

  async run(log: number, started: () => Promise<void>): Promise<Outcome> {
    const { command, args, env, limits, user, run } = this.plan;
    const child = spawn("prlimit", [...rlimits(limits), "--", command, ...args], {
      cwd: path.join(this.folder, INPUT),
      env: { ...env, [RUN_VARIABLE]: run },
      stdio: ["ignore", log, log],
      detached: true,
      ...user,
    });
    const exit = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    if (child.pid !== undefined) {
      this.processes = new RunProcesses(run, child.pid);
      await started();
    }
    const [code, signal] = await exit;
    return code === null ? endedBy(signal) : { kind: "exited", code };
  }

  async use(): Promise<Use> {
    const found = await this.processes.find();
    const memory = await Promise.all(found.map(({ pid }) => memoryOf(pid)));
    return {
      cpuSeconds: found.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
      memoryBytes: memory.reduce((sum, each) => sum + each, 0),
      processes: found.length,
    };
  }

  async pause(isPaused: boolean): Promise<void> {
    signalAll(await this.processes.find(), isPaused ? "SIGSTOP" : "SIGCONT");
  }

  async ask(grace: number): Promise<void> {
    const asked = await this.processes.find();
    signalAll(asked, "SIGTERM");
    signalAll(asked, "SIGCONT");
    for (let waited = 0; waited < grace; waited += LOOK) {
      if ((await this.processes.find()).length === 0) return;
      await sleep(LOOK);
    }
  }

  end(): Promise<void> {
    return endAll(this.processes);
  }
}

/**
 * The limits that the kernel itself keeps, of each process: what a look may come too late for. A file may become larger than
 * all of the output may, so that the last look sees why the kernel let no more be written.
 */
function rlimits({ cpuSeconds, outputMiB }: RunLimits): string[] {
  return [`--cpu=${cpuSeconds}:${cpuSeconds + 1}`, `--fsize=${fileLimit(outputMiB)}`, "--core=0"];
}

/** Returns the most bytes that the kernel lets a file of a run have. */
export function fileLimit(outputMiB: number): number {
  return outputMiB * MIB + BEYOND;
}

/** Tells how a command ended by a signal, which the kernel may have sent because of its own limits. */
export function endedBy(signal: NodeJS.Signals | null): Outcome {
  if (signal === "SIGXCPU") return { kind: "over", limit: "cpuSeconds" };
  if (signal === "SIGXFSZ") return { kind: "over", limit: "outputMiB" };
  return { kind: "signalled", signal: String(signal) };
}
