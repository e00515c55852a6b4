import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Wallet } from "ethers";
import type { Kysely } from "kysely";

import { TuringFog } from "@turingfog/sdk/ethers";
import { linkDomain, meterDomain, NODE_DOCUMENT, nodeDomain, oracleDomain, ROUND_CLAIM } from "@turingfog/sdk/wire";
import { CHAIN_MIGRATIONS, CHAIN_STEPS, ChainFacts, chainOf, type ChainTables } from "../chain/index.js";
import { HttpClient } from "../http/index.js";
import { type AgeKey, escrowDomain, recipientOf } from "../job/index.js";
import { ContainerRunner, ProcessRunner, type Runner, TrainingRunner } from "../runner/index.js";
import {
  ConfigError,
  readKey,
  readSecret,
  reasonOf,
  type Role,
  type RoleContext,
  type Stoppable,
} from "../runtime/index.js";
import { openStore } from "../store/index.js";
import { ClaimPoster, Workers } from "../joint/index.js";
import { Availability, limitPower } from "./availability.js";
import { Challenged, CHALLENGED_STEPS } from "./challenged.js";
import type { NodeConfig } from "./config.js";
import { adoptHeads, ContradictionError } from "./heads.js";
import { openNodeServer } from "./nodeServer.js";
import { NODE_MIGRATIONS, NODE_STORE_STEPS, NodeStore, type NodeTables } from "./nodeStore.js";
import { openPassage, OrderFiles } from "./orderFiles.js";
import { Peers } from "./peers.js";
import { Poster, POSTER_STEPS } from "./poster.js";
import { RELAYED, RelayLink } from "./relayLink.js";
import { Settler } from "./settling.js";
import { UPLOAD_STEPS, Uploads } from "./uploads.js";
import { Work } from "./work.js";

/** Where an agent stands before and after each durable write and each send; a run's files are another process's. */
export const NODE_STEPS = [
  ...CHAIN_STEPS,
  ...CHALLENGED_STEPS,
  ...NODE_STORE_STEPS,
  ...POSTER_STEPS,
  ...UPLOAD_STEPS,
] as const;

/** Seconds between two times that signers are asked who they all are. */
const REFRESH = 600_000;
const SETTLE_SECONDS = 60;

/**
 * Returns the role of a node's agent. A run goes on while no agent runs, and the next one finds it.
 * @param file name of the configuration file, for errors
 * @param payer key that pays to settle what renters have acknowledged; nothing is settled if left out
 */
export function nodeRole(config: NodeConfig, file: string, payer?: Wallet): Role {
  return {
    name: "node",
    config,
    async start(context) {
      // what an agent writes is its own account's alone
      process.umask(0o077);
      const { signal } = context;
      const { gpuWatts } = config.availability;
      if (gpuWatts !== undefined) await limitPower(gpuWatts);
      const parts = await openParts(config, file, context);
      const agent = new Agent(context, parts);
      const tasks = [
        parts.facts.run(signal),
        every(config.tickSeconds, context, "orders", () => agent.tick()),
        every(config.heartbeatSeconds, context, "heartbeats", () => agent.beat()),
      ];
      if (parts.relay !== undefined) tasks.push(parts.relay.run(signal));
      if (payer !== undefined) tasks.push(every(SETTLE_SECONDS, context, "settling", () => agent.settle(payer)));
      return {
        async stop() {
          await Promise.all(tasks);
          // who is slow is not waited for
          parts.client.close();
          await agent.rest();
          await parts.stop();
        },
      };
    },
  };
}

interface Parts extends Stoppable {
  facts: ChainFacts;
  connect: Awaited<ReturnType<typeof chainOf>>["connect"];
  addresses: TuringFog["addresses"];
  store: NodeStore;
  client: HttpClient;
  peers: Peers;
  poster: Poster;
  claims: ClaimPoster;
  settler: Settler;
  challenged: Challenged;
  /** Undefined if the node is reached at its own address. */
  relay?: RelayLink;
  uploads: Uploads;
  work: Work;
  availability: Availability;
  meter: Wallet;
}

/** Opens all that a node's agent works with, after the whole of what it was given was checked. */
async function openParts(config: NodeConfig, file: string, context: RoleContext): Promise<Parts> {
  const { log, clock, health, signal } = context;
  const { nodeId, folder, bundles, runners: offered } = config;
  const meter = await readKey(config.meter.key);
  const identity = await readSecret(config.age.key);
  const age = { identity, recipient: await recipientOf(identity) };
  await checkDocument(config, file, meter.address, age);
  const { book, connect } = await chainOf(config.chain);
  const { addresses } = book;
  const { escrow, oracle, registry } = addresses;
  const chainId = BigInt(book.chainId);

  await openPassage(folder);
  const database = await openStore<NodeTables>(config.store, { ...CHAIN_MIGRATIONS, ...NODE_MIGRATIONS });
  const { db } = database;
  const chainDb = db as unknown as Kysely<ChainTables>;
  const facts = new ChainFacts({ ...config.chain, connect, book, db: chainDb, clock, health });
  const store = new NodeStore(db, nodeId);
  const client = new HttpClient();
  const domain = meterDomain(chainId, escrow);
  const filesOf = (orderId: bigint) => new OrderFiles(path.join(folder, "orders", String(orderId)));
  const uploads = new Uploads((orderId) => filesOf(orderId).folder, bundles.maxBytes);
  const signers = { seeds: config.signers, oracleDomain: oracleDomain(chainId, oracle), meterDomain: domain };
  const peers = new Peers({ ...signers, nodeId, meter, facts, client, clock });
  const link = linkDomain(chainId, oracle);
  const workers = new Workers({
    ...{ nodeId, meter, facts, peers, client, clock, allowPrivate: config.allowPrivate },
    domains: { node: nodeDomain(chainId, registry), link, meter: domain },
  });
  const trainers: TrainingRunner[] = [];
  const runners = offered.map((each): Runner => {
    if (each.kind === "container") return new ContainerRunner(each);
    if (each.kind !== "training") return new ProcessRunner(each);
    const trainer = new TrainingRunner({
      ...{ name: each.name, nodeId, network: workers, log, patience: 1_000 * each.roundSeconds },
      sign: (claim) => ROUND_CLAIM.sign(meter, domain, claim),
    });
    trainers.push(trainer);
    return trainer;
  });
  const runOf = async (orderId: bigint) => {
    const runs = await Promise.all(trainers.map((trainer) => trainer.runOf(filesOf(orderId).run)));
    return runs.find((run) => run !== undefined);
  };
  const times = { readingSeconds: BigInt(config.readingSeconds), finishSeconds: BigInt(config.finishSeconds) };
  const chain = { chainId, escrow, nodeId, facts, clock };
  const { maxUnpacked } = bundles;
  const work = new Work({
    ...chain,
    ...times,
    folder,
    filesOf,
    store,
    uploads,
    runners,
    meter,
    domain,
    maxUnpacked,
    log,
  });
  const claims = new ClaimPoster({
    ...{ client, runOf },
    orders: async () => (await store.orderIds()).filter((orderId) => facts.order(orderId)?.closed === false),
  });
  const poster = new Poster({
    ...{ store, client, nodeId, log },
    isClosed: (orderId) => facts.order(orderId)?.closed === true,
    resultOf: async (orderId) =>
      (await store.order(orderId))?.result === undefined ? undefined : filesOf(orderId).result,
  });
  const limits = {
    perTU: BigInt(config.challenges.perTU),
    work: BigInt(config.challenges.work),
    seconds: BigInt(config.challenges.seconds),
  };
  const challenged = new Challenged({
    ...{ meter, domain, client, limits, signal },
    ratePerDay: () => facts.node(nodeId)?.ratePerDay ?? 0n,
    pause: (isPaused) => work.pause(isPaused),
  });
  const acknowledged = { store, facts, domain: escrowDomain(chainId, escrow), log };
  const settler = new Settler(acknowledged);
  const { document } = config;
  const { trustedProxies } = config.listen;
  const listen = { ...config.listen, trustedProxies: config.relay ? [...trustedProxies, RELAYED] : trustedProxies };
  const served = { listen, document, age, store, uploads, work, bundles, log, signal };
  const readers = (orderId: bigint) => workers.readers(orderId);
  const training = { meterKey: meter.address.toLowerCase(), domain: link, clock, readers, runOf };
  const server = await openNodeServer({ ...chain, ...served, training, escrowDomain: acknowledged.domain });
  log.info({ listen: server.addresses() }, "listening");
  const linked = { nodeId, meter, domain: linkDomain(chainId, oracle), document, server: server.server };
  const relay = config.relay ? new RelayLink({ ...linked, client, clock, health }) : undefined;
  return {
    relay,
    ...{ facts, connect, addresses, store, client, peers, poster, claims, settler, challenged, uploads, work, meter },
    availability: new Availability(config.availability),
    async stop() {
      await server.close();
      for (const trainer of trainers) await trainer.close();
      client.close();
      await database.close();
    },
  };
}

/** What a node's agent does again and again. */
class Agent {
  private areHeadsKnown = false;
  private refreshedAt = -Infinity;
  /** What is under way to signers, by its kind and their address: one that is slow holds nobody up. */
  private readonly underWay = new Map<string, Promise<void>>();
  /** Why something that was under way has failed, by its kind and the signer's address. */
  private readonly failing = new Map<string, string>();

  constructor(
    private readonly context: RoleContext,
    private readonly parts: Parts,
  ) {}

  /** Works on the orders, and hands signers what they lack. */
  async tick(): Promise<void> {
    const { facts, work, availability, peers, poster, claims } = this.parts;
    const { health } = this.context;
    if (!facts.isKnown) return health.report("orders", "waiting", "The chain was not read yet");
    await this.meetSigners();
    if (!this.areHeadsKnown) {
      return health.report("orders", "waiting", "No signer has answered what the last readings of this node are");
    }

    work.rest(await availability.reason(() => work.cpuSeconds()));
    const failures = await work.tick();
    health.report("orders", failures.length === 0 ? "ok" : "waiting", failures.map(reasonOf).join("; ") || undefined);
    for (const peer of peers.known) {
      this.start(`delivery ${peer.signer}`, () => poster.deliver(peer));
      this.start(`claims ${peer.signer}`, () => claims.deliver(peer));
    }
  }

  /** Gives every signer a sign of life, and does what it asks for. */
  async beat(): Promise<void> {
    const { facts, peers, challenged } = this.parts;
    if (!facts.isKnown || !this.areHeadsKnown) return;
    for (const peer of peers.known) {
      const answer = async () => challenged.answer(peer, await peers.challenges(peer));
      this.start(`heartbeat ${peer.signer}`, answer);
    }
  }

  /** Settles what renters have acknowledged. */
  async settle(payer: Wallet): Promise<void> {
    const { facts, settler, connect, addresses } = this.parts;
    if (!facts.isKnown) return;
    await settler.settle(new TuringFog(addresses, payer.connect(await connect())));
    this.context.health.report("settling", "ok");
  }

  /** Resolves once nothing is under way any more. */
  async rest(): Promise<void> {
    await Promise.all(this.underWay.values());
  }

  /** Learns who the signers are, and before anything is signed what they have of this node. */
  private async meetSigners(): Promise<void> {
    const { peers, facts } = this.parts;
    const isDue = performance.now() - this.refreshedAt >= REFRESH;
    const areAllKnown = peers.known.length === facts.signers().signers.length;
    if (isDue || !areAllKnown) {
      this.start("documents", async () => {
        await peers.refresh();
        this.refreshedAt = performance.now();
      });
    }
    if (!this.areHeadsKnown) await this.adoptHeads();
    this.reportSigners();
  }

  private async adoptHeads(): Promise<void> {
    const { peers, store, meter, addresses, connect } = this.parts;
    const { chainId } = await (await connect()).getNetwork();
    const by = { domain: meterDomain(chainId, addresses.escrow), meter: meter.address };
    const answers = peers.known.map(async (peer) => adoptHeads(store, peer, await peers.heads(peer), by));
    const results = await Promise.allSettled(answers);
    const contradiction = results.find(
      (each) => each.status === "rejected" && each.reason instanceof ContradictionError,
    );
    this.failing.delete("heads");
    if (contradiction?.status === "rejected") this.failing.set("heads", reasonOf(contradiction.reason));
    else this.areHeadsKnown = results.some(({ status }) => status === "fulfilled");
  }

  private start(key: string, work: () => Promise<void>): void {
    if (this.underWay.has(key)) return;
    const done = work()
      .then(
        () => this.failing.delete(key),
        (error: unknown) => this.failing.set(key, reasonOf(error)),
      )
      .then(() => {
        this.underWay.delete(key);
      });
    this.underWay.set(key, done);
  }

  private reportSigners(): void {
    const { health } = this.context;
    if (this.failing.size === 0) return health.report("signers", "ok");
    const reasons = [...this.failing].map(([key, reason]) => `${key}: ${reason}`);
    health.report("signers", this.areHeadsKnown ? "ok" : "waiting", reasons.join("; "));
  }
}

/**
 * Checks that what a node's document says of it is what the configuration says.
 * @throws ConfigError
 */
async function checkDocument(config: NodeConfig, file: string, meter: string, age: AgeKey): Promise<void> {
  const text = await readFile(config.document).catch(() => {
    throw new ConfigError(file, "document", `${config.document} cannot be read: sign one with turingfog node init`);
  });
  const document = NODE_DOCUMENT.decode(text);
  const offers = config.runners.map(({ kind, name, slots }) => ({ kind, name, slots }));
  const expected = { nodeId: config.nodeId, meterKey: meter.toLowerCase(), encryptionKey: age.recipient };
  const differing = Object.entries(expected).find(([key, value]) => document[key as keyof typeof expected] !== value);
  const isOffered =
    NODE_DOCUMENT.typedData({ ...document, runners: offers }).runners === NODE_DOCUMENT.typedData(document).runners;
  const what = differing?.[0] ?? (isOffered ? undefined : "runners");
  if (what === undefined) return;
  throw new ConfigError(
    file,
    "document",
    `its ${what} is not that of this configuration: sign a new one with turingfog node init`,
  );
}

/** Calls something again and again, so many seconds after it was done, until the role is to end. */
async function every(
  seconds: number,
  { signal, health }: RoleContext,
  part: string,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await work().catch((error: unknown) => health.report(part, "waiting", reasonOf(error)));
    await sleep(seconds * 1_000, undefined, { signal }).catch(() => undefined);
  }
}
