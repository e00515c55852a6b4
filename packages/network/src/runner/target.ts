import type { Outcome, Sample } from "./runner.js";

/** What a run uses now. */
export type Use = Pick<Sample, "cpuSeconds" | "memoryBytes" | "processes">;

/** What a supervisor watches. */
export interface Target {
  /**
   * Runs it until it has ended.
   * @param log descriptor of the file for what it prints
   * @param started called once it runs; the time before it does not count
   */
  run(log: number, started: () => Promise<void>): Promise<Outcome>;
  use(): Promise<Use>;
  pause(isPaused: boolean): Promise<void>;
  /** Asks it to end, and resolves when it has, or has not after so many milliseconds. */
  ask(grace: number): Promise<void>;
  /** Ends it with all that it has started, whatever it does. It may have ended, or never have begun. */
  end(): Promise<void>;
}
