import { type ChildProcess, fork } from "node:child_process";
import path from "node:path";

/** How the digests and signatures of readings are computed. */
export type Method = "native" | "ethers";

/** What a process of the bench is told to be. */
export interface SignerTask {
  role: "signer";
  location: string;
  /** Meters that it knows, from number 1 on. */
  meters: number;
  method: Method;
}

export interface ClientTask {
  role: "client";
  ports: number[];
  /** First meter and number of meters whose readings are posted. */
  first: number;
  meters: number;
  readingsEach: number;
  /** Readings of one post. */
  postSize: number;
  /** Readings of each meter that were posted before. */
  done: number;
}

export interface Usage {
  /** CPU seconds of all threads. */
  cpu: number;
  rss: number;
}

/** A process of the bench, which answers one request at a time. */
export class BenchProcess {
  private constructor(private readonly child: ChildProcess) {}

  static async start(task: SignerTask | ClientTask): Promise<{ process: BenchProcess; port: number }> {
    const child = fork(path.join(__dirname, task.role === "signer" ? "signer.ts" : "client.ts"), [], {
      execArgv: ["-r", "ts-node/register/transpile-only"],
      serialization: "advanced",
    });
    const process = new BenchProcess(child);
    return { process, port: await process.ask<number>(task) };
  }

  ask<T>(request: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (code: number | null) => reject(new Error(`A process of the bench ended with ${code}`));
      this.child.once("exit", fail);
      this.child.once("message", (answer: { error?: string; value: T }) => {
        this.child.off("exit", fail);
        if (answer.error === undefined) resolve(answer.value);
        else reject(new Error(answer.error));
      });
      this.child.send(request as object);
    });
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.disconnect();
    await ended;
  }
}

/** Answers the requests of the process that has started this one, until it disconnects. */
export function answer(handle: (request: never) => unknown, end: () => Promise<void> = async () => undefined): void {
  process.on("message", (request) => {
    Promise.resolve()
      .then(() => handle(request as never))
      .then(
        (value) => process.send?.({ value }),
        (error: Error) => process.send?.({ error: error.stack ?? String(error), value: undefined }),
      );
  });
  process.on("disconnect", () => {
    void end().then(() => process.exit());
  });
}

export function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpu: (user + system) / 1e6, rss: process.memoryUsage().rss };
}
