import {
  checkRange,
  claimShare,
  destroy,
  type Destruction,
  epochOf,
  filledAmount,
  GENESIS,
  max,
  nextReference,
  priceAt,
  type SupplyState,
  tftOwed,
  TuringFogError,
  WRITE_OFF_PERIODS,
} from "@turingfog/sdk";

/** The asset of the rounds that are burned as they are. */
export const TFT = "TFT";

const BASIS_POINTS = 10_000n;
/** The highest value of a uint128, the type in which the contracts keep amounts. */
const LARGEST = 2n ** 128n - 1n;

/** Parameters of a deployment. Times in seconds. */
export interface Terms {
  epochLength: bigint;
  auctionPeriod: bigint;
  /** Operations' share of a release, in basis points. */
  operationsShare: bigint;
}

/** Earnings in one asset until they are turned into TFT. Times in unix seconds. */
export interface Round {
  /** Counted from 1. */
  readonly number: number;
  /** Time of the first earning. */
  readonly openedAt: bigint;
  /** Time from which the reward is final; undefined before. */
  finalAt?: bigint;
  /** All that was earned and what of it was sold, in base units of the asset. */
  weight: bigint;
  sold: bigint;
  /** TFT (18 decimals) that was bought back, and the reward of it. */
  proceeds: bigint;
  reward: bigint;
  /** Earnings that are not claimed, by miner. */
  readonly weights: Map<string, bigint>;
}

/** The closed round of an asset, to be sold or burned. */
export interface Lot {
  readonly round: Round;
  /** Time at which the round closed, in unix seconds. */
  readonly startedAt: bigint;
  readonly remaining: bigint;
}

/** A destruction, and how its release and what it left were divided. TFT with 18 decimals. */
export interface Destroyed extends Destruction {
  bought: bigint;
  operations: bigint;
  reward: bigint;
}

/** A fill of a lot. */
export interface Fill {
  /** Base units of the asset. */
  filled: bigint;
  /** TFT (18 decimals) per whole unit of the asset. */
  price: bigint;
  destroyed: Destroyed;
}

/** Thrown when the contracts would refuse an act. */
export class RefusedError extends TuringFogError {}

interface Book {
  readonly wholeUnit: bigint;
  reference: bigint;
  /** The latest three at most: the open one, the closed one, and the one whose end has closed that. */
  readonly rounds: Round[];
}

/**
 * Keeps rounds, lots, supply and rewards by the rules of `BuybackBurnController`, `RewardPool` and `EmissionVault`, to
 * the unit. Times are unix seconds and never go back; amounts are base units.
 */
export class Ledger {
  supply: SupplyState = GENESIS;
  /** TFT that operations have not been paid yet, and TFT of rewards that no miner has claimed, 18 decimals. */
  operationsOwed = 0n;
  rewardsHeld = 0n;
  private readonly books = new Map<string, Book>([[TFT, { wholeUnit: 0n, reference: 0n, rounds: [] }]]);

  constructor(readonly terms: Terms) {}

  /**
   * Lists an asset with its first reference price.
   * @param reference TFT (18 decimals) per whole unit of the asset
   */
  list(asset: string, decimals: bigint, reference: bigint): void {
    this.books.set(asset, { wholeUnit: 10n ** decimals, reference, rounds: [] });
  }

  /** Returns the reference price of an asset: TFT (18 decimals) per whole unit. */
  reference(asset: string): bigint {
    return this.book(asset).reference;
  }

  /**
   * Adds earnings of miners, each at least one base unit, to the open round of an asset, and returns that.
   * @throws RefusedError if the asset is not listed; OutOfRangeError
   */
  earn(asset: string, at: bigint, earnings: readonly (readonly [miner: string, amount: bigint])[]): Round {
    const { rounds } = this.book(asset);
    for (const [, amount] of earnings) checkRange("earnings", amount, 1n, LARGEST);
    let open = rounds.at(-1);
    if (open === undefined || this.hasClosed(rounds, open, at)) {
      open = {
        ...{ number: (open?.number ?? 0) + 1, openedAt: at, weights: new Map<string, bigint>() },
        ...{ weight: 0n, sold: 0n, proceeds: 0n, reward: 0n },
      };
      rounds.push(open);
      if (rounds.length > 3) rounds.shift();
    }
    for (const [miner, amount] of earnings) {
      open.weight += amount;
      open.weights.set(miner, (open.weights.get(miner) ?? 0n) + amount);
    }
    return open;
  }

  /** Returns the closed round of an asset that is not final; undefined if there is none. */
  lot(asset: string, at: bigint): Lot | undefined {
    const { rounds } = this.book(asset);
    const round = rounds.find(({ finalAt }) => finalAt === undefined);
    if (round === undefined || !this.hasClosed(rounds, round, at)) return undefined;
    return { round, startedAt: this.closingOf(rounds, round) as bigint, remaining: round.weight - round.sold };
  }

  /**
   * Burns the closed TFT round.
   * @throws RefusedError if there is none
   */
  burn(at: bigint): Destroyed {
    const { round } = this.existingLot(TFT, at);
    return this.destroy(round, round.weight, round.weight, at);
  }

  /**
   * Fills a bid on the lot of an asset.
   * @param amount base units of the asset, at least 1
   * @throws RefusedError if there is no lot; OutOfRangeError
   */
  buy(asset: string, amount: bigint, at: bigint): Fill {
    checkRange("amount", amount, 1n, LARGEST);
    const { round, startedAt, remaining } = this.existingLot(asset, at);
    const book = this.book(asset);
    const price = priceAt(book.reference, at - startedAt, this.terms.auctionPeriod);
    const filled = filledAmount(amount, remaining, round.weight);
    const destroyed = this.destroy(round, filled, tftOwed(filled, price, book.wholeUnit), at);
    if (round.finalAt !== undefined) {
      book.reference = nextReference(book.reference, round.proceeds, round.weight, book.wholeUnit);
    }
    return { filled, price, destroyed };
  }

  /**
   * Gives up what is left of an old lot. Returns the base units that are lost.
   * @throws RefusedError if there is no lot, or it is younger than 30 periods
   */
  writeOff(asset: string, at: bigint): bigint {
    const { round, startedAt, remaining } = this.existingLot(asset, at);
    const from = startedAt + WRITE_OFF_PERIODS * this.terms.auctionPeriod;
    if (at < from) throw new RefusedError(`The lot of ${asset} can be written off from ${from} on, and it is ${at}`);
    round.finalAt = at;
    return remaining;
  }

  /** Pays a miner's share of a final round and returns it; 0 if the round is not final or nothing is left to claim. */
  claim(round: Round, miner: string): bigint {
    if (round.finalAt === undefined) return 0n;
    const share = claimShare(round.reward, round.weights.get(miner) ?? 0n, round.weight);
    round.weights.delete(miner);
    this.rewardsHeld -= share;
    return share;
  }

  /** Pays operations what they are owed, and returns it. */
  payOperations(): bigint {
    const owed = this.operationsOwed;
    this.operationsOwed = 0n;
    return owed;
  }

  /** Returns the rounds of an asset that are not final. */
  unfinished(asset: string): readonly Round[] {
    return this.book(asset).rounds.filter(({ finalAt }) => finalAt === undefined);
  }

  private destroy(round: Round, sold: bigint, bought: bigint, at: bigint): Destroyed {
    const destruction = destroy(this.supply, bought);
    const operations = (destruction.release * this.terms.operationsShare) / BASIS_POINTS;
    const reward = destruction.distributed + destruction.release - operations;
    this.supply = { burned: destruction.burned, released: destruction.released };
    this.operationsOwed += operations;
    this.rewardsHeld += reward;
    round.sold += sold;
    round.proceeds += bought;
    round.reward += reward;
    if (round.sold === round.weight) round.finalAt = at;
    return { ...destruction, bought, operations, reward };
  }

  private existingLot(asset: string, at: bigint): Lot {
    const lot = this.lot(asset, at);
    if (lot === undefined) throw new RefusedError(`${asset} has no closed round at ${at}`);
    return lot;
  }

  private book(asset: string): Book {
    const book = this.books.get(asset);
    if (book === undefined) throw new RefusedError(`${asset} is not listed`);
    return book;
  }

  private hasClosed(rounds: readonly Round[], round: Round, at: bigint): boolean {
    const closing = this.closingOf(rounds, round);
    return closing !== undefined && closing <= at;
  }

  /** Returns when a round closes: its epoch has ended and the round before it is final. Undefined while that is not. */
  private closingOf(rounds: readonly Round[], round: Round): bigint | undefined {
    const { epochLength } = this.terms;
    const epochEnd = (epochOf(round.openedAt, epochLength) + 1n) * epochLength;
    const before = rounds.find(({ number }) => number === round.number - 1);
    if (before === undefined) return epochEnd;
    return before.finalAt === undefined ? undefined : max(epochEnd, before.finalAt);
  }
}
