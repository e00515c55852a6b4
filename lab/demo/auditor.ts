import type { Supply } from "@turingfog/sdk";
import type { BookedBucket, Books } from "./books";
import {
  CHECKS,
  type Observation,
  type ObservedAsset,
  type ObservedBucket,
  type ObservedDestruction,
  type ObservedOrder,
  type ObservedRound,
  type CheckedStep,
} from "./checks";
import type { World } from "./world";

/** Reads the chain after every step, and holds it against the step before and against the books. */
export class Auditor {
  /** The number of checks that have passed. */
  passed = 0;
  /** The last check. */
  lastStep: CheckedStep | undefined;

  private readonly finals = new Map<bigint, { weight: bigint; reward: bigint }>();
  private readonly destructions: ObservedDestruction[] = [];
  private readUpTo = -1;
  private claimsSeen = 0;

  /** The system and the dollar as they are read: many values in one call. */
  private readonly read: Pick<World["contracts"], "controller" | "tft" | "vault" | "pool" | "escrow"> &
    Pick<World, "usd">;

  private constructor(
    private readonly world: World,
    private readonly books: Books,
  ) {
    const { reader, usd, contracts } = world;
    this.read = {
      controller: contracts.controller.connect(reader),
      tft: contracts.tft.connect(reader),
      vault: contracts.vault.connect(reader),
      pool: contracts.pool.connect(reader),
      escrow: contracts.escrow.connect(reader),
      usd: usd.connect(reader),
    };
  }

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
    const { controller, tft, vault, pool } = this.read;
    await this.readDestructions();
    const [supply, totalSupply, vaultBalance, operationsOwed, poolBalance, assets, orders, rounds] = await Promise.all([
      controller.supply(),
      tft.totalSupply(),
      tft.balanceOf(vault),
      vault.operationsOwed(),
      tft.balanceOf(pool),
      this.observeAssets(),
      this.observeOrders(),
      this.observeRounds(allBuckets),
    ]);
    const [settled, buckets] = await Promise.all([
      this.observeSettled(orders),
      this.observeWeights(rounds, allBuckets),
    ]);
    this.claimsSeen = this.books.claims.length;
    const { total, burned, released, reserve, circulating, phase } = supply;
    return {
      supply: { total, burned, released, reserve, circulating, phase: Number(phase) },
      totalSupply,
      vaultBalance,
      operationsOwed,
      poolBalance,
      assets,
      orders,
      settled,
      buckets,
      destructions: [...this.destructions],
    };
  }

  private async observeAssets(): Promise<Map<string, ObservedAsset>> {
    const { escrow, controller, tft, usd } = this.read;
    const observed = [tft, usd].map(async (token) => {
      const [address, escrowBalance, liabilities, controllerBalance] = await Promise.all([
        token.getAddress(),
        token.balanceOf(escrow),
        escrow.liabilities(token),
        token.balanceOf(controller),
      ]);
      return [address, { escrowBalance, liabilities, controllerBalance }] as const;
    });
    return new Map(await Promise.all(observed));
  }

  private async observeOrders(): Promise<Map<bigint, ObservedOrder>> {
    const observed = [...this.books.orders.keys()].map(async (orderId) => {
      const { deposit, earned, tuSettled } = await this.read.escrow.order(orderId);
      return [orderId, { deposit, earned, tuSettled }] as const;
    });
    return new Map(await Promise.all(observed));
  }

  private async observeSettled(orders: Map<bigint, ObservedOrder>): Promise<Map<bigint, Map<bigint, bigint>>> {
    const observed = [...orders].map(
      async ([orderId, order]) => [orderId, await this.observeSettledOf(orderId, order)] as const,
    );
    return new Map(await Promise.all(observed));
  }

  /** TU that each node has settled, read again when the order's total has moved. */
  private async observeSettledOf(orderId: bigint, { tuSettled }: ObservedOrder): Promise<Map<bigint, bigint>> {
    const last = this.lastStep?.now;
    const settled = last?.settled.get(orderId);
    if (settled !== undefined && last?.orders.get(orderId)?.tuSettled === tuSettled) return settled;

    const { escrow } = this.read;
    const nodeIds = [...this.books.order(orderId).settled.keys()];
    return new Map(
      await Promise.all(nodeIds.map(async (nodeId) => [nodeId, await escrow.settledTU(orderId, nodeId)] as const)),
    );
  }

  /** The buckets of which something is left to happen, or all of them. */
  private async observeRounds(all: boolean): Promise<Map<bigint, ObservedRound>> {
    const observed = [...this.books.buckets.values()]
      .filter((bucket) => all || !this.isOver(bucket))
      .map(async ({ id }) => {
        const [weight, reward, isFinal] = await this.read.pool.bucket(id);
        return [id, { weight, reward, isFinal }] as const;
      });
    return new Map(await Promise.all(observed));
  }

  /** Weights of each miner in the buckets, read again when the bucket's weight has moved or somebody has claimed. */
  private async observeWeights(rounds: Map<bigint, ObservedRound>, all: boolean): Promise<Map<bigint, ObservedBucket>> {
    const areAllRead = all || this.books.claims.length !== this.claimsSeen;
    const observed = [...rounds].map(async ([id, round]) => {
      const before = this.lastStep?.now.buckets.get(id);
      const isKnown = !areAllRead && before?.weight === round.weight;
      return [id, { ...round, weights: isKnown ? before.weights : await this.observeWeightsOf(id) }] as const;
    });
    return new Map(await Promise.all(observed));
  }

  private async observeWeightsOf(id: bigint): Promise<Map<string, bigint>> {
    const bucket = this.books.buckets.get(id);
    const miners = bucket === undefined || this.isOver(bucket) ? [] : [...bucket.miners];
    return new Map(
      await Promise.all(miners.map(async (miner) => [miner, await this.read.pool.weightOf(id, miner)] as const)),
    );
  }

  private isOver({ id, finalAt, weights }: BookedBucket): boolean {
    return finalAt !== undefined && weights.size === 0 && this.finals.has(id);
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
