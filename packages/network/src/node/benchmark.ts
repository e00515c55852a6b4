import { type ChildProcess, spawn } from "node:child_process";
import { open, rename } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

import { TuringFogError } from "@turingfog/sdk";
import { plainText } from "../runtime/index.js";

/** The most characters of a line that are told. */
const MAX_LINE = 200;

/** Settings with which a benchmark trains in single precision alone. */
const SINGLE_PRECISION = { NVIDIA_TF32_OVERRIDE: "0", TF_XLA_FLAGS: "--tf_xla_auto_jit=-1" };

/** Variables that are no program's of the owner's to know: keys, passphrases and addresses of nodes. */
const OURS = /^TURINGFOG_|_RPC_URL$/;

/** A benchmark's command, and where its output goes. */
export interface BenchmarkRun {
  /** The program and its arguments; no shell reads them. */
  command: readonly string[];
  /** Set beside this process's own variables, of which keys and RPC URLs are left out. */
  env?: Readonly<Record<string, string>>;
  /** File for what it prints; it is there only if the benchmark ended well. */
  log: string;
  /** Hears each line, without control characters. */
  onLine?: (line: string) => void;
  /** Ends the benchmark and all that it has started. */
  signal?: AbortSignal;
}

/** Thrown when a benchmark cannot be started, fails, or is ended. */
export class BenchmarkFailedError extends TuringFogError {
  constructor(command: readonly string[], reason: string, output: string) {
    super(`The benchmark ${command.join(" ")} ${reason}: what it has printed is in ${output}`);
  }
}

/**
 * Runs a benchmark to its end, and keeps what it prints on stdout and stderr, line by line as it comes.
 * @throws BenchmarkFailedError; its output is beside the log then, in a file that ends in .part
 */
export async function runBenchmark({ command, env, log, onLine, signal }: BenchmarkRun): Promise<void> {
  const part = `${log}.part`;
  const file = await open(part, "w", 0o644);
  try {
    const [program, ...args] = command;
    const inherited = Object.entries(process.env).filter(([name]) => !OURS.test(name));
    const child = spawn(program, args, {
      env: { ...Object.fromEntries(inherited), ...SINGLE_PRECISION, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      // a group of its own, which ends together
      detached: true,
    });
    const end = () => endGroup(child);
    signal?.addEventListener("abort", end);
    let written: Promise<unknown> = Promise.resolve();
    const take = (line: string) => {
      onLine?.(plainText(line, MAX_LINE));
      // in the order in which the lines come
      written = written.then(() => file.write(`${line}\n`));
    };
    const reading = [child.stdout, child.stderr].map((stream) => eachLine(stream, take));
    const ended = await endOf(child).finally(() => signal?.removeEventListener("abort", end));
    await Promise.all(reading);
    await written;
    if (ended !== undefined) throw new BenchmarkFailedError(command, ended, part);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, log);
}

async function eachLine(stream: Readable, take: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) take(line);
}

/** Resolves, once a process has ended, to why it did not end well. */
function endOf(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`could not be started (${error.message})`));
    child.once("close", (code, signal) => {
      resolve(code === 0 ? undefined : signal === null ? `ended with ${code}` : `was ended by ${signal}`);
    });
  });
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGTERM");
  } catch (error) {
    // it has ended by itself
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
