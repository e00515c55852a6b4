import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";

import { COPY, COPY_ENVIRONMENT } from "./build";
import type { Answer, Question, Readiness } from "./protocol";

/** How long an answer may take; a test that does not end by itself ends much earlier, unless it holds up the process. */
const PATIENCE_MS = 15 * 60_000;

/** How many bytes a worker may take before another takes its place: the chain in it never forgets. */
const MAX_MEMORY = 4 * 2 ** 30;

/** How many bytes a worker may take before it has answered: a loop without an end is traced, step by step. */
const MAX_ANSWER_MEMORY = 8 * 2 ** 30;

const WATCHED_EVERY_MS = 1_000;
const PAGE_BYTES = 4_096;

/** A process that runs tests of the instrumented copy; started again when it hangs, ends, or grows old. */
export class Worker {
  private process: ChildProcess | undefined;

  constructor(private readonly files: readonly string[]) {}

  async start(): Promise<Readiness> {
    const script = path.join(COPY, "lab/mutation/worker.ts");
    this.process = spawn(process.execPath, ["--expose-gc", "-r", "ts-node/register", script, ...this.files], {
      cwd: COPY,
      env: { ...process.env, ...COPY_ENVIRONMENT },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    return (await this.next()) as Readiness;
  }

  /**
   * Resolves to the answer, or to null when there was none in time or within the memory of a worker.
   *
   * @throws if the process ended
   */
  async ask(question: Question): Promise<Answer | null> {
    if (this.process === undefined) await this.start();
    this.process?.send(question);
    try {
      const answer = (await this.next()) as Answer;
      if (answer.memory > MAX_MEMORY) this.stop();
      return answer;
    } catch (error) {
      this.stop();
      if (error instanceof Error && error.name === "AbortError") return null;
      throw error;
    }
  }

  stop(): void {
    this.process?.kill("SIGKILL");
    this.process = undefined;
  }

  private async next(): Promise<unknown> {
    const current = this.process;
    if (current === undefined) throw new Error("The worker has not been started");
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
    const watch = setInterval(() => {
      if (memoryOf(current.pid) > MAX_ANSWER_MEMORY) abort.abort();
    }, WATCHED_EVERY_MS);
    const ended = once(current, "exit", { signal: abort.signal }).then(() => {
      throw new Error("The worker has ended");
    });
    try {
      const [message] = (await Promise.race([once(current, "message", { signal: abort.signal }), ended])) as [unknown];
      return message;
    } finally {
      clearTimeout(timer);
      clearInterval(watch);
      ended.catch(() => undefined);
      abort.abort();
    }
  }
}

/** Bytes of a process in memory; 0 where the system does not tell by /proc. */
function memoryOf(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}
