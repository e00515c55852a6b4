import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { setBalance, time } from "@nomicfoundation/hardhat-network-helpers";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import {
  HttpClient,
  initKeeper,
  initNodeFolder,
  initRelay,
  initSigner,
  initWatch,
  nextDocument,
  readNodeConfig,
  saveDocument,
  tunnelPath,
} from "@turingfog/network";
import { DAY } from "@turingfog/sdk";
import { NODE_DOCUMENT, nodeDomain } from "@turingfog/sdk/wire";
import { Wallet } from "ethers";
import JSON5 from "json5";

import { freePorts } from "../../packages/network/test/helpers/signers";
import type { Protocol } from "../../test/helpers/fixture";
import { accountKeys } from "../../test/helpers/keys";
import { Chain } from "./chain";
import { FILLER_POOL, foundNetwork, type Genesis, type OwnedNode } from "./genesis";
import { type Line, Member } from "./member";
import { Refusals } from "./refusals";

export const CHAIN_ID = 31_337n;

/** Seconds of the chain from one batch to the next. */
export const INTERVAL = 150n;

/** Seconds of the chain after which a block is final. */
const CONFIRMATION = 30;

/** What a signer is told beside its own: quick times, and challenges as small as they can be. */
const SIGNER_SETTINGS = {
  interval: Number(INTERVAL),
  delay: 60,
  tick: 0.5,
  challenges: { perTU: 1, work: 1, grace: 3_600, slot: 120, oneIn: 1, patience: 3_600 },
  allowPrivate: true,
};

/** The one program that jobs run. */
const WORDS = {
  kind: "process",
  name: "words",
  command: process.execPath,
  args: [path.join(__dirname, "job.cjs"), "{input}", "{output}", "{SECONDS}"],
  slots: { SECONDS: "[0-9]{1,3}" },
  limits: { memoryMiB: 512, cpuSeconds: 60, processes: 8, seconds: 600, outputMiB: 1 },
};

const NODE_SETTINGS = { tickSeconds: 0.5, heartbeatSeconds: 2, readingSeconds: 60, runners: [WORDS] };

/** Agents that are reached by a relay. */
const RELAYED = 2;

/** Seconds that each keeper leaves an act to others: the first one long enough for a block with it to come. */
const DELAYS = [30, 180];

/** What a keeper is told beside its own. */
const KEEPER_SETTINGS = { tick: 0.5, operations: { least: "0" } };

type OwnOptions = Pick<Member["options"], "config" | "args" | "endpoint" | "address">;

/** A chain with short times, and on it everybody who has a role, each in a process of its own. */
export class World {
  readonly signers: Member[] = [];
  readonly agents: Member[] = [];
  readonly keepers: Member[] = [];
  readonly watches: Member[] = [];
  readonly relays: Member[] = [];
  readonly client = new HttpClient();
  readonly refusals = new Refusals();
  /** Nothing goes on any more. */
  isClosed = false;
  private now = 0;

  private constructor(
    readonly folder: string,
    readonly genesis: Genesis,
    private readonly opened: { chain?: Chain },
  ) {}

  static async open(): Promise<World> {
    const genesis = await foundNetwork();
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-network-"));
    await mkdir(path.join(folder, "deployments"));
    const { addresses } = genesis.protocol;
    const book = { network: "localhost", chainId: Number(CHAIN_ID), addresses, firstBlock: 0 };
    await writeFile(path.join(folder, "deployments/localhost.json"), JSON.stringify(book));

    const world = new World(folder, genesis, {});
    world.tell(await time.latest());
    world.opened.chain = await Chain.open((now) => world.tell(now));
    return world;
  }

  get protocol(): Protocol {
    return this.genesis.protocol;
  }

  /** Nodes with an agent, in the order of the agents. */
  get nodes(): readonly OwnedNode[] {
    return this.genesis.agents;
  }

  get chain(): Chain {
    return this.opened.chain as Chain;
  }

  get members(): Member[] {
    return [...this.signers, ...this.agents, ...this.keepers, ...this.watches, ...this.relays];
  }

  /** The chain's time, in unix seconds, as far as it is known. */
  get seconds(): bigint {
    return BigInt(Math.floor(this.now / 1_000));
  }

  async startSigners(): Promise<void> {
    const accounts = this.protocol.actors.oracleSigners;
    const ports = await freePorts(accounts.length);
    const endpoints = ports.map((port) => `http://127.0.0.1:${port}`);
    for (const [i, account] of accounts.entries()) {
      const folder = path.join(this.folder, `signer${i}`);
      const peers = endpoints.filter((_, j) => j !== i);
      const own = { folder, endpoint: endpoints[i], port: ports[i], peers };
      const { config, gas } = await initSigner({ ...this.where, ...own });
      await setBalance(gas, 10n ** 18n);
      await writeFile(path.join(folder, "signer.key"), keyOf(account).privateKey, { mode: 0o600 });
      await changeConfig(config, SIGNER_SETTINGS);
      this.signers.push(
        this.member("signer", i, { config, endpoint: endpoints[i], address: account.address.toLowerCase() }),
      );
    }
  }

  /** Makes each node's folder, has its owner sign and publish its document, and starts its agent. */
  async startAgents(): Promise<void> {
    const ports = await freePorts(this.nodes.length);
    const signers = this.signers.map((signer) => signer.options.endpoint);
    for (const [i, { owner, nodeId }] of this.nodes.entries()) {
      const folder = path.join(this.folder, `node${i}`);
      const isBehindRelay = this.isRelayed(i);
      const base = `http://127.0.0.1:${ports[i]}`;
      const endpoint = isBehindRelay ? `${this.relays[0].options.endpoint}${tunnelPath(nodeId)}` : base;
      await initNodeFolder(folder, { ...this.where, nodeId, signers });
      const file = path.join(folder, "node.json5");
      const listen = { host: "127.0.0.1", port: ports[i] };
      await changeConfig(file, { ...NODE_SETTINGS, listen, relay: isBehindRelay });
      const config = await readNodeConfig(file);
      const document = await nextDocument(config, endpoint, this.seconds + 100n * DAY, this.seconds);
      const { registry } = this.protocol.addresses;
      const signed = await NODE_DOCUMENT.sign(owner, nodeDomain(CHAIN_ID, registry), document);
      const address = await saveDocument(config, signed);
      await this.chain.alone(() => this.protocol.contracts.registry.connect(owner).setMetadataURI(nodeId, address));
      this.agents.push(this.member("node", i, { config: file, endpoint, address: owner.address.toLowerCase() }));
    }
  }

  /** Whether an agent is reached by the relay. */
  isRelayed(agent: number): boolean {
    return agent >= this.nodes.length - RELAYED;
  }

  /** Starts the relay, by which the last of the agents are reached that are started later. */
  async startRelay(): Promise<void> {
    const folder = path.join(this.folder, "relay0");
    const [port] = await freePorts(1);
    const endpoint = `http://127.0.0.1:${port}`;
    const config = await initRelay({ ...this.where, folder, endpoint, port });
    await changeConfig(config, {});
    this.relays.push(this.member("relay", 0, { config, endpoint, address: "" }));
  }

  /** Starts two keepers that do all there is to do, one of which is more patient. */
  async startKeepers(changes: object = {}): Promise<void> {
    const signers = this.signers.map((signer) => signer.options.endpoint);
    const { usd } = this.protocol.contracts;
    const claims = this.miners.map((miner) => ({ miner, least: "0" }));
    const fillers = [
      { asset: await usd.getAddress(), filler: this.genesis.filler, pool: FILLER_POOL, leastProfit: "1" },
    ];
    for (const [i, delay] of DELAYS.entries()) {
      const folder = path.join(this.folder, `keeper${i}`);
      const { config, keeper } = await initKeeper({ ...this.where, folder, signers, budget: "100", port: 1 });
      await setBalance(keeper, 10n ** 21n);
      await changeConfig(config, { ...KEEPER_SETTINGS, delay, claims, fillers, ...changes });
      this.keepers.push(this.member("keeper", i, { config, endpoint: "", address: keeper.toLowerCase() }));
    }
  }

  /**
   * Starts the guardian's watch, which vetoes.
   * @param files where files are beside the signers
   */
  async startWatch(files: string): Promise<void> {
    const folder = path.join(this.folder, "watch0");
    const signers = [...this.signers.map((signer) => signer.options.endpoint), files];
    const config = await initWatch({ ...this.where, folder, signers, webhooks: [], port: 1 });
    const { guardian } = this.protocol.actors;
    await writeFile(path.join(folder, "guardian.key"), keyOf(guardian).privateKey, { mode: 0o600 });
    await changeConfig(config, { guardian: { key: "guardian.key" } });
    const address = guardian.address.toLowerCase();
    this.watches.push(this.member("watch", 0, { config, args: ["--veto"], endpoint: "", address }));
  }

  /** Everybody who is rewarded for a node. */
  get miners(): string[] {
    return [...new Set([...this.nodes, ...this.genesis.others].map(({ owner }) => owner.address))];
  }

  /** Waits until something is so. @throws if it never is */
  async until<T>(what: string, look: () => Promise<T | undefined>, seconds = 90): Promise<T> {
    for (const end = performance.now() + seconds * 1_000; !this.isClosed && performance.now() < end; await sleep(100)) {
      const found = await look().catch(() => undefined);
      if (found !== undefined) return found;
    }
    throw new Error(`${what} did not come about in ${seconds} s`);
  }

  /** Returns how many roots were submitted. */
  async rootCount(): Promise<number> {
    const { oracle } = this.protocol.contracts;
    return (await oracle.queryFilter(oracle.filters.RootSubmitted())).length;
  }

  /** Waits until more roots were submitted than there were. */
  async moreRoots(before?: number): Promise<void> {
    const least = before ?? (await this.rootCount());
    await this.until("Another root", async () => (await this.rootCount()) > least || undefined);
  }

  /** Asks a signer that answers, any of them. */
  async ask(query: string): Promise<Buffer> {
    for (const { options, isUp } of this.signers) {
      const answer = isUp && (await this.client.get(`${options.endpoint}${query}`).catch(() => undefined));
      if (answer) return answer;
    }
    throw new Error(`No signer answers ${query}`);
  }

  /** Ends some as a service manager does. Returns the names of those that did not end well. */
  async stop(members: readonly Member[]): Promise<string[]> {
    const up = members.filter(({ isUp }) => isUp);
    const codes = await Promise.all(up.map((member) => member.stop()));
    return up.filter((_, i) => codes[i] !== 0).map(({ name }) => name);
  }

  /** @param logs folder in which what everybody has printed is kept */
  async close(logs?: string): Promise<void> {
    this.isClosed = true;
    await Promise.all(this.members.map((member) => member.kill()));
    if (logs !== undefined) {
      await mkdir(logs, { recursive: true });
      for (const member of this.members) await member.keepLog(logs);
    }
    await this.chain.close();
    this.client.close();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Addresses of what orders are paid in. */
  async assets(): Promise<string[]> {
    const { tft, usd, dai } = this.protocol.contracts;
    return Promise.all([tft, usd, dai].map((asset) => asset.getAddress()));
  }

  private get where() {
    return { network: "localhost", deployments: path.join(this.folder, "deployments") };
  }

  private member(role: Member["options"]["role"], i: number, own: OwnOptions): Member {
    const name = `${role}${i}`;
    const onLine = (line: Line) => this.refusals.read(name, line);
    const now = () => this.now;
    const member = new Member({ name, role, ...own, rpcUrl: this.chain.urlOf(name), now, onLine });
    member.start();
    return member;
  }

  private tell(seconds: number): void {
    this.now = seconds * 1_000;
    for (const member of this.members) member.tell({ now: this.now });
  }
}

/** Returns the key of an account of the chain. */
export function keyOf({ address }: HardhatEthersSigner): Wallet {
  const key = accountKeys().find((each) => new Wallet(each).address === address);
  if (key === undefined) throw new Error(`${address} is no account of the chain`);
  return new Wallet(key);
}

async function changeConfig(file: string, changes: object): Promise<void> {
  const config = JSON5.parse<{ chain: object }>(await readFile(file, "utf8"));
  const chain = { ...config.chain, confirmationSeconds: CONFIRMATION, poll: 1 };
  await writeFile(file, JSON.stringify({ ...config, ...changes, monitor: { port: 0 }, chain }), { mode: 0o600 });
}
