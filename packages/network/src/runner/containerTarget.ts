import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";

import { TuringFogError } from "@turingfog/sdk";

import { useOf } from "./cgroup.js";
import { call, stateOf } from "./engine.js";
import { endedBy, fileLimit } from "./processTarget.js";
import type { ContainerPlan, RunPlan } from "./runFiles.js";
import type { Outcome } from "./runner.js";
import type { Target, Use } from "./target.js";

const NOTHING: Use = { cpuSeconds: 0, memoryBytes: 0, processes: 0 };

/** What is added to the number of the signal that ended a program, and those of SIGKILL and SIGXFSZ. */
const SIGNALLED = 128;
const SIGKILL = 9;
const SIGXFSZ = 25;

/** Thrown when an image asks for folders of its own, which no limit would hold for. */
export class VolumeRefusedError extends TuringFogError {
  constructor(
    readonly image: string,
    readonly volumes: readonly string[],
  ) {
    super(
      `the image ${image.slice(0, 300)} declares volumes, which have no limit: ${volumes.join(", ").slice(0, 200)}`,
    );
  }
}

/** A container, and the program of its engine that is attached to it. */
export class ContainerTarget implements Target {
  private isPaused = false;
  private cgroup: string | undefined;
  private readonly ending = new AbortController();

  constructor(private readonly plan: RunPlan & ContainerPlan) {}

  async run(log: number, started: () => Promise<void>): Promise<Outcome> {
    const { engine, name, create } = this.plan;
    await this.fetch();
    const { signal: isEnding } = this.ending;
    await call(engine, create, { signal: isEnding });
    isEnding.throwIfAborted();
    const client = spawn(
      "prlimit",
      [`--fsize=${fileLimit(this.plan.limits.outputMiB)}`, "--", engine.command, "start", "--attach", name],
      { env: engine.env, stdio: ["ignore", log, log] },
    );
    const exit = once(client, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    exit.catch(() => undefined); // it may fail before it is waited for
    await started();
    const [code, signal] = await exit;
    if (signal !== null) return endedBy(signal);

    const state = await stateOf(engine, name);
    if (state === undefined) return { kind: "failed", reason: "its container was removed" };
    if (state.Running) return { kind: "failed", reason: "its container goes on without the engine's client" };
    // of one that never started the state says 0
    if (code !== state.ExitCode) return { kind: "failed", reason: "its container could not be started: see its log" };
    // who but the kernel would have killed it; not every version of the engines sees why
    if (state.OOMKilled || state.ExitCode === SIGNALLED + SIGKILL) return { kind: "over", limit: "memoryMiB" };
    if (state.ExitCode === SIGNALLED + SIGXFSZ) return { kind: "over", limit: "outputMiB" };
    return { kind: "exited", code: state.ExitCode };
  }

  async use(): Promise<Use> {
    const { engine, name } = this.plan;
    if (this.cgroup === undefined) {
      const pid = (await stateOf(engine, name))?.Pid ?? 0;
      this.cgroup = pid === 0 ? undefined : await readFile(`/proc/${pid}/cgroup`, "latin1").catch(() => undefined);
    }
    // a container that ends takes its group with it
    return this.cgroup === undefined ? NOTHING : useOf(this.cgroup).catch(() => NOTHING);
  }

  async pause(isPaused: boolean): Promise<void> {
    if (this.isPaused === isPaused) return;
    await call(this.plan.engine, [isPaused ? "pause" : "unpause", this.plan.name]);
    this.isPaused = isPaused;
  }

  async ask(grace: number): Promise<void> {
    const { engine, name } = this.plan;
    await this.pause(false);
    await call(engine, ["stop", "--time", String(grace / 1_000), name]).catch(() => undefined);
  }

  async end(): Promise<void> {
    const { engine, name } = this.plan;
    this.ending.abort();
    const state = await stateOf(engine, name);
    if (state === undefined) return;
    // neither engine kills what is paused, in every version
    if (state.Paused) await call(engine, ["unpause", name]).catch(() => undefined);
    if (state.Running || state.Paused) await call(engine, ["kill", name]).catch(() => undefined);
    await call(engine, ["rm", "--force", "--volumes", name]);
  }

  /** Sees to it that the image is there, and has no place to write that is without a limit. */
  private async fetch(): Promise<void> {
    const { engine, image, pullSeconds } = this.plan;
    const isThere = await call(engine, ["image", "inspect", "--format", "{{.Id}}", image]).catch(() => "");
    if (isThere === "") {
      await call(engine, ["pull", "--quiet", image], { patience: pullSeconds * 1_000, signal: this.ending.signal });
    }
    const volumes = await call(engine, ["image", "inspect", "--format", "{{json .Config.Volumes}}", image]);
    const names = Object.keys((JSON.parse(volumes) as object | null) ?? {});
    if (names.length > 0) throw new VolumeRefusedError(image, names);
  }
}
