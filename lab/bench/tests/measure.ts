import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** A run of `npm test`: seconds by the clock and of CPU, those of all processes in it, and the runner's own counts. */
export interface Run {
  wall: number;
  cpu: number;
  passing: number;
  pending: number;
  failing: number;
}

/** What two checkouts took, one beside the other. */
export interface Comparison {
  wall: number;
  cpu: number;
}

/** Runs `npm test` in a folder. */
export async function measure(folder: string): Promise<Run> {
  const directory = await mkdtemp(path.join(tmpdir(), "turingfog-tests-"));
  try {
    const [log, times] = [path.join(directory, "log"), path.join(directory, "times")];
    const script = `TIMEFORMAT="%R %U %S"; { time npm test >"$1" 2>&1 </dev/null; } 2>"$2"`;
    const child = spawn("bash", ["-c", script, "bash", log, times], { cwd: folder, stdio: "inherit" });
    await new Promise((resolve, reject) => child.on("close", resolve).on("error", reject));
    return readRun(await readFile(times, "utf8"), await readFile(log, "utf8"));
  } finally {
    await rm(directory, { recursive: true });
  }
}

/**
 * Reads a run from what bash tells of its time and what the runner has printed.
 *
 * @throws if the runner has counted no test that passed
 */
export function readRun(times: string, log: string): Run {
  const [wall, user, system] = times.trim().split(" ").map(Number);
  const count = (what: string) => Number(new RegExp(`^ +(\\d+) ${what}\\b`, "m").exec(log)?.[1] ?? 0);
  const [passing, pending, failing] = ["passing", "pending", "failing"].map(count);
  if (passing === 0) throw new Error(`No test has passed:\n${log.slice(-2_000)}`);
  return { wall, cpu: user + system, passing, pending, failing };
}

/** Returns the medians of runs as parts of the medians of those that they are compared with. */
export function compare(before: readonly Run[], now: readonly Run[]): Comparison {
  const part = (of: (run: Run) => number) => median(now.map(of)) / median(before.map(of));
  return { wall: part(({ wall }) => wall), cpu: part(({ cpu }) => cpu) };
}

/** Returns the middle one of values, the lower of two. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
