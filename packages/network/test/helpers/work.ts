import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

import {
  type KeptOrder,
  NODE_MIGRATIONS,
  NodeStore,
  type NodeTables,
  type OrderFacts,
  OrderFiles,
  ProcessRunner,
  type Runner,
  sealBundle,
  Uploads,
  Work,
} from "@turingfog/network";
import { type BundleFile, type Job, meterDomain } from "@turingfog/sdk/wire";
import { id, Wallet, ZeroAddress, ZeroHash } from "ethers";

import { inFolder } from "./folders";
import { LOG, StoppedClock } from "./intake";
import { JOB_OF_TESTS } from "./jobs";
import { START } from "./meters";
import { Stores } from "./stores";

const { chainId, escrow, nodeId, asset, tuAmount, renter } = JOB_OF_TESTS;

/** A store that counts how often an order is looked up. */
class CountingStore extends NodeStore {
  looks = 0;

  override order(orderId: bigint): Promise<KeptOrder | undefined> {
    this.looks++;
    return super.order(orderId);
  }
}

/** A node's work on orders that a test opens and closes, with real runs of `program`. */
export class WorkBench {
  readonly orders = new Map<bigint, OrderFacts>();
  readonly clock = new StoppedClock(START + 600n);
  readonly uploads: Uploads;
  readonly work: Work;

  private constructor(
    readonly folder: string,
    readonly store: CountingStore,
    program: string | Runner,
  ) {
    const filesOf = (orderId: bigint) => new OrderFiles(path.join(folder, String(orderId)));
    this.uploads = new Uploads((orderId) => filesOf(orderId).folder, 1_048_576);
    const limits = { memoryMiB: 512, cpuSeconds: 60, processes: 16, seconds: 60, outputMiB: 16 };
    const own = {
      kind: "process" as const,
      name: "program",
      command: process.execPath,
      args: ["-e", typeof program === "string" ? program : ""],
      env: {},
      slots: {},
      limits,
    };
    this.work = new Work({
      ...{ chainId, escrow, nodeId, folder, filesOf, store, clock: this.clock, log: LOG },
      uploads: this.uploads,
      runners: [typeof program === "string" ? new ProcessRunner(own) : program],
      facts: {
        openOrders: () => [...this.orders.values()].filter(({ closed }) => !closed),
        order: (orderId) => this.orders.get(orderId),
        attestedAt: () => true,
        node: () => ({
          nodeId,
          owner: ZeroAddress,
          gpuModel: id("GTX 1080 Ti"),
          ratePerDay: 10n ** 18n,
          metadataURI: "",
          attestations: [],
          ownedSince: 0n,
        }),
      },
      meter: new Wallet(id("meter")),
      domain: meterDomain(chainId, escrow),
      maxUnpacked: 1_048_576,
      readingSeconds: 60n,
      finishSeconds: 60n,
    });
  }

  /** @param program for node, or a runner in its place */
  static async use(program: string | Runner, test: (bench: WorkBench) => Promise<void>): Promise<void> {
    const stores = new Stores();
    try {
      await inFolder(async (folder) => {
        const { db } = await stores.openNew<NodeTables>(NODE_MIGRATIONS);
        await test(new WorkBench(folder, new CountingStore(db, nodeId), program));
      });
    } finally {
      await stores.close();
    }
  }

  /** Opens an order on the node, with the terms of the job of tests unless others are given. */
  open(orderId: bigint, jobHash: string, terms: Partial<OrderFacts> = {}): void {
    const times = { startedAt: START, endsAt: START + 86_400n, closed: false, openedAtBlock: orderId };
    const paid = { unitPrice: 1n, acknowledgedTU: 0n, deposit: 1n, earned: 0n, settledTU: () => 0n };
    const whose = { refundTo: ZeroAddress, payer: renter, paymentRef: ZeroHash, holder: renter };
    this.orders.set(orderId, { orderId, nodeId, asset, tuAmount, jobHash, ...times, ...paid, ...whose, ...terms });
  }

  close(orderId: bigint): void {
    this.orders.set(orderId, { ...(this.orders.get(orderId) as OrderFacts), closed: true });
  }

  /** Seals a job, and returns its hash, its bytes and its key. */
  async seal(
    job: Job = JOB_OF_TESTS,
    files: readonly BundleFile[] = [],
  ): Promise<{ jobHash: string; content: Buffer; identity: string }> {
    const file = path.join(this.folder, `bundle-${this.orders.size}`);
    const { hash, key } = await sealBundle(job, files, file);
    return { jobHash: hash, content: await readFile(file), identity: key.identity };
  }

  /** Hands in what an order's job is made of, as its renter does. */
  async handIn(orderId: bigint, { content, identity }: { content: Buffer; identity: string }): Promise<void> {
    const jobHash = `0x${createHash("sha256").update(content).digest("hex")}`;
    const body = (async function* () {
      yield content;
    })();
    await this.uploads.receive({ orderId, jobHash, sender: "renter", length: content.length, body });
    await this.store.change(orderId, { identity });
  }

  /** Waits until a bundle comes for an order, or until none does. */
  async untilUpload(orderId: bigint, isComing: boolean): Promise<void> {
    const folder = path.join(this.folder, String(orderId));
    const has = async () => (await readdir(folder).catch(() => [])).some((name) => name.startsWith("upload-"));
    while ((await has()) !== isComing) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Works until an order is in a state. */
  async until(orderId: bigint, state: string): Promise<void> {
    for (let tries = 0; tries < 400; ++tries) {
      const failures = await this.work.tick();
      if (failures.length > 0) throw failures[0];
      if ((await this.work.state(orderId)).state === state) return;
    }
    throw new Error(`order ${orderId} is not ${state}: ${JSON.stringify((await this.work.state(orderId)).state)}`);
  }
}
