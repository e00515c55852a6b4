import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** Variable by which every process of a run is found, wherever it has gone: its value names the run. */
export const RUN_VARIABLE = "TURINGFOG_RUN";

/** Clock ticks a second in /proc; the kernel's interface has 100 on every architecture that Node runs on. */
const TICKS = 100;

/** A process as /proc shows it. */
export interface ProcessFacts {
  pid: number;
  parent: number;
  session: number;
  /** Ticks after the machine's start: with the pid it names a process for as long as the machine runs. */
  startedAt: string;
  isZombie: boolean;
  /** Its own and that of its children that have ended. */
  cpuSeconds: number;
}

/** A process that stays the same one: no other has this pid, this start and this boot. */
export interface ProcessName {
  pid: number;
  startedAt: string;
  boot: string;
}

/** Reads what /proc says of a process; undefined if there is none. */
export async function readProcess(pid: number): Promise<ProcessFacts | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => undefined);
  if (text === undefined) return undefined;
  // the name is in brackets, and may have spaces and brackets itself
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, parent, , session] = fields;
  const ticks = fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0);
  return {
    pid,
    parent: Number(parent),
    session: Number(session),
    startedAt: fields[19],
    isZombie: state === "Z" || state === "X",
    cpuSeconds: ticks / TICKS,
  };
}

/** Returns the name of a running process. */
export async function nameOf(pid: number): Promise<ProcessName | undefined> {
  const facts = await readProcess(pid);
  return facts && { pid, startedAt: facts.startedAt, boot: await bootId() };
}

/** Checks that a process still runs, and is no other with its number. */
export async function isRunning({ pid, startedAt, boot }: ProcessName): Promise<boolean> {
  const facts = await readProcess(pid);
  return facts !== undefined && !facts.isZombie && facts.startedAt === startedAt && boot === (await bootId());
}

async function bootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
}

/** Returns the bytes that a process has in memory; 0 if it is gone. */
export async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "latin1").catch(() => "");
  return 1_024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
}

/**
 * Finds the processes of a run: those that have its variable, and what descends from them or shares their session, though
 * it may have dropped the variable.
 */
export class RunProcesses {
  /** Whether a process has the variable, by pid and start: it has it from its first instant, or never. */
  private readonly marked = new Map<string, boolean>();
  private readonly marker: string;

  /**
   * @param run value of {@link RUN_VARIABLE}
   * @param session of the run's first process, which does not have the variable in its very first instant
   */
  constructor(
    run: string,
    private readonly session?: number,
  ) {
    this.marker = `${RUN_VARIABLE}=${run}`;
  }

  async find(): Promise<ProcessFacts[]> {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
    const all = (await Promise.all(pids.map(readProcess))).filter((each) => each !== undefined);
    const alive = all.filter(({ isZombie }) => !isZombie);
    const marks = await Promise.all(alive.map((each) => this.isMarked(each)));
    const found = new Map(alive.filter((_, i) => marks[i]).map((each) => [each.pid, each]));
    const sessions = new Set([...found.values()].map(({ session }) => session));
    for (let size = -1; size !== found.size;) {
      size = found.size;
      for (const each of alive) {
        if (found.has(each.parent) || sessions.has(each.session)) found.set(each.pid, each);
      }
    }
    return [...found.values()];
  }

  private async isMarked({ pid, startedAt, session }: ProcessFacts): Promise<boolean> {
    if (session === this.session) return true;
    const key = `${pid} ${startedAt}`;
    const known = this.marked.get(key);
    if (known !== undefined) return known;
    const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
    const isMarked = environment.split("\0").includes(this.marker);
    this.marked.set(key, isMarked);
    return isMarked;
  }
}

/** Sends a signal to processes; those that are gone by now are passed over. */
export function signalAll(processes: readonly ProcessFacts[], signal: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** Ends the processes of a run, whatever they do: stops them all, so that none starts another, then kills them. */
export async function endAll(run: RunProcesses): Promise<void> {
  for (let left = await run.find(); left.length !== 0; left = await run.find()) {
    signalAll(left, "SIGSTOP");
    signalAll(left, "SIGKILL");
    await sleep(10);
  }
}
