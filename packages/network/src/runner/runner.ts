import type { Job, Runner as Offer } from "@turingfog/sdk/wire";

/** What a run may use. What it counts is all its processes together. */
export interface RunLimits {
  memoryMiB: number;
  cpuSeconds: number;
  processes: number;
  /** Seconds that it runs, pauses not counted. */
  seconds: number;
  /** What it writes in its folder, its log included. */
  outputMiB: number;
}

/** How a run ended. */
export type Outcome =
  | { kind: "exited"; code: number }
  | { kind: "signalled"; signal: string }
  /** It was over this limit. */
  | { kind: "over"; limit: keyof RunLimits }
  | { kind: "stopped" }
  /** It could not be started. */
  | { kind: "failed"; reason: string }
  /** What watched it is gone, with the machine or alone; what was left of the run was ended. */
  | { kind: "lost" };

/** State of a run. What it has used only rises, and stays when it has ended. */
export interface Sample {
  /** It is starting while what it runs in is fetched, which no time counts for. */
  phase: "prepared" | "starting" | "running" | "paused" | "ended";
  /** Milliseconds that it has run, pauses not counted. */
  heldMs: number;
  /** Images that it has reported; 0 of a run that reports none. */
  images: number;
  cpuSeconds: number;
  memoryBytes: number;
  processes: number;
  outputBytes: number;
  /** Only of a run that has ended. */
  outcome?: Outcome;
}

/** Sample of a run that has not started. */
export const NOTHING_USED: Sample = {
  phase: "prepared",
  heldMs: 0,
  images: 0,
  cpuSeconds: 0,
  memoryBytes: 0,
  processes: 0,
  outputBytes: 0,
};

/**
 * A kind of work that this node takes. A run is known by its folder alone, and goes on without the process that started
 * it: whoever asks next finds it.
 */
export interface Runner {
  /** As the node's document has it. */
  readonly offer: Offer;
  /** Whether its runs report images, so that a job can be metered by them. */
  readonly countsImages: boolean;
  /**
   * Checks a job and writes down what it will run. Nothing runs yet.
   * @param folder the run's own, with the job's files in `input/`
   * @throws SlotRefusedError
   */
  prepare(job: Job, folder: string, orderId: bigint): Promise<void>;
  /** Starts a run that was prepared, or finds it running or ended. */
  start(folder: string): Promise<void>;
  sample(folder: string): Promise<Sample>;
  /** Pauses a run or lets it go on; resolves once all its processes stand still, or run. */
  pause(folder: string, isPaused: boolean): Promise<void>;
  /** Ends a run, politely first; resolves once none of its processes is left. */
  stop(folder: string): Promise<void>;
}

/** Folder in a run's folder that has the job's files, in which the run starts. */
export const INPUT = "input";
/** Folder in a run's folder for what is delivered. */
export const OUTPUT = "output";
/** File in a run's folder with all that the run prints. */
export const LOG = "log.txt";
