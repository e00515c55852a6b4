import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

const ROOT = path.join(__dirname, "../..");
const PONDER = path.join(ROOT, "node_modules/ponder/dist/esm/bin/ponder.js");

/** Milliseconds between two looks at an index, and those after which it is given up. */
const LOOK = 200;
const PATIENCE = 180_000;

/** What is kept of what an index says, for the error if it ends. */
const MOST_SAID = 4_000;

/** An index of a local chain in a process of its own, whose database ends with it. */
export class Index {
  private said = "";

  private constructor(
    private readonly child: ChildProcess,
    /** Where it is asked. */
    readonly url: string,
  ) {
    const keep = (chunk: Buffer) => (this.said = (this.said + chunk.toString()).slice(-MOST_SAID));
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
  }

  /**
   * @param rpc node of the chain
   * @param books folder of its address book
   * @param folder where the database is kept
   */
  static start(rpc: string, books: string, folder: string, port: number): Index {
    const args = [PONDER, "start", "--schema", "public", "--port", String(port), "--hostname", "127.0.0.1"];
    const child = spawn(process.execPath, args, {
      cwd: path.join(ROOT, "apps/indexer"),
      env: {
        ...process.env,
        ...{ LOCALHOST_RPC_URL: rpc, TURINGFOG_ADDRESSES: books, TURINGFOG_INDEX: folder, DATABASE_URL: undefined },
        PONDER_TELEMETRY_DISABLED: "true",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return new Index(child, `http://127.0.0.1:${port}`);
  }

  /** Waits until the index has read a block and all before it. */
  async reaches(block: number): Promise<void> {
    const end = Date.now() + PATIENCE;
    while ((await this.block()) < block) {
      if (this.child.exitCode !== null) throw new Error(`The index has ended: ${this.said}`);
      if (Date.now() > end) throw new Error(`The index has not reached block ${block}: ${this.said}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill();
    await ended;
  }

  /** The last block with an event that the index has read; -1 for none. */
  private async block(): Promise<number> {
    const question = JSON.stringify({
      json: { sql: "select block::text block from snapshot", params: [], typings: [] },
    });
    try {
      const response = await fetch(`${this.url}/sql/db?sql=${encodeURIComponent(question)}`);
      const { rows } = (await response.json()) as { rows: { block: string }[] };
      return Number(rows.at(0)?.block ?? -1);
    } catch {
      return -1; // it does not listen yet
    }
  }
}
