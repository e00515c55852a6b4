import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const ROOT = path.join(__dirname, "../..");

/** A life in a process of its own, whose chain is served on a port that was free. */
export class Life {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    /** Where its node is reached. */
    readonly url: string,
    /** File of its address book. */
    readonly book: string,
  ) {}

  /** @param args of `npm run life`, beside the port and the folder */
  static async start(...args: string[]): Promise<Life> {
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-life-"));
    const words = ["lab/life.ts", "--json", "--port", "0", "--out", folder, ...args];
    const child = spawn(process.execPath, [require.resolve("ts-node/dist/bin-transpile"), ...words], {
      cwd: ROOT,
      env: { ...process.env, HARDHAT_NETWORK: undefined },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [printed, said] = ["", ""];
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`npm run life ended with ${code} before it served: ${said.slice(-2_000)}`);
    });
    const served = (async () => {
      // the document ends with the only line that is nothing but a brace
      for await (const chunk of child.stdout) if (/^\}$/m.test((printed += String(chunk)))) break;
      return JSON.parse(printed) as { url: string; book: string };
    })();
    const { url, book } = await Promise.race([served, ended]);
    ended.catch(() => undefined);
    return new Life(child, folder, url, book);
  }

  async stop(): Promise<void> {
    const ended = once(this.child, "exit");
    this.child.kill();
    await ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}
