import type { Supply } from "@turingfog/sdk";
import type { Books } from "./books";
import {
  CHECKS,
  type Observation,
  type ObservedAsset,
  type ObservedBucket,
  type ObservedDestruction,
  type ObservedOrder,
  type CheckedStep,
} from "./checks";
import type { World } from "./world";

/** Reads the chain after every step, and holds it against the step before and against the books. */
export class Auditor {
  /** How many checks have passed. */
  passed = 0;
  /** What was checked last. */
  lastStep: CheckedStep | undefined;

  private readonly finals = new Map<bigint, { weight: bigint; reward: bigint }>();
  private readonly destructions: ObservedDestruction[] = [];
  private readUpTo = -1;

  private constructor(
    private readonly world: World,
    private readonly books: Books,
  ) {}

  /** Starts with the chain as it is. */
  static async start(world: World, books: Books): Promise<Auditor> {
    const auditor = new Auditor(world, books);
    await auditor.audit();
    return auditor;
  }

  /** The last observation's supply. */
  get supply(): Supply {
    if (this.lastStep === undefined) throw new Error("Nothing was observed yet");
    return this.lastStep.now.supply;
  }

  /**
   * Runs every check.
   * @param allBuckets also reads the buckets that were claimed long ago
   * @throws CheckFailedError
   */
  async audit(allBuckets = false): Promise<void> {
    const now = await this.observe(allBuckets);
    const step = { before: this.lastStep?.now ?? now, now, books: this.books, finals: this.finals };
    for (const check of CHECKS) {
      check(step);
      ++this.passed;
    }
    for (const [id, { weight, reward, isFinal }] of now.buckets) {
      if (isFinal && !this.finals.has(id)) this.finals.set(id, { weight, reward });
    }
    this.lastStep = step;
  }

  private async observe(allBuckets: boolean): Promise<Observation> {
    const { controller, tft, vault, pool } = this.world.contracts;
    await this.readDestructions();
    const [supply, totalSupply, vaultBalance, operationsOwed, poolBalance] = await Promise.all([
      controller.supply(),
      tft.totalSupply(),
      tft.balanceOf(vault),
      vault.operationsOwed(),
      tft.balanceOf(pool),
    ]);
    const { total, burned, released, reserve, circulating, phase } = supply;
    const orders = new Map<bigint, ObservedOrder>();
    const settled = new Map<bigint, Map<bigint, bigint>>();
    for (const orderId of this.books.orders.keys()) {
      const order = await this.observeOrder(orderId);
      orders.set(orderId, order);
      settled.set(orderId, await this.observeSettled(orderId, order));
    }
    return {
      supply: { total, burned, released, reserve, circulating, phase: Number(phase) },
      totalSupply,
      vaultBalance,
      operationsOwed,
      poolBalance,
      assets: await this.observeAssets(),
      orders,
      settled,
      buckets: await this.observeBuckets(allBuckets),
      destructions: [...this.destructions],
    };
  }

  private async observeAssets(): Promise<Map<string, ObservedAsset>> {
    const { escrow, controller, tft } = this.world.contracts;
    const assets = new Map<string, ObservedAsset>();
    for (const token of [tft, this.world.usd]) {
      const [address, escrowBalance, liabilities, controllerBalance] = await Promise.all([
        token.getAddress(),
        token.balanceOf(escrow),
        escrow.liabilities(token),
        token.balanceOf(controller),
      ]);
      assets.set(address, { escrowBalance, liabilities, controllerBalance });
    }
    return assets;
  }

  private async observeOrder(orderId: bigint): Promise<ObservedOrder> {
    const { deposit, earned, tuSettled } = await this.world.contracts.escrow.order(orderId);
    return { deposit, earned, tuSettled };
  }

  /** What each node has settled, read anew when the order's total has moved. */
  private async observeSettled(orderId: bigint, { tuSettled }: ObservedOrder): Promise<Map<bigint, bigint>> {
    const last = this.lastStep?.now;
    const settled = last?.settled.get(orderId);
    if (settled !== undefined && last?.orders.get(orderId)?.tuSettled === tuSettled) return settled;

    const { escrow } = this.world.contracts;
    const nodeIds = [...this.books.order(orderId).settled.keys()];
    return new Map(
      await Promise.all(nodeIds.map(async (nodeId) => [nodeId, await escrow.settledTU(orderId, nodeId)] as const)),
    );
  }

  /** The buckets of which something is left to happen, or all of them. */
  private async observeBuckets(all: boolean): Promise<Map<bigint, ObservedBucket>> {
    const { pool } = this.world.contracts;
    const observed = new Map<bigint, ObservedBucket>();
    for (const { id, finalAt, weights, miners } of this.books.buckets.values()) {
      const isOver = finalAt !== undefined && weights.size === 0 && this.finals.has(id);
      if (isOver && !all) continue;
      const [weight, reward, isFinalNow] = await pool.bucket(id);
      const unclaimed = isOver
        ? []
        : await Promise.all([...miners].map(async (miner) => [miner, await pool.weightOf(id, miner)] as const));
      observed.set(id, { weight, reward, isFinal: isFinalNow, weights: new Map(unclaimed) });
    }
    return observed;
  }

  private async readDestructions(): Promise<void> {
    const { controller } = this.world.contracts;
    const events = await controller.queryFilter(controller.filters.Destroyed(), this.readUpTo + 1);
    for (const { blockNumber, args } of events) {
      const { bucketId, bought, burned, released, operations, reward, phase } = args;
      this.destructions.push({ bucketId, bought, burned, released, operations, reward, phase: Number(phase) });
      this.readUpTo = blockNumber;
    }
  }
}
