import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import {
  type ChainFacts,
  escrowDomain,
  type Limits,
  newAgeKey,
  NODE_MIGRATIONS,
  NodeStore,
  type NodeTables,
  NOTHING_USED,
  openNodeServer,
  openStore,
  type OrderFacts,
  OrderFiles,
  type Runner,
  Uploads,
  Work,
} from "@turingfog/network";
import { JOB, jobDomain } from "@turingfog/sdk/wire";
import { Wallet, id, ZeroAddress } from "ethers";

import { LOG, StoppedClock } from "./intake";
import { JOB_OF_TESTS } from "./jobs";
import { ESCROW, Meter, METER_DOMAIN, World } from "./meters";

export const BUNDLE = Buffer.alloc(100_000, "bundle");
const JOB_HASH = `0x${createHash("sha256").update(BUNDLE).digest("hex")}`;

/** Who holds the orders of a served node. */
export const HOLDER = new Wallet(id("holder"));

/** A runner whose runs have all ended. */
const ENDED: Runner = {
  offer: { kind: "process", name: "ended", slots: {} },
  countsImages: false,
  prepare: async () => undefined,
  start: async () => undefined,
  sample: async () => ({ ...NOTHING_USED, phase: "ended", outcome: { kind: "exited", code: 0 } }),
  pause: async () => undefined,
  stop: async () => undefined,
};

/** What a node that trains nothing serves of joint training. */
export const NO_TRAINING = {
  ...{ meterKey: ESCROW, domain: METER_DOMAIN, clock: new StoppedClock() },
  ...{ readers: async () => new Set<string>(), runOf: async () => undefined },
};

/** A node's server with its files and store, on orders that a test names. */
export class ServedNode {
  private constructor(
    readonly port: number,
    readonly world: World,
    /** The node's meter, whose order is open and taken on. */
    readonly meter: Meter,
    readonly age: { identity: string; recipient: string },
    readonly store: NodeStore,
    readonly work: Work,
    private readonly end: () => Promise<void>,
  ) {}

  static async open({
    limits,
    seconds = 60,
  }: { limits?: Partial<Limits>; seconds?: number } = {}): Promise<ServedNode> {
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-node-"));
    const meter = await Meter.of(1);
    const { nodeId } = meter;
    const world = new World([meter]);
    world.orders.set(meter.orderId, ownOrder(meter));
    const facts = Object.assign(world, { isSignedByContract: async () => false }) as unknown as ChainFacts;
    const database = await openStore<NodeTables>(path.join(folder, "node.db"), NODE_MIGRATIONS);
    const store = new NodeStore(database.db, nodeId);
    await store.take(meter.orderId, JOB_HASH);
    const filesOf = (orderId: bigint) => new OrderFiles(path.join(folder, "orders", String(orderId)));
    const uploads = new Uploads((orderId) => filesOf(orderId).folder, BUNDLE.length);
    const age = await newAgeKey();
    const chain = { chainId: 31_337n, escrow: ESCROW, nodeId, facts, clock: new StoppedClock() };
    const work = new Work({
      ...chain,
      ...{ folder, filesOf, store, uploads, log: LOG, runners: [ENDED], meter: meter.wallet, domain: METER_DOMAIN },
      ...{ maxUnpacked: BUNDLE.length, readingSeconds: 60n, finishSeconds: 60n },
    });
    const ended = new AbortController();
    const server = await openNodeServer({
      ...chain,
      ...{ age, store, uploads, work, log: LOG, signal: ended.signal, limits },
      listen: { host: "127.0.0.1", port: 0 },
      document: path.join(folder, "document.json"),
      escrowDomain: escrowDomain(31_337n, ESCROW),
      training: NO_TRAINING,
      bundles: { maxBytes: BUNDLE.length, seconds, idleSeconds: 60 },
    });
    const { port } = server.server.address() as { port: number };
    return new ServedNode(port, world, meter, age, store, work, async () => {
      ended.abort();
      await server.close();
      await database.close();
      await rm(folder, { recursive: true });
    });
  }

  get files(): OrderFiles {
    return this.work.filesOf(this.meter.orderId);
  }

  get domain() {
    return jobDomain(31_337n, ESCROW);
  }

  /** Makes the node believe that the order's job has run: it has a job file, and a runner says that all has ended. */
  async pretendRun(): Promise<void> {
    await mkdir(path.join(this.files.run, "input"), { recursive: true });
    await writeFile(
      path.join(this.files.folder, "job.json"),
      JOB.encode({ ...JOB_OF_TESTS, runner: ENDED.offer.name }),
    );
  }

  path(what: string, orderId = this.meter.orderId): string {
    return `/v1/orders/${orderId}${what}`;
  }

  async close(): Promise<void> {
    await this.end();
  }
}

/** An order of a meter's node with a job, held by `HOLDER`. */
export function ownOrder(meter: Meter, change: Partial<OrderFacts> = {}): OrderFacts {
  return meter.order({ jobHash: JOB_HASH, holder: HOLDER.address.toLowerCase(), refundTo: ZeroAddress, ...change });
}

/** Runs a test with a served node. */
export async function withNode(
  options: Parameters<typeof ServedNode.open>[0],
  test: (node: ServedNode) => Promise<void>,
): Promise<void> {
  const node = await ServedNode.open(options);
  try {
    await test(node);
  } finally {
    await node.close();
  }
}
