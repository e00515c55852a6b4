import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { query, type Row } from "../../apps/indexer/audit/client";
import { freePorts } from "../../packages/network/test/helpers/signers";

const ROOT = path.join(__dirname, "../..");

/** Milliseconds between two looks at the index. */
const PACE = 100;

/** The chain that an index reads. */
export interface Source {
  /** URL of its node. */
  url: string;
  /** File of its address book. */
  book: string;
}

/** An index in a process of its own, in a folder of its own. */
export class IndexProcess {
  private printed = "";

  private constructor(
    private readonly child: ChildProcess,
    readonly folder: string,
    /** Where it serves. */
    readonly url: string,
  ) {
    const take = (chunk: Buffer) => (this.printed = (this.printed + chunk.toString()).slice(-20_000));
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
  }

  /**
   * Resolves once it serves.
   * @param folder of an index that was stopped or killed, which goes on
   * @param env beside it, as DATABASE_URL
   */
  static async start(
    { url, book }: Source,
    { root = "apps/indexer", folder, env = {} }: { root?: string; folder?: string; env?: Record<string, string> } = {},
  ): Promise<IndexProcess> {
    const [port] = await freePorts(1);
    const own = folder ?? (await mkdtemp(path.join(tmpdir(), "turingfog-index-")));
    const ponder = path.join(ROOT, "node_modules/ponder/dist/esm/bin/ponder.js");
    const words = ["start", "--root", root, "--schema", "public", "--port", String(port), "--hostname", "127.0.0.1"];
    const child = spawn(process.execPath, [ponder, ...words], {
      cwd: ROOT,
      env: {
        ...process.env,
        PONDER_TELEMETRY_DISABLED: "true",
        LOCALHOST_RPC_URL: url,
        TURINGFOG_NETWORK: "localhost",
        TURINGFOG_ADDRESSES: path.dirname(book),
        TURINGFOG_INDEX: own,
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const index = new IndexProcess(child, own, `http://127.0.0.1:${port}`);
    await index.until(async () => (await index.get("/health"))?.ok === true);
    return index;
  }

  /** Returns the end of what it has printed. */
  get log(): string {
    return this.printed;
  }

  get pid(): number {
    return this.child.pid as number;
  }

  query(sql: string, params?: readonly string[]): Promise<Row[]> {
    return query(this.url, sql, params);
  }

  /** Returns the last block that it has indexed; undefined as long as it has none. */
  async block(): Promise<number | undefined> {
    const response = await this.get("/status");
    if (response?.ok !== true) return undefined;
    const status = (await response.json()) as { chain?: { block: { number: number } } };
    return status.chain?.block.number;
  }

  /** Says whether it calls itself ready. */
  readonly isReady = async (): Promise<boolean> => (await this.get("/ready"))?.ok === true;

  /** Resolves once something holds. */
  async until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) {
      if (this.child.exitCode !== null) throw new Error(`The index has ended: ${this.printed}`);
      await sleep(PACE);
    }
  }

  /** Resolves once it has indexed a block. */
  async reaches(block: number): Promise<void> {
    await this.until(async () => ((await this.block()) ?? -1) >= block);
  }

  /** Ends it without a warning, and keeps its folder. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.end("SIGTERM");
    await rm(this.folder, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill(signal);
    await ended;
  }

  private async get(page: string): Promise<Response | undefined> {
    return fetch(new URL(page, this.url)).catch(() => undefined);
  }
}
