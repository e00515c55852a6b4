import { time } from "@nomicfoundation/hardhat-network-helpers";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";

import { min } from "@turingfog/sdk";
import type { Receipt } from "@turingfog/sdk/wire";
import { sum } from "./books";
import type { AttestedNode, Batch, Economy, Rental } from "./economy";

const PERCENT = 100n;

export interface Node extends AttestedNode {
  gpuModel: string;
}

/** An order that nodes work on. */
export interface Job {
  orderId: bigint;
  workers: readonly Node[];
  tuAmount: bigint;
  /** From here on its progress is measured: the order's start, or shortly before it. */
  startedAt: bigint;
  duration: bigint;
  endsAt: bigint;
  /** The share of an order that is delivered when it runs to its end. */
  percent: bigint;
}

/** The nodes, the jobs they work on, and what the oracle measures of both. */
export class Fleet {
  readonly nodes: Node[] = [];
  private jobs: Job[] = [];

  constructor(private readonly economy: Economy) {}

  /** TU per day of all nodes, 18 decimals. */
  get rate(): bigint {
    return sum(this.nodes.map(({ rate }) => rate));
  }

  /** Registers a node, has it attested, and offers it for dollars. */
  async join(gpuModel: string, gpuCount: bigint, unitPrice: bigint): Promise<void> {
    const { world } = this.economy;
    const owner = world.actors.miners[this.nodes.length % world.actors.miners.length];
    const nodeId = await this.economy.registerNode(owner, gpuModel, gpuCount);
    const node = { nodeId, gpuModel, owner, rate: await world.contracts.registry.ratePerDay(nodeId) };
    await this.economy.attest([node]);
    await this.economy.offer(owner, nodeId, world.usd, unitPrice);
    this.nodes.push(node);
  }

  /** Renews the attestations that run out before `until`. */
  async renewAttestations(until: bigint): Promise<void> {
    const { nodes } = this.economy.books;
    const expiring = this.nodes.filter(({ nodeId }) => (nodes.get(nodeId)?.attestedUntil ?? 0n) < until);
    await this.economy.attest(expiring);
  }

  /** The first node with GPUs of this model. */
  nodeWith(gpuModel: string): Node {
    const node = this.nodes.find((candidate) => candidate.gpuModel === gpuModel);
    if (node === undefined) throw new Error(`No node has a ${gpuModel}`);
    return node;
  }

  /**
   * Rents, and has the order's node work on it, or all nodes on a joint one.
   * @param startedAt the scheduled time, so that what is measured depends on it alone
   */
  async rent(rental: Rental, startedAt: bigint, percent = PERCENT): Promise<Job> {
    const orderId = await this.economy.rent(rental);
    const { nodeId, tuAmount, duration } = rental;
    const workers = nodeId === 0n ? [...this.nodes] : this.nodes.filter((node) => node.nodeId === nodeId);
    const job = { orderId, workers, tuAmount, startedAt, duration, endsAt: startedAt + duration, percent };
    this.jobs.push(job);
    return job;
  }

  /** Ends an order now, as its holder. */
  async stop(holder: HardhatEthersSigner, job: Job, at: bigint): Promise<void> {
    await this.economy.stop(holder, job.orderId);
    job.endsAt = at;
  }

  /** The oracle measures all jobs, those that ended at their end, and submits the root of their receipts. */
  async measure(): Promise<Batch> {
    const measuredAt = BigInt(await time.latest());
    const receipts = this.jobs.flatMap((job) => receiptsOf(job, measuredAt));
    this.jobs = this.jobs.filter(({ endsAt }) => endsAt > measuredAt);
    return this.economy.report(receipts);
  }
}

/** Returns the receipts for what each worker has delivered so far: shares by their rates, of what the time that has passed makes. */
function receiptsOf({ orderId, workers, tuAmount, startedAt, duration, endsAt, percent }: Job, at: bigint): Receipt[] {
  const measuredAt = min(at, endsAt);
  const elapsed = measuredAt - startedAt;
  const delivered = (tuAmount * percent * elapsed) / (PERCENT * duration);
  const rate = sum(workers.map((worker) => worker.rate));
  const shares = workers.map((worker) => (delivered * worker.rate) / rate);
  shares[0] += delivered - sum(shares);
  return workers.map(({ nodeId }, i) => ({ orderId, nodeId, cumulativeTU: shares[i], measuredAt }));
}
