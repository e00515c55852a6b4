import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { initSigner } from "@turingfog/network";
import JSON5 from "json5";
import { Wallet } from "ethers";

import type { Protocol } from "../../../../test/helpers/fixture";
import { accountKeys } from "../../../../test/helpers/keys";
import { TURINGFOG } from "../../../../test/helpers/otherChain";
import { RpcServer } from "./rpcServer";
import { freePorts } from "./signers";

/** Milliseconds after which something that must happen has not. */
const PATIENCE = 60_000;

/** Resolves to what a look at something finds, as soon as it finds anything. */
export async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(50)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`${what} did not happen within ${PATIENCE / 1_000} s`);
}

/** A signer that runs as `turingfog signer run`, and may be killed and started again. */
export class SignerProcess {
  readonly lines: Record<string, unknown>[] = [];
  private child?: ChildProcess;

  constructor(
    readonly config: string,
    readonly endpoint: string,
    readonly monitor: string,
    readonly address: string,
    private readonly rpcUrl: string,
  ) {}

  /** @param killAt step at which it ends as by kill -9 */
  start(killAt?: string): void {
    const child = spawn(process.execPath, [TURINGFOG, "signer", "run", "--config", this.config], {
      env: {
        ...process.env,
        HARDHAT_NETWORK: undefined,
        LOCALHOST_RPC_URL: this.rpcUrl,
        NODE_OPTIONS: `--require ${path.join(__dirname, "killer.js")}`,
        TURINGFOG_KILL_AT: killAt,
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let rest = "";
    child.stdout.on("data", (chunk: Buffer) => {
      const lines = `${rest}${chunk.toString()}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.lines.push(JSON.parse(line) as Record<string, unknown>);
    });
    this.child = child;
  }

  /** Ends it by a signal, and resolves to its exit code: null if it was killed. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
    this.child?.kill(signal);
    return this.ended();
  }

  /** Resolves to the exit code once it has ended. */
  async ended(): Promise<number | null> {
    const { child } = this;
    if (child === undefined) return null;
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return child.exitCode;
  }

  get isUp(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  logged(message: string): Record<string, unknown>[] {
    return this.lines.filter(({ msg }) => msg === message);
  }
}

/** Four signers as processes, on the chain of this process. */
export class SignerProcesses {
  private constructor(
    readonly folder: string,
    readonly rpc: RpcServer,
    readonly signers: SignerProcess[],
  ) {}

  /** @param settings that differ from those of `signer init` */
  static async start(protocol: Protocol, settings: object): Promise<SignerProcesses> {
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-processes-"));
    const rpc = await RpcServer.open();
    const deployments = path.join(folder, "deployments");
    await mkdir(deployments);
    const book = { chainId: 31_337, addresses: protocol.addresses, firstBlock: 0 };
    await writeFile(path.join(deployments, "localhost.json"), JSON.stringify(book));

    const keys = accountKeys().map((key) => new Wallet(key));
    const members = protocol.actors.oracleSigners;
    const ports = await freePorts(2 * members.length);
    const endpoints = members.map((_, i) => `http://127.0.0.1:${ports[2 * i]}`);
    const signers: SignerProcess[] = [];
    for (const [i, { address }] of members.entries()) {
      const own = path.join(folder, address);
      const { config } = await initSigner({
        folder: own,
        network: "localhost",
        deployments,
        endpoint: endpoints[i],
        port: ports[2 * i],
        peers: endpoints,
      });
      const key = keys.find((each) => each.address === address)?.privateKey ?? "";
      await writeFile(path.join(own, "signer.key"), key);
      await writeFile(path.join(own, "gas.key"), key);
      const written = JSON5.parse<object>(await readFile(config, "utf8"));
      const monitor = { host: "127.0.0.1", port: ports[2 * i + 1] };
      await writeFile(config, JSON.stringify({ ...written, monitor, ...settings }));
      const url = `http://127.0.0.1:${monitor.port}`;
      signers.push(new SignerProcess(config, endpoints[i], url, address.toLowerCase(), rpc.url));
    }
    for (const signer of signers) signer.start();
    return new SignerProcesses(folder, rpc, signers);
  }

  async stop(): Promise<void> {
    await Promise.all(this.signers.filter(({ isUp }) => isUp).map((signer) => signer.end("SIGKILL")));
    await this.rpc.close();
    await rm(this.folder, { recursive: true });
  }
}
