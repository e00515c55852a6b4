import { bucketId, claimShare, decodeBucketId, destroy, GENESIS, type SupplyState } from "@turingfog/sdk";
import { zeroAddress } from "viem";

const BASIS_POINTS = 10_000n;

/** An event of the index: numbers among the arguments are decimal strings, addresses are in lower case. */
export interface IndexedEvent {
  id: string;
  contract: string;
  name: string;
  args: Record<string, unknown>;
  transaction: string;
}

/** A bucket as its events make it. Amounts are base units of its asset, and TFT with 18 decimals. */
export class Bucket {
  /** How often it was opened. */
  opened = 0;
  /** By miner, claimed or not. */
  readonly weights = new Map<string, bigint>();
  readonly claims = new Map<string, bigint>();
  /** All weight that the pool has added. */
  added = 0n;
  reward = 0n;
  isFinal = false;
  /** Sold, burned or written off, of the asset. */
  gone = 0n;
  /** TFT that fills have paid, or that were burned as they are; and TFT that destructions say were bought. */
  paid = 0n;
  bought = 0n;
  /** Reward by the supply schedule. */
  due = 0n;

  constructor(
    readonly round: bigint,
    readonly asset: string,
  ) {}

  /** Sum of all miners' weights. */
  get weight(): bigint {
    return sum(this.weights.values());
  }

  get claimed(): bigint {
    return sum(this.claims.values());
  }
}

/** A claim whose parts, by the rule, are not what was paid. */
export interface WrongClaim {
  miner: string;
  transaction: string;
  /** The buckets asked for. */
  buckets: bigint[];
  due: bigint;
  paid: bigint;
}

/**
 * The protocol's accounts as its events make them, and by the SDK's rules where an event only says what was done: what a
 * destruction burns, releases and rewards, and what a claim is paid.
 */
export class Ledger {
  readonly buckets = new Map<bigint, Bucket>();
  /** What the escrow owes, and its open orders, by asset. */
  readonly liabilities = new Map<string, bigint>();
  readonly openOrders = new Map<string, bigint>();
  /** TFT by account; zero has less than none, which is the total supply. */
  readonly balances = new Map<string, bigint>();
  readonly wrongClaims: WrongClaim[] = [];
  /** By the schedule, from what was bought alone. */
  supply: SupplyState = GENESIS;
  /** What the vault says it has released. */
  released = 0n;
  operationsOwed = 0n;
  events = 0;

  private operationsShare = 0n;
  private readonly assets = new Map<bigint, string>();
  /** What was settled since the pool last added a weight. */
  private settled: { transaction: string; asset: string; payout: string; earned: bigint }[] = [];

  constructor(private readonly tft: string) {}

  get totalSupply(): bigint {
    return -(this.balances.get(zeroAddress) ?? 0n);
  }

  /** Enters the next event of the chain. Those that move nothing are passed over. */
  enter(event: IndexedEvent): void {
    ++this.events;
    this.entries[`${event.contract}:${event.name}`]?.(reader(event.args), event);
  }

  private readonly entries: Record<string, (args: Args, event: IndexedEvent) => void> = {
    "tft:Transfer": (args) => {
      add(this.balances, args.address("from"), -args.number("value"));
      add(this.balances, args.address("to"), args.number("value"));
    },
    "escrow:OrderOpened": (args) => {
      this.assets.set(args.number("orderId"), args.address("asset"));
      add(this.liabilities, args.address("asset"), args.number("deposit"));
      add(this.openOrders, args.address("asset"), 1n);
    },
    "escrow:ReceiptSettled": (args, event) => this.settle(args, event),
    "escrow:AcknowledgementSettled": (args, event) => this.settle(args, event),
    "escrow:OrderClosed": (args) => {
      const asset = this.assets.get(args.number("orderId"));
      if (asset === undefined) return;
      add(this.liabilities, asset, -args.number("refund"));
      add(this.openOrders, asset, -1n);
    },
    "pool:RoundOpened": (args) => void ++this.bucket(args).opened,
    "pool:WeightAdded": (args, event) => this.addWeight(args, event),
    "pool:RewardAdded": (args) => {
      const bucket = this.bucket(args);
      bucket.reward += args.number("reward");
      bucket.isFinal ||= args.flag("isFinal");
    },
    "pool:Claimed": (args, event) => this.claim(args, event),
    "controller:LotFilled": (args) => {
      const bucket = this.bucketOf(args.number("round"), args.address("asset"));
      bucket.gone += args.number("amount");
      bucket.paid += args.number("tftPaid");
    },
    "controller:LotWrittenOff": (args) => {
      this.bucketOf(args.number("round"), args.address("asset")).gone += args.number("amount");
    },
    "controller:Destroyed": (args) => this.destroy(args),
    "vault:Released": (args) => {
      this.released += args.number("amount");
      this.operationsOwed += args.number("operations");
    },
    "vault:OperationsPaid": (args) => void (this.operationsOwed -= args.number("amount")),
    "vault:OperationsSet": (args) => void (this.operationsShare = args.number("newShare")),
  };

  private settle(args: Args, { transaction }: IndexedEvent): void {
    const earned = args.number("earned");
    const asset = this.assets.get(args.number("orderId"));
    if (asset === undefined) return;
    add(this.liabilities, asset, -earned);
    this.settled.push({ transaction, asset, payout: args.address("payout"), earned });
  }

  /** One call settles receipts of one asset, and then adds the weights of all of them. */
  private addWeight(args: Args, { transaction }: IndexedEvent): void {
    const bucket = this.bucket(args);
    bucket.added += args.number("weight");
    for (const settled of this.settled) {
      const isOfCall = settled.transaction === transaction && settled.asset === bucket.asset;
      if (isOfCall && settled.earned !== 0n) add(bucket.weights, settled.payout, settled.earned);
    }
    this.settled = [];
  }

  private destroy(args: Args): void {
    const bucket = this.bucket(args);
    const bought = args.number("bought");
    const { burned, released, release, distributed } = destroy(this.supply, bought);
    this.supply = { burned, released };
    bucket.bought += bought;
    bucket.due += distributed + release - (release * this.operationsShare) / BASIS_POINTS;
    // TFT are burned as they are
    if (bucket.asset !== this.tft) return;
    bucket.gone += bought;
    bucket.paid += bought;
  }

  /** A bucket that is not final, unknown or claimed already pays nothing. */
  private claim(args: Args, { transaction }: IndexedEvent): void {
    const miner = args.address("miner");
    const buckets = args.numbers("ids");
    let due = 0n;
    for (const id of buckets) {
      const bucket = this.buckets.get(id);
      const weight = bucket?.weights.get(miner);
      if (bucket === undefined || weight === undefined || !bucket.isFinal || bucket.claims.has(miner)) continue;
      const part = claimShare(bucket.reward, weight, bucket.weight);
      bucket.claims.set(miner, part);
      due += part;
    }
    const paid = args.number("amount");
    if (due !== paid) this.wrongClaims.push({ miner, transaction, buckets, due, paid });
  }

  private bucket(args: Args): Bucket {
    const { round, asset } = decodeBucketId(args.number("bucketId"));
    return this.bucketOf(round, asset.toLowerCase());
  }

  private bucketOf(round: bigint, asset: string): Bucket {
    const id = bucketId(round, asset);
    const bucket = this.buckets.get(id) ?? new Bucket(round, asset);
    this.buckets.set(id, bucket);
    return bucket;
  }
}

interface Args {
  number(name: string): bigint;
  numbers(name: string): bigint[];
  address(name: string): string;
  flag(name: string): boolean;
}

function reader(args: Record<string, unknown>): Args {
  return {
    number: (name) => BigInt(args[name] as string),
    numbers: (name) => (args[name] as string[]).map(BigInt),
    address: (name) => (args[name] as string).toLowerCase(),
    flag: (name) => args[name] as boolean,
  };
}

function add(amounts: Map<string, bigint>, key: string, amount: bigint): void {
  amounts.set(key, (amounts.get(key) ?? 0n) + amount);
}

function sum(amounts: Iterable<bigint>): bigint {
  let total = 0n;
  for (const amount of amounts) total += amount;
  return total;
}
