import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

import { JsonRpcProvider } from "ethers";

import { OTHER_CHAIN_ID } from "./otherChain.config";

const ROOT = path.join(__dirname, "../..");

/** The command line that the packages build. */
export const TURINGFOG = path.join(ROOT, "packages/cli/bin/turingfog.js");

/** What a process ended with. */
export interface Outcome {
  /** Null when it was killed. */
  code: number | null;
  stdout: string;
  /** Without the progress, of which there is more on a slow machine. */
  stderr: string;
  /** Lines of the progress. */
  progress: string[];
}

/** A line that says what the command does and how long it has taken. */
const PROGRESS = /^.+ \(\d+:\d\d\)\n/gm;

/** A Hardhat node in a process of its own, under another chain id, on a port that was free. */
export class OtherChain {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    readonly provider: JsonRpcProvider,
  ) {}

  /** @param chainId 424242 if left out */
  static async start(chainId = OTHER_CHAIN_ID): Promise<OtherChain> {
    const port = await freePort();
    const hardhat = path.join(ROOT, "node_modules/.bin/hardhat");
    const config = path.join(__dirname, "otherChain.config.ts");
    const child = spawn(
      process.execPath,
      [hardhat, "--config", config, "node", "--hostname", "127.0.0.1", "--port", String(port)],
      {
        cwd: ROOT,
        env: {
          ...process.env,
          HARDHAT_NETWORK: undefined,
          HARDHAT_DISABLE_TELEMETRY_PROMPT: "true",
          OTHER_CHAIN_ID: String(chainId),
        },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    // it says that it listens, and then much that is never read
    await once(child.stdout, "data");
    child.stdout.resume();

    const url = `http://127.0.0.1:${port}`;
    const provider = new JsonRpcProvider(url, chainId, { staticNetwork: true, cacheTimeout: -1 });
    return new OtherChain(child, url, provider);
  }

  async stop(): Promise<void> {
    this.provider.destroy();
    this.child.kill();
    await once(this.child, "exit");
  }
}

/** What befalls a transaction on its way to the node: it is passed on, or lost, or passed on and not answered. */
export type Fate = "pass" | "lose" | "swallow";

/** Stands between a process and its node, and decides what becomes of each transaction. */
export class Gate {
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** @param decide asked with the count of transactions so far, this one included */
  static async open(node: string, decide: (count: number) => Fate): Promise<Gate> {
    const sent: string[] = [];
    const server = createServer((request, response) => {
      handle(node, sent, decide, request, response).catch(() => response.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Gate(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}

async function handle(
  node: string,
  sent: string[],
  decide: (count: number) => Fate,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  const isTransaction = body.includes('"eth_sendRawTransaction"');
  const fate = isTransaction ? decide(sent.push(body)) : "pass";
  if (fate === "lose") return;
  const answer = await fetch(node, { method: "POST", headers: { "content-type": "application/json" }, body });
  const text = await answer.text();
  if (fate === "swallow") return;
  response.writeHead(200, { "content-type": "application/json" }).end(text);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A `turingfog` command in a process of its own, which may be killed. */
export class CommandProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly outcome: Promise<Outcome>,
  ) {}

  /** @param command its words, as "deploy run" */
  static start(command: string, args: string[], env: Record<string, string> = {}): CommandProcess {
    return CommandProcess.spawn(process.execPath, [TURINGFOG, ...command.split(" "), ...args], "", env);
  }

  /** Runs a line of a shell on a terminal, on which something is typed. What it prints is all on stdout. */
  static onTerminal(line: string, typed: string, env: Record<string, string> = {}): CommandProcess {
    return CommandProcess.spawn("script", ["--quiet", "--return", "--command", line, "/dev/null"], typed, env);
  }

  private static spawn(program: string, args: string[], typed: string, env: Record<string, string>): CommandProcess {
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, HARDHAT_NETWORK: undefined, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.end(typed);
    const texts = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => (texts.stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (texts.stderr += chunk.toString()));
    const outcome = once(child, "close").then(([code]) => ({
      code: code as number | null,
      stdout: texts.stdout,
      stderr: texts.stderr.replace(PROGRESS, ""),
      progress: texts.stderr.match(PROGRESS) ?? [],
    }));
    return new CommandProcess(child, outcome);
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }
}
