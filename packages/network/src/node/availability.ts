import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { promisify } from "node:util";

import { TuringFogError } from "@turingfog/sdk";
import { z } from "zod";

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

const MINUTES_OF_DAY = 1_440;

/** Milliseconds that nvidia-smi has. */
const PATIENCE = 30_000;

/** Clock ticks a second in /proc. */
const TICKS = 100;

/** Milliseconds over which the use of the CPUs is measured. */
const LOOK = 5_000;

const timeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time of day, as 22:30")
  .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));

/** When a node's owner lets it work, in the machine's own time zone. */
export const availabilityConfig = z.strictObject({
  /** Times of day; one that ends before it begins goes on into the next day. Always, if there are none. */
  hours: z
    .array(
      z.strictObject({
        days: z
          .array(z.enum(DAYS))
          .min(1)
          .default([...DAYS]),
        from: timeOfDay,
        to: timeOfDay,
      }),
    )
    .default([]),
  /** Only while nobody else uses the machine: others than its runs have kept less of the CPUs busy, for so long. */
  whenIdle: z
    .strictObject({ cpuPercent: z.number().gt(0).max(100).default(15), seconds: z.int().min(1).default(300) })
    .optional(),
  /** The most that each GPU may draw, in watts; left as it is if left out. Setting it takes root. */
  gpuWatts: z.int().min(1).optional(),
});

export type AvailabilityConfig = z.infer<typeof availabilityConfig>;

/** What is read of the machine. */
export interface Computer {
  /** The time of day, in its own zone. */
  date(): Date;
  /** Milliseconds that only rise. */
  now(): number;
  cpus: number;
  /** CPU seconds that all processes have used since it started. */
  used(): Promise<number>;
}

export const THIS_COMPUTER: Computer = {
  date: () => new Date(),
  now: () => performance.now(),
  cpus: cpus().length,
  async used() {
    // user nice system idle iowait irq softirq steal; what guests use is in user
    const [line] = (await readFile("/proc/stat", "latin1")).split("\n");
    const [user, nice, system, , , irq, softirq] = line.trim().split(/\s+/).slice(1).map(Number);
    return (user + nice + system + irq + softirq) / TICKS;
  },
};

/** Tells whether a node may work now. */
export class Availability {
  private before: { at: number; used: number; own: number } | undefined;
  /** When others were last seen to be at work. */
  private busyAt: number;
  private othersPercent = 0;

  constructor(
    private readonly config: AvailabilityConfig,
    private readonly machine = THIS_COMPUTER,
  ) {
    this.busyAt = machine.now();
  }

  /**
   * Returns why the node may not work now; undefined if it may.
   * @param own returns the CPU seconds that its runs have used
   */
  async reason(own: () => Promise<number>): Promise<string | undefined> {
    const { hours, whenIdle } = this.config;
    if (hours.length > 0 && !hours.some((each) => isWithin(each, this.machine.date()))) {
      return "its owner lets the node work at other hours";
    }
    if (whenIdle === undefined) return undefined;
    await this.look(own, whenIdle.cpuPercent);
    const idle = (this.machine.now() - this.busyAt) / 1_000;
    if (idle >= whenIdle.seconds) return undefined;
    const used = `others were last seen to use ${Math.round(this.othersPercent)} % of its CPUs ${Math.round(idle)} s ago`;
    return `its owner lets the node work once it is idle for ${whenIdle.seconds} s: ${used}`;
  }

  private async look(ownSeconds: () => Promise<number>, most: number): Promise<void> {
    const at = this.machine.now();
    const { before } = this;
    if (before !== undefined && at - before.at < LOOK) return;
    const [used, own] = [await this.machine.used(), await ownSeconds()];
    this.before = { at, used, own };
    if (before === undefined) return;
    // what a run has used is gone from the sum once it has ended
    const others = used - before.used - Math.max(own - before.own, 0);
    const percent = (100 * others * 1_000) / (at - before.at) / this.machine.cpus;
    if (percent <= most) return;
    this.busyAt = at;
    this.othersPercent = percent;
  }
}

/** Thrown when the GPUs' power cannot be limited. */
export class PowerLimitError extends TuringFogError {
  constructor(watts: number, reason: string) {
    super(`availability.gpuWatts is ${watts}, nvidia-smi does not set it: ${reason}`);
  }
}

/** Limits what each GPU draws. @throws PowerLimitError */
export async function limitPower(watts: number): Promise<void> {
  try {
    await promisify(execFile)("nvidia-smi", ["--power-limit", String(watts)], { timeout: PATIENCE });
  } catch (error) {
    const { stdout, message } = error as Error & { stdout?: string };
    throw new PowerLimitError(watts, stdout?.trim() || message);
  }
}

function isWithin({ days, from, to }: AvailabilityConfig["hours"][number], date: Date): boolean {
  const minute = date.getHours() * 60 + date.getMinutes();
  const length = (to - from + MINUTES_OF_DAY) % MINUTES_OF_DAY || MINUTES_OF_DAY;
  return [0, 1].some((ago) => {
    const day = DAYS[(date.getDay() - ago + 7) % 7];
    const since = minute + ago * MINUTES_OF_DAY - from;
    return days.includes(day) && since >= 0 && since < length;
  });
}
