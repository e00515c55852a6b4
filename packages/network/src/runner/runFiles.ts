import { randomBytes } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import type { Engine } from "./engine.js";
import type { ProcessName } from "./processes.js";
import type { RunLimits, Sample } from "./runner.js";
import type { Account } from "./slots.js";

/** Where a run's images are counted: in a file of its output folder that has their number, or in the benchmark's log. */
export type ImageCount = { file: string } | "log";

/** A program to be run. */
export interface ProcessPlan {
  kind: "process";
  /** Value of the variable by which the run's processes are found. */
  run: string;
  command: string;
  args: string[];
  env: Record<string, string>;
  /** Account that it runs as; that of the agent if left out. */
  user?: Account;
}

/** A container to be run. */
export interface ContainerPlan {
  kind: "container";
  engine: Engine;
  /** The container's. */
  name: string;
  image: string;
  /** Seconds that fetching the image may take. */
  pullSeconds: number;
  /** The engine's arguments that make the container. */
  create: string[];
}

/** What a run's supervisor needs to know, and nothing else: it gets no environment of ours. */
export type RunPlan = (ProcessPlan | ContainerPlan) & { limits: RunLimits; images?: ImageCount };

/** What a run is asked to do. */
export type Wish = "run" | "pause" | "stop";

/** What a supervisor writes. */
export interface RunState {
  sample: Sample;
  supervisor: ProcessName;
}

const PLAN = "plan.json";
const WISH = "wish.json";
const STATE = "state.json";

/** The files by which agents and supervisors of a run talk to each other, so that each can go without the other. */
export class RunFiles {
  constructor(readonly folder: string) {}

  /** @returns undefined if the run was not prepared */
  async plan(): Promise<RunPlan | undefined> {
    return this.read(PLAN);
  }

  writePlan(plan: RunPlan): Promise<void> {
    return this.write(PLAN, plan);
  }

  async wish(): Promise<Wish> {
    return (await this.read<Wish>(WISH)) ?? "run";
  }

  writeWish(wish: Wish): Promise<void> {
    return this.write(WISH, wish);
  }

  /** @returns undefined if no supervisor has started */
  async state(): Promise<RunState | undefined> {
    return this.read(STATE);
  }

  writeState(state: RunState): Promise<void> {
    return this.write(STATE, state);
  }

  /** Takes the run for one supervisor, with its first state; false if another one has it. */
  async claim(state: RunState): Promise<boolean> {
    const temporary = await this.writeBeside(STATE, state);
    try {
      await link(temporary, path.join(this.folder, STATE));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** Gives a run back in which nothing has run yet. */
  release(): Promise<void> {
    return rm(path.join(this.folder, STATE), { force: true });
  }

  private async read<T>(name: string): Promise<T | undefined> {
    try {
      return JSON.parse(await readFile(path.join(this.folder, name), "utf8")) as T;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  private async write(name: string, content: unknown): Promise<void> {
    await rename(await this.writeBeside(name, content), path.join(this.folder, name));
  }

  private async writeBeside(name: string, content: unknown): Promise<string> {
    const temporary = `${path.join(this.folder, name)}.${randomBytes(6).toString("hex")}`;
    await writeFile(temporary, JSON.stringify(content), { mode: 0o600 });
    return temporary;
  }
}
