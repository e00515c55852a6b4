import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import path from "node:path";

import { TURINGFOG } from "../../test/helpers/otherChain";

const PRELOAD = path.join(__dirname, "preload.cjs");

/** The parts of a store of SQLite. */
const STORE_PARTS = ["", "-wal", "-shm"];

/** Milliseconds after which one that has ended by itself is started again. */
const RESTART = 1_000;

/** Characters of its log that are kept. */
const MOST_KEPT = 4_000_000;

/** What the preload of a member is told. */
export interface Word {
  /** Milliseconds since 1970. */
  now?: number;
  /** Seconds. */
  clockOff?: number;
  isDiskFull?: boolean;
  /** Steps, at the first of which it dies. */
  killAt?: readonly string[];
}

/** A line of a member's log. */
export type Line = { msg?: string; part?: string; state?: string; reason?: string } & Record<string, unknown>;

/** The roles of a network, by their noun on the command line. */
export type RoleName = "signer" | "node" | "keeper" | "watch" | "relay";

export interface MemberOptions {
  name: string;
  role: RoleName | "gateway";
  /** Its configuration file, beside which its store is. */
  config: string;
  /** What its command is given beside. */
  args?: readonly string[];
  /** Empty if nobody asks it anything. */
  endpoint: string;
  /** Account of a signer, a node's owner, a keeper or a guardian, in lower case. */
  address: string;
  rpcUrl: string;
  /** Milliseconds since 1970, of the world. */
  now: () => number;
  onLine: (line: Line) => void;
}

/** Who has a role, in a process of its own, which may be killed and started again. */
export class Member {
  /** Exit codes with which it ended though nobody asked it to, or signals. */
  readonly crashes: string[] = [];
  /** Nobody else does anything to it meanwhile. */
  isTaken = false;
  /** The steps that it was killed at, the last one last. */
  readonly killedAt: string[] = [];
  private child?: ChildProcess;
  private exited: Promise<unknown> = Promise.resolve();
  private said: Word = {};
  /** The end of what it has printed. */
  private printed = "";
  private isStopping = false;
  /** Why it has ended by itself. */
  private failure = "";
  private restarting?: NodeJS.Timeout;

  constructor(readonly options: MemberOptions) {}

  get name(): string {
    return this.options.name;
  }

  get address(): string {
    return this.options.address;
  }

  get isUp(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  start(): void {
    clearTimeout(this.restarting);
    this.failure = "";
    const { role, config, args = [], rpcUrl, now } = this.options;
    const child = spawn(process.execPath, [TURINGFOG, role, "run", "--config", config, ...args], {
      env: {
        PATH: process.env.PATH,
        LOCALHOST_RPC_URL: rpcUrl,
        NODE_OPTIONS: `--require ${PRELOAD}`,
        TURINGFOG_NOW: String(now()),
      },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.read(child);
    child.once("close", (code, signal) => {
      if (signal !== "SIGKILL" && !this.isStopping) this.restart(code ?? String(signal));
    });
    this.child = child;
    this.exited = once(child, "close");
    this.tell(this.said);
  }

  /** Tells its preload something, which it is told again after a start. */
  tell(word: Word): void {
    this.said = { ...this.said, ...word };
    if (this.child?.connected) this.child.send(word, () => undefined);
  }

  /** Ends it as kill -9 does, if it runs. */
  async kill(): Promise<void> {
    clearTimeout(this.restarting);
    this.child?.kill("SIGKILL");
    await this.ended();
  }

  /** Ends it as a service manager does, and resolves to its exit code. */
  async stop(): Promise<number | null> {
    this.isStopping = true;
    clearTimeout(this.restarting);
    this.child?.kill("SIGTERM");
    await this.ended();
    return this.child?.exitCode ?? null;
  }

  /** Halts it, or lets it go on: it answers late then, and does not know that. */
  halt(isHalted: boolean): void {
    this.child?.kill(isHalted ? "SIGSTOP" : "SIGCONT");
  }

  /** Resolves once it does not run. */
  ended(): Promise<unknown> {
    return this.exited;
  }

  /** Copies its store while it does not run. */
  async backUp(to: string): Promise<void> {
    await mkdir(to, { recursive: true });
    for (const part of STORE_PARTS) {
      if (existsSync(`${this.store}${part}`)) await copyFile(`${this.store}${part}`, path.join(to, `store${part}`));
    }
  }

  /** Puts a copy in the place of its store while it does not run. */
  async restore(from: string): Promise<void> {
    for (const part of STORE_PARTS) {
      await rm(`${this.store}${part}`, { force: true });
      const copy = path.join(from, `store${part}`);
      if (existsSync(copy)) await copyFile(copy, `${this.store}${part}`);
    }
  }

  get folder(): string {
    return path.dirname(this.options.config);
  }

  get store(): string {
    return path.join(this.folder, `${this.options.role}.db`);
  }

  /** Writes all that was kept of its log. */
  async keepLog(folder: string): Promise<void> {
    await writeFile(path.join(folder, `${this.name}.log`), this.printed);
  }

  /** Starts it again as a service manager does, if it has ended at its start because the disk is full, and said so. */
  private restart(how: number | string): void {
    if (/disk is full/.test(this.failure)) this.restarting = setTimeout(() => this.start(), RESTART);
    else this.crashes.push(`${how}: ${this.failure}`);
  }

  private read(child: ChildProcess): void {
    let rest = "";
    child.stdout?.on("data", (part: Buffer) => {
      const lines = `${rest}${part.toString()}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        this.keep(line);
        if (!line.startsWith("{")) continue;
        const said = JSON.parse(line) as Line;
        if (said.msg === "failed") this.failure = String(said.reason);
        this.options.onLine(said);
      }
    });
    child.stderr?.on("data", (part: Buffer) => {
      for (const line of part.toString().split("\n").filter(Boolean)) {
        const [, step] = /^killed at (.+)$/.exec(line) ?? [];
        if (step !== undefined) this.killedAt.push(step);
        this.keep(line);
      }
    });
  }

  private keep(line: string): void {
    this.printed = `${this.printed}${line}\n`.slice(-MOST_KEPT);
  }
}
