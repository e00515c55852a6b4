import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { setBalance, time } from "@nomicfoundation/hardhat-network-helpers";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { HttpClient, initNodeFolder, initSigner, nextDocument, readNodeConfig, saveDocument } from "@turingfog/network";
import { readParameters } from "@turingfog/operator";
import { DAY, HOUR, MINUTE } from "@turingfog/sdk";
import { NODE_DOCUMENT, nodeDomain } from "@turingfog/sdk/wire";
import { parseUnits, Wallet } from "ethers";
import JSON5 from "json5";

import { freePorts } from "../../packages/network/test/helpers/signers";
import { deployProtocolFixture, type Protocol } from "../../test/helpers/fixture";
import { accountKeys } from "../../test/helpers/keys";
import { registerNodes } from "../../test/helpers/market";
import { Chain } from "./chain";
import { type Line, Member } from "./member";
import { Refusals } from "./refusals";

export const CHAIN_ID = 31_337n;

/** TFT for 1 TU. */
export const PRICE = parseUnits("20", 18);

/** Seconds of the chain from one batch to the next. */
export const INTERVAL = 150n;

/** Seconds of the chain after which a block is final. */
const CONFIRMATION = 30;

const LOCAL_PARAMETERS = path.join(__dirname, "../../deploy/parameters/local.json5");

/** What a signer is told beside its own: quick times, and challenges as small as they can be. */
const SIGNER_SETTINGS = {
  interval: Number(INTERVAL),
  delay: 60,
  tick: 0.5,
  challenges: { perTU: 1, work: 1, grace: 3_600, slot: 120, oneIn: 1, patience: 3_600 },
  allowPrivate: true,
};

/** The one program that jobs run: nothing, for some seconds. */
const WAIT = {
  kind: "process",
  name: "wait",
  command: "/bin/sleep",
  args: ["{SECONDS}"],
  slots: { SECONDS: "[0-9]{1,3}" },
  limits: { memoryMiB: 512, cpuSeconds: 60, processes: 8, seconds: 600, outputMiB: 1 },
};

const NODE_SETTINGS = { tickSeconds: 0.3, heartbeatSeconds: 1, readingSeconds: 60, runners: [WAIT] };

type OwnOptions = Pick<Member["options"], "config" | "endpoint" | "address">;

/** A chain with short times, and on it signers and nodes' agents, each in a process of its own. */
export class World {
  readonly signers: Member[] = [];
  readonly agents: Member[] = [];
  readonly client = new HttpClient();
  readonly refusals = new Refusals();
  /** Nothing goes on any more. */
  isClosed = false;
  private now = 0;

  private constructor(
    readonly folder: string,
    readonly protocol: Protocol,
    /** Of the agents, in their order. */
    readonly nodeIds: readonly bigint[],
    /** Nodes without an agent. */
    readonly others: readonly { owner: HardhatEthersSigner; nodeId: bigint }[],
    private readonly opened: { chain?: Chain },
  ) {}

  static async open(): Promise<World> {
    const { governor } = readParameters(LOCAL_PARAMETERS);
    const protocol = await deployProtocolFixture({
      governor: { ...governor, minDelay: HOUR },
      vetoWindow: 10n * MINUTE,
      grace: 2n * HOUR,
      epochLength: HOUR,
      auctionPeriod: HOUR,
    });
    const { miners, renters, stranger } = protocol.actors;
    const owners = [...miners, ...renters.slice(1), stranger, protocol.actors.bidder];
    const all = await registerNodes(protocol, owners);
    const { registry, tft } = protocol.contracts;
    for (const [i, nodeId] of all.entries())
      await registry.connect(owners[i]).setListing(nodeId, tft, PRICE, 2n ** 100n);
    const nodeIds = all.slice(0, miners.length);
    const others = owners.slice(miners.length).map((owner, i) => ({ owner, nodeId: all[miners.length + i] }));
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-chaos-"));
    await mkdir(path.join(folder, "deployments"));
    const book = { network: "localhost", chainId: Number(CHAIN_ID), addresses: protocol.addresses, firstBlock: 0 };
    await writeFile(path.join(folder, "deployments/localhost.json"), JSON.stringify(book));

    const world = new World(folder, protocol, nodeIds, others, {});
    world.tell(await time.latest());
    world.opened.chain = await Chain.open((now) => world.tell(now));
    return world;
  }

  get chain(): Chain {
    return this.opened.chain as Chain;
  }

  get members(): Member[] {
    return [...this.signers, ...this.agents];
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
      const where = { folder, network: "localhost", deployments: path.join(this.folder, "deployments") };
      const { config, gas } = await initSigner({ ...where, endpoint: endpoints[i], port: ports[i], peers });
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
    const ports = await freePorts(this.nodeIds.length);
    for (const [i, nodeId] of this.nodeIds.entries()) {
      const folder = path.join(this.folder, `node${i}`);
      const endpoint = `http://127.0.0.1:${ports[i]}`;
      const signers = this.signers.map((signer) => signer.options.endpoint);
      await initNodeFolder(folder, {
        network: "localhost",
        deployments: path.join(this.folder, "deployments"),
        nodeId,
        signers,
      });
      const file = path.join(folder, "node.json5");
      await changeConfig(file, { ...NODE_SETTINGS, listen: { host: "127.0.0.1", port: ports[i] } });
      const config = await readNodeConfig(file);
      const owner = this.protocol.actors.miners[i];
      const document = await nextDocument(config, endpoint, this.seconds + 100n * DAY, this.seconds);
      const { registry } = this.protocol.addresses;
      const signed = await NODE_DOCUMENT.sign(owner, nodeDomain(CHAIN_ID, registry), document);
      const address = await saveDocument(config, signed);
      await this.chain.alone(() => this.protocol.contracts.registry.connect(owner).setMetadataURI(nodeId, address));
      this.agents.push(this.member("node", i, { config: file, endpoint, address: owner.address.toLowerCase() }));
    }
  }

  /** Waits until something is so. @throws if it never is */
  async until<T>(what: string, look: () => Promise<T | undefined>, seconds = 90): Promise<T> {
    for (const end = performance.now() + seconds * 1_000; !this.isClosed && performance.now() < end; await sleep(100)) {
      const found = await look().catch(() => undefined);
      if (found !== undefined) return found;
    }
    throw new Error(`${what} did not come about in ${seconds} s`);
  }

  /** Asks a signer that answers, any of them. */
  async ask(query: string): Promise<Buffer> {
    for (const { options, isUp } of this.signers) {
      const answer = isUp && (await this.client.get(`${options.endpoint}${query}`).catch(() => undefined));
      if (answer) return answer;
    }
    throw new Error(`No signer answers ${query}`);
  }

  /** Ends everybody as a service manager does. Returns the names of those that did not end well. */
  async stop(): Promise<string[]> {
    const up = this.members.filter(({ isUp }) => isUp);
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
  const chain = { ...config.chain, confirmationSeconds: CONFIRMATION, poll: 0.5 };
  await writeFile(file, JSON.stringify({ ...config, ...changes, monitor: { port: 0 }, chain }), { mode: 0o600 });
}
