import type { Job, Runner as Offer } from "@turingfog/sdk/wire";

import { RunFiles } from "./runFiles.js";
import type { RunLimits } from "./runner.js";
import { type Account, checkSlots, fillArgs, fillValues, makeFolders } from "./slots.js";
import { PATH, SupervisedRunner } from "./supervisedRunner.js";

/** What an owner lets jobs run. */
export interface ProcessRunnerConfig {
  /** A `benchmark` is tf_cnn_benchmarks: its images are counted by what it prints. */
  kind: "process" | "benchmark";
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
  user?: Account;
  /** File in the output folder in which a process reports its images, for jobs that are metered by work. */
  images?: string;
}

/**
 * Runs a program of the owner's. A job fills named slots and nothing else; no shell reads them. The limits keep a run from
 * using the machine up. They do not keep it from reading what its account may read: that takes an account of its own, or
 * bubblewrap as the command.
 */
export class ProcessRunner extends SupervisedRunner {
  readonly offer: Offer;
  readonly countsImages: boolean;

  constructor(
    private readonly config: ProcessRunnerConfig,
    patience?: number,
  ) {
    super(patience);
    const { kind, name, slots, images } = config;
    this.offer = { kind, name, slots };
    this.countsImages = kind === "benchmark" || images !== undefined;
  }

  async prepare(job: Job, folder: string): Promise<void> {
    const { kind, name, command, args, env, limits, user, images } = this.config;
    checkSlots(this.offer, job.slots);
    const { input, output } = await makeFolders(folder, user);
    const values = { ...job.slots, input, output };
    await new RunFiles(folder).writePlan({
      kind: "process",
      run: folder,
      command,
      args: fillArgs(name, args, values),
      env: { PATH, HOME: input, LANG: "C.UTF-8", TMPDIR: output, ...fillValues(env, values) },
      limits,
      user,
      images: kind === "benchmark" ? "log" : images === undefined ? undefined : { file: images },
    });
  }
}
