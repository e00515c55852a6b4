import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { loadFixture, setBalance, time } from "@nomicfoundation/hardhat-network-helpers";
import { HttpClient, initRelay, initSigner, tunnelPath } from "@turingfog/network";
import { parseUnits, Wallet } from "ethers";
import JSON5 from "json5";

import { deployProtocolFixture, type Protocol } from "../../../../test/helpers/fixture";
import { accountKeys } from "../../../../test/helpers/keys";
import { registerNodes } from "../../../../test/helpers/market";
import { CommandProcess, type Outcome, TURINGFOG } from "../../../../test/helpers/otherChain";
import { ChainServer } from "./chainServer";

/** TFT for 1 TU. */
export const PRICE = parseUnits("20", 18);

/** Seconds of the chain from one batch to the next. */
export const INTERVAL = 300n;

/** Seconds that the chain's time goes on at each step of the network's. */
const STEP = 6;

/** A signer or an agent in a process of its own. */
interface Member {
  endpoint: string;
  child: ChildProcess;
  output: string;
}

/** A chain, its signers and its nodes' agents, each in a process of its own, of which all are ended at the end. */
export class OrderNetwork {
  readonly signers: Member[] = [];
  readonly agents: Member[] = [];
  /** By which the agents are reached, if there is one. */
  relay?: Member;
  readonly client = new HttpClient();
  private isRunning = true;
  private pumped: Promise<void> = Promise.resolve();

  private constructor(
    readonly folder: string,
    readonly protocol: Protocol,
    readonly nodeIds: bigint[],
    private readonly server: ChainServer,
  ) {}

  static async open(): Promise<OrderNetwork> {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors, addresses } = protocol;
    const nodeIds = await registerNodes(protocol, actors.miners);
    for (const [i, nodeId] of nodeIds.entries()) {
      await contracts.registry.connect(actors.miners[i]).setListing(nodeId, contracts.tft, PRICE, 2n ** 100n);
    }
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-network-"));
    const book = { network: "localhost", chainId: 31_337, addresses, firstBlock: 0 };
    await mkdir(path.join(folder, "deployments"));
    await writeFile(path.join(folder, "deployments/localhost.json"), JSON.stringify(book));
    const network = new OrderNetwork(folder, protocol, nodeIds, await ChainServer.open());
    network.pumped = network.pump();
    return network;
  }

  /** The part of every command's environment that says where the chain is. */
  env(account: string): Record<string, string> {
    return { LOCALHOST_RPC_URL: this.server.url, TURINGFOG_PRIVATE_KEY: keyOf(account) };
  }

  /** Runs a command to its end. @throws if it fails */
  async command(command: string, args: string[], account: string): Promise<Outcome> {
    const all = [...args, "--deployments", path.join(this.folder, "deployments")];
    const outcome = await CommandProcess.start(command, all, this.env(account)).outcome;
    if (outcome.code !== 0)
      throw new Error(`turingfog ${command} ended with ${outcome.code}: ${outcome.stderr}\n${this.logs}`);
    return outcome;
  }

  /** Runs a command that takes no folder of address books. @throws if it fails */
  async plainCommand(command: string, args: string[], account: string): Promise<Outcome> {
    const outcome = await CommandProcess.start(command, args, this.env(account)).outcome;
    if (outcome.code !== 0)
      throw new Error(`turingfog ${command} ended with ${outcome.code}: ${outcome.stderr}\n${this.logs}`);
    return outcome;
  }

  /** Starts a signer of each of the oracle's accounts. */
  async startSigners(): Promise<void> {
    const accounts = this.protocol.actors.oracleSigners;
    const ports = await Promise.all(accounts.map(() => freePort()));
    const endpoints = ports.map((port) => `http://127.0.0.1:${port}`);
    for (const [i, { address }] of accounts.entries()) {
      const folder = path.join(this.folder, `signer${i}`);
      const deployments = path.join(this.folder, "deployments");
      const peers = endpoints.filter((_, j) => j !== i);
      const options = { folder, network: "localhost", deployments, endpoint: endpoints[i], port: ports[i], peers };
      const { config, gas } = await initSigner(options);
      await setBalance(gas, 10n ** 18n);
      await writeFile(path.join(folder, "signer.key"), keyOf(address), { mode: 0o600 });
      // a slot of challenges passes in seconds, and each has one, as small as it can be
      const challenges = { perTU: 1, work: 1, grace: 600, slot: 60, oneIn: 1, patience: 600 };
      const quick = { interval: Number(INTERVAL), delay: 60, tick: 0.5, challenges, allowPrivate: true };
      await changeConfig(config, { ...quick, monitor: { port: 0 } });
      this.signers.push(this.start(endpoints[i], ["signer", "run", "--config", config]));
    }
  }

  /** Starts the relay, by which agents that are started later are reached. @param killedAt step at which it is killed */
  async startRelay(killedAt?: string): Promise<Member> {
    const folder = path.join(this.folder, "relay");
    const config = path.join(folder, "relay.json5");
    if (this.relay === undefined) {
      const port = await freePort();
      const deployments = path.join(this.folder, "deployments");
      const endpoint = `http://127.0.0.1:${port}`;
      await initRelay({ folder, network: "localhost", deployments, endpoint, port });
      await changeConfig(config, { monitor: { port: 0 } });
      this.relay = this.start(endpoint, ["relay", "run", "--config", config], killedAt);
    } else this.relay = this.start(this.relay.endpoint, ["relay", "run", "--config", config], killedAt);
    return this.relay;
  }

  /**
   * Makes each node's folder by its owner's command, and starts its agent.
   * @param runners those of its configuration, unless given
   */
  async startAgents(runners?: readonly object[]): Promise<void> {
    for (const [i, nodeId] of this.nodeIds.entries()) {
      const folder = path.join(this.folder, `node${i}`);
      const { relay } = this;
      const port = relay === undefined ? await freePort() : 0;
      const endpoint = relay === undefined ? `http://127.0.0.1:${port}` : `${relay.endpoint}${tunnelPath(nodeId)}`;
      const args = ["--folder", folder, "--network", "localhost", "--node", String(nodeId), "--endpoint", endpoint];
      const signers = this.signers.flatMap((signer) => ["--signer", signer.endpoint]);
      const owner = this.protocol.actors.miners[i].address;
      const config = path.join(folder, "node.json5");
      if (runners !== undefined) {
        await this.command("node init", [...args, ...signers], owner);
        await changeConfig(config, { runners, allowPrivate: true });
      }
      await this.command("node init", [...args, ...signers, "--publish", "data"], owner);
      const quick = {
        tickSeconds: 0.3,
        heartbeatSeconds: 1,
        listen: { host: "127.0.0.1", port },
        relay: relay !== undefined,
        monitor: { port: 0 },
      };
      await changeConfig(config, quick);
      this.agents.push(this.start(endpoint, ["node", "run", "--config", config]));
    }
  }

  async stopAgents(): Promise<void> {
    await Promise.all(this.agents.map(({ child }) => ended(child)));
  }

  /** Waits until something is so, and says what the processes said if it never is. */
  async until<T>(what: string, look: () => Promise<T | undefined>, seconds: number): Promise<T> {
    const end = performance.now() + seconds * 1_000;
    while (performance.now() < end) {
      const found = await look().catch(() => undefined);
      if (found !== undefined) return found;
      await sleep(200);
    }
    throw new Error(`${what} did not come about in ${seconds} s\n${this.logs}`);
  }

  async close(): Promise<void> {
    const relays = this.relay === undefined ? [] : [this.relay];
    await Promise.all([...this.signers, ...this.agents, ...relays].map(({ child }) => ended(child)));
    this.isRunning = false;
    await this.pumped;
    this.client.close();
    await this.server.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  get logs(): string {
    const relays = this.relay === undefined ? [] : [this.relay];
    const ends = [...this.signers, ...this.agents, ...relays].map(({ output }) =>
      output.split("\n").slice(-12).join("\n"),
    );
    return ends.join("\n--\n");
  }

  /** Mines a block now and then, so that the chain's time goes on. */
  private async pump(): Promise<void> {
    while (this.isRunning) {
      await time.increase(STEP);
      await sleep(500);
    }
  }

  private start(endpoint: string, args: string[], killedAt = ""): Member {
    const killer = path.join(__dirname, "killer.js");
    const child = spawn(process.execPath, ["--require", killer, TURINGFOG, ...args], {
      env: { PATH: process.env.PATH, LOCALHOST_RPC_URL: this.server.url, TURINGFOG_KILL_AT: killedAt },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const member = { endpoint, child, output: "" };
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (member.output = (member.output + chunk.toString()).slice(-20_000)));
    }
    return member;
  }
}

/** Asks a process to end, and resolves once it has. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
}

function keyOf(address: string): string {
  const key = accountKeys().find((each) => new Wallet(each).address === address);
  if (key === undefined) throw new Error(`${address} is no account of the chain`);
  return key.privateKey;
}

async function changeConfig(file: string, changes: object): Promise<void> {
  const config = JSON5.parse<{ chain: object }>(await readFile(file, "utf8"));
  const chain = { ...config.chain, confirmationSeconds: 0, poll: 0.5 };
  await writeFile(file, JSON.stringify({ ...config, clock: "chain", ...changes, chain }), { mode: 0o600 });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
