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
const FOREVER = 2n ** 64n;

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

/** Terms with which an order was opened. */
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

/** Income of an asset, and where it went. */
export interface Account {
  paidIn: bigint;
  earned: bigint;
  refunded: bigint;
}

/** Earnings in one round of an asset. */
export interface BookedBucket {
  id: bigint;
  round: bigint;
  asset: string;
  /** When the round's first weight came in, and when its reward became final. */
  openedAt: bigint;
  finalAt?: bigint;
  weight: bigint;
  /** By miner; a claim takes the miner's out. */
  weights: Map<string, bigint>;
  /** Ever. */
  miners: Set<string>;
  /** Base units of the asset turned into TFT and destroyed, and the TFT that they brought. */
  sold: bigint;
  proceeds: bigint;
  reward: bigint;
  claimed: bigint;
}

/** Values that a `Destroyed` event must have, and the split of the amount. */
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

/** A closed round that is not final: what can be burned or sold. */
export interface BookedLot {
  bucket: BookedBucket;
  closedAt: bigint;
}

interface BookedAuction {
  wholeUnit: bigint;
  referencePrice: bigint;
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
  /** The buckets of each asset, by round. */
  private readonly rounds = new Map<string, BookedBucket[]>();

  constructor(
    private readonly terms: Terms,
    readonly tft: string,
  ) {
    this.listed(tft);
  }

  list(asset: string, decimals: bigint, referencePrice: bigint): void {
    this.listed(asset);
    this.auctions.set(asset, { wholeUnit: 10n ** decimals, referencePrice });
  }

  /**
   * A renewal before the attestation in force runs out keeps its start.
   * @param from from when one counts that renews none
   */
  attested(nodeId: bigint, payout: string, rate: bigint, at: bigint, from: bigint, until: bigint): void {
    const before = this.nodes.get(nodeId);
    const attestedFrom = before !== undefined && before.attestedUntil >= at ? before.attestedFrom : from;
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
      if (earned !== 0n) this.addWeight(asset, node.payout, earned, at);
    }
  }

  closed(orderId: bigint, refunded: bigint): void {
    const order = this.order(orderId);
    this.account(order.asset).refunded += refunded;
    this.orders.delete(orderId);
  }

  /** The closed TFT round, destroyed as it is. */
  burned(at: bigint): void {
    const { bucket } = this.lot(this.tft, at);
    this.destroyed(bucket, bucket.weight, bucket.weight, at);
  }

  /** A fill of the lot of `asset` that is for sale. */
  bidFor(asset: string, amount: bigint, at: bigint): void {
    const { bucket, closedAt } = this.lot(asset, at);
    const auction = this.auction(asset);
    const price = priceAt(auction.referencePrice, at - closedAt, this.terms.auctionPeriod);
    const filled = filledAmount(amount, bucket.weight - bucket.sold, bucket.weight);
    this.destroyed(bucket, filled, tftOwed(filled, price, auction.wholeUnit), at);
    if (bucket.finalAt === undefined) return;

    auction.referencePrice = nextReference(auction.referencePrice, bucket.proceeds, bucket.weight, auction.wholeUnit);
  }

  /** The closed round of an asset that is not final, if there is one. */
  closedRound(asset: string, at: bigint): BookedLot | undefined {
    const bucket = this.roundsOf(asset).find(({ finalAt }) => finalAt === undefined);
    if (bucket === undefined) return undefined;
    const closedAt = this.closesAt(bucket);
    return closedAt <= at ? { bucket, closedAt } : undefined;
  }

  referencePrice(asset: string): bigint {
    return this.auction(asset).referencePrice;
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
    return [...this.buckets.values()]
      .filter((b) => b.finalAt !== undefined && b.weights.has(miner))
      .map(({ id }) => id);
  }

  order(orderId: bigint): BookedOrder {
    return entry(this.orders, orderId, "open order");
  }

  account(asset: string): Account {
    return entry(this.accounts, asset, "account of");
  }

  private listed(asset: string): void {
    this.accounts.set(asset, { paidIn: 0n, earned: 0n, refunded: 0n });
    this.rounds.set(asset, []);
  }

  private lot(asset: string, at: bigint): BookedLot {
    const lot = this.closedRound(asset, at);
    if (lot === undefined) throw new Error(`The books have no lot of ${asset}`);
    return lot;
  }

  private auction(asset: string): BookedAuction {
    return entry(this.auctions, asset, "auction of");
  }

  private roundsOf(asset: string): BookedBucket[] {
    return entry(this.rounds, asset, "rounds of");
  }

  private bucket(id: bigint): BookedBucket {
    return entry(this.buckets, id, "bucket");
  }

  /** A round closes when the epoch of its first weight has ended and the round before it is final. */
  private closesAt({ asset, round, openedAt }: BookedBucket): bigint {
    const { epochLength } = this.terms;
    const epochEnd = (epochOf(openedAt, epochLength) + 1n) * epochLength;
    // rounds count from 1
    const before = this.roundsOf(asset).at(Number(round) - 2);
    if (round === 1n || before === undefined) return epochEnd;
    return before.finalAt === undefined ? FOREVER : max(epochEnd, before.finalAt);
  }

  private addWeight(asset: string, miner: string, amount: bigint, at: bigint): void {
    const bucket = this.openRound(asset, at);
    bucket.weight += amount;
    bucket.weights.set(miner, (bucket.weights.get(miner) ?? 0n) + amount);
    bucket.miners.add(miner);
  }

  private openRound(asset: string, at: bigint): BookedBucket {
    const rounds = this.roundsOf(asset);
    const latest = rounds.at(-1);
    if (latest !== undefined && latest.finalAt === undefined && this.closesAt(latest) > at) return latest;

    const round = BigInt(rounds.length) + 1n;
    const id = bucketId(round, asset);
    const bucket = {
      ...{ id, round, asset, openedAt: at },
      weight: 0n,
      weights: new Map<string, bigint>(),
      miners: new Set<string>(),
      sold: 0n,
      proceeds: 0n,
      reward: 0n,
      claimed: 0n,
    };
    rounds.push(bucket);
    this.buckets.set(id, bucket);
    return bucket;
  }

  private destroyed(bucket: BookedBucket, sold: bigint, bought: bigint, at: bigint): void {
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
    if (bucket.sold === bucket.weight) bucket.finalAt = at;
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
