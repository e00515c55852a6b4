import { type ChildProcess, fork } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";

import { buildSync } from "esbuild";

const ROOT = path.join(__dirname, "../../..");

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

/**
 * The programs of the bench, compiled into a folder. A signer runs as its command does: ts-node would load Node's `domain`,
 * which slows every event down.
 */
export class Programs {
  constructor(private readonly folder: string) {
    mkdirSync(folder);
    symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
    buildSync({
      entryPoints: ["signer", "client"].map((name) => path.join(__dirname, `${name}.ts`)),
      outdir: folder,
      bundle: true,
      packages: "external",
      platform: "node",
      target: "node20",
      logLevel: "error",
    });
  }

  async start(task: SignerTask | ClientTask): Promise<{ process: BenchProcess; port: number }> {
    const process = new BenchProcess(
      fork(path.join(this.folder, `${task.role}.js`), [], { execArgv: [], serialization: "advanced" }),
    );
    return { process, port: await process.ask<number>(task) };
  }
}

/** A process of the bench, which answers one request at a time. */
export class BenchProcess {
  constructor(private readonly child: ChildProcess) {}

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
