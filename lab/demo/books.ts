import {
  bucketId,
  claimShare,
  depositOf,
  destroy,
  type Destruction,
  epochOf,
  filledAmount,
  GENESIS,
  max,
  nextReference,
  type OrderTerms,
  priceAt,
  settleReceipt,
  type SettlingNode,
  type SupplyState,
  tftOwed,
} from "@turingfog/sdk";
import type { Receipt } from "@turingfog/sdk/wire";

const BASIS_POINTS = 10_000n;

/** The parameters of the deployment that the books reckon with. */
export interface Terms {
  epochLength: bigint;
  auctionPeriod: bigint;
  /** In basis points of a release. */
  operationsShare: bigint;
}

export interface BookedNode extends SettlingNode {
  payout: string;
}

/** What an order was opened with. */
export interface OpenedOrder extends OrderTerms {
  orderId: bigint;
  asset: string;
}

export interface BookedOrder extends OpenedOrder {
  deposit: bigint;
  earned: bigint;
  /** TU by node, 18 decimals. */
  settled: Map<bigint, bigint>;
}

/** What came in of an asset, and where it went. */
export interface Account {
  paidIn: bigint;
  earned: bigint;
  refunded: bigint;
}

export interface BookedBucket {
  id: bigint;
  epoch: bigint;
  asset: string;
  weight: bigint;
  /** By miner; a claim takes his out. */
  weights: Map<string, bigint>;
  /** Ever. */
  miners: Set<string>;
  /** Base units of the asset turned into TFT and destroyed, and the TFT that they brought. */
  sold: bigint;
  proceeds: bigint;
  reward: bigint;
  claimed: bigint;
  isFinal: boolean;
}

/** What a `Destroyed` event must say, and how the amount was split. */
export interface BookedDestruction extends Destruction {
  bucketId: bigint;
  bought: bigint;
  operations: bigint;
  reward: bigint;
}

/** A claim as it should come out, and what was paid. */
export interface BookedClaim {
  miner: string;
  due: bigint;
  paid: bigint;
}

interface BookedAuction {
  wholeUnit: bigint;
  referencePrice: bigint;
  soldOutAt: bigint;
}

/**
 * The demo's own account of the economy, kept from what its people do and from nothing that the contracts say: orders,
 * earnings, lots, destructions, rewards and claims, by the rules of the protocol.
 */
export class Books {
  readonly nodes = new Map<bigint, BookedNode>();
  /** Open ones. */
  readonly orders = new Map<bigint, BookedOrder>();
  readonly buckets = new Map<bigint, BookedBucket>();
  readonly accounts = new Map<string, Account>();
  readonly destructions: BookedDestruction[] = [];
  readonly claims: BookedClaim[] = [];
  /** TFT ever bought back. */
  bought = 0n;
  /** TFT of releases that operations have not been paid yet. */
  operationsOwed = 0n;
  supply: SupplyState = GENESIS;

  private readonly auctions = new Map<string, BookedAuction>();

  constructor(
    private readonly terms: Terms,
    readonly tft: string,
  ) {
    this.accounts.set(tft, { paidIn: 0n, earned: 0n, refunded: 0n });
  }

  list(asset: string, decimals: bigint, referencePrice: bigint): void {
    this.accounts.set(asset, { paidIn: 0n, earned: 0n, refunded: 0n });
    this.auctions.set(asset, { wholeUnit: 10n ** decimals, referencePrice, soldOutAt: 0n });
  }

  /** A renewal before the attestation in force runs out keeps its start. */
  attested(nodeId: bigint, payout: string, rate: bigint, at: bigint, until: bigint): void {
    const before = this.nodes.get(nodeId);
    const attestedFrom = before !== undefined && before.attestedUntil >= at ? before.attestedFrom : at;
    this.nodes.set(nodeId, { payout, rate, attestedFrom, attestedUntil: until });
  }

  opened(terms: OpenedOrder): void {
    const deposit = depositOf(terms.tuAmount, terms.unitPrice);
    this.orders.set(terms.orderId, { ...terms, deposit, earned: 0n, settled: new Map() });
    this.account(terms.asset).paidIn += deposit;
  }

  stopped(orderId: bigint, at: bigint): void {
    this.order(orderId).endsAt = at;
  }

  /**
   * Receipts of one asset, settled at one time; by protocol.md, 4(7), in no matter which order those of a node arrive.
   * @param submittedAt when their root was submitted
   */
  settled(asset: string, receipts: readonly Receipt[], submittedAt: bigint, at: bigint): void {
    for (const receipt of receipts) {
      const order = this.orders.get(receipt.orderId);
      const node = this.nodes.get(receipt.nodeId);
      if (order === undefined || node === undefined || order.asset !== asset) continue;
      const before = order.settled.get(receipt.nodeId) ?? 0n;
      const byOthers = sum(order.settled.values()) - before;
      const settlement = settleReceipt(receipt, order, node, submittedAt, before, byOthers);
      if ("skipped" in settlement) continue;

      const { settled, earned } = settlement;
      order.settled.set(receipt.nodeId, settled);
      order.earned += earned;
      this.account(asset).earned += earned;
      if (earned !== 0n) this.addWeight(epochOf(at, this.terms.epochLength), asset, node.payout, earned);
    }
  }

  closed(orderId: bigint, refunded: bigint): void {
    const order = this.order(orderId);
    this.account(order.asset).refunded += refunded;
    this.orders.delete(orderId);
  }

  /** A TFT bucket, destroyed as it is. */
  burnedEpoch(epoch: bigint): void {
    const bucket = this.bucket(bucketId(epoch, this.tft));
    this.destroyed(bucket, bucket.weight, bucket.weight);
  }

  /** A fill of the lot of `asset` that is for sale. */
  bidFor(asset: string, amount: bigint, at: bigint): void {
    const { bucket, startedAt, auction } = this.lot(asset);
    const price = priceAt(auction.referencePrice, at - startedAt, this.terms.auctionPeriod);
    const filled = filledAmount(amount, bucket.weight - bucket.sold, bucket.weight);
    this.destroyed(bucket, filled, tftOwed(filled, price, auction.wholeUnit));
    if (!bucket.isFinal) return;

    auction.referencePrice = nextReference(auction.referencePrice, bucket.proceeds, bucket.weight, auction.wholeUnit);
    auction.soldOutAt = at;
  }

  /** The oldest lot of an asset, and when its clock started. */
  lot(asset: string): { bucket: BookedBucket; startedAt: bigint; auction: BookedAuction } {
    const auction = entry(this.auctions, asset, "auction of");
    const bucket = this.waiting(asset).at(0);
    if (bucket === undefined) throw new Error(`The books have no lot of ${asset}`);
    return { bucket, startedAt: max((bucket.epoch + 1n) * this.terms.epochLength, auction.soldOutAt), auction };
  }

  /** A claim of all that is final. */
  claimed(miner: string, ids: readonly bigint[], paid: bigint): void {
    let due = 0n;
    for (const id of ids) {
      const bucket = this.bucket(id);
      const part = claimShare(bucket.reward, bucket.weights.get(miner) ?? 0n, bucket.weight);
      bucket.weights.delete(miner);
      bucket.claimed += part;
      due += part;
    }
    this.claims.push({ miner, due, paid });
  }

  operationsPaid(): void {
    this.operationsOwed = 0n;
  }

  /** The final buckets in which a miner has something left to claim. */
  claimable(miner: string): bigint[] {
    return [...this.buckets.values()].filter((b) => b.isFinal && b.weights.has(miner)).map(({ id }) => id);
  }

  order(orderId: bigint): BookedOrder {
    return entry(this.orders, orderId, "open order");
  }

  account(asset: string): Account {
    return entry(this.accounts, asset, "account of");
  }

  /** The buckets of an asset that are not final, oldest first. */
  waiting(asset: string): BookedBucket[] {
    return [...this.buckets.values()]
      .filter((bucket) => bucket.asset === asset && !bucket.isFinal)
      .sort((a, b) => (a.epoch < b.epoch ? -1 : 1));
  }

  private bucket(id: bigint): BookedBucket {
    return entry(this.buckets, id, "bucket");
  }

  private addWeight(epoch: bigint, asset: string, miner: string, amount: bigint): void {
    const id = bucketId(epoch, asset);
    const bucket = this.buckets.get(id) ?? {
      id,
      epoch,
      asset,
      weight: 0n,
      weights: new Map<string, bigint>(),
      miners: new Set<string>(),
      sold: 0n,
      proceeds: 0n,
      reward: 0n,
      claimed: 0n,
      isFinal: false,
    };
    bucket.weight += amount;
    bucket.weights.set(miner, (bucket.weights.get(miner) ?? 0n) + amount);
    bucket.miners.add(miner);
    this.buckets.set(id, bucket);
  }

  private destroyed(bucket: BookedBucket, sold: bigint, bought: bigint): void {
    const destruction = destroy(this.supply, bought);
    const operations = (destruction.release * this.terms.operationsShare) / BASIS_POINTS;
    const reward = destruction.distributed + destruction.release - operations;
    this.destructions.push({ ...destruction, bucketId: bucket.id, bought, operations, reward });
    this.operationsOwed += operations;
    this.supply = { burned: destruction.burned, released: destruction.released };
    this.bought += bought;

    bucket.sold += sold;
    bucket.proceeds += bought;
    bucket.reward += reward;
    bucket.isFinal = bucket.sold === bucket.weight;
  }
}

function entry<K extends bigint | string, V>(entries: ReadonlyMap<K, V>, key: K, what: string): V {
  const value = entries.get(key);
  if (value === undefined) throw new Error(`The books have no ${what} ${key}`);
  return value;
}

export function sum(amounts: Iterable<bigint>): bigint {
  let total = 0n;
  for (const amount of amounts) total += amount;
  return total;
}
