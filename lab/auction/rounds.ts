import type { Version } from "./versions";

/** Earnings in an asset until they are sold; times in seconds. */
export interface Round {
  readonly firstEarnedAt: number;
  /** Base units of the asset. */
  amount: bigint;
  remaining: bigint;
  /** TFT that it brought so far, and what the parts sold were worth on the market at the time. */
  proceeds: bigint;
  worth: bigint;
  finishedAt?: number;
}

/** The rounds of one asset, and its reference price. */
export class Rounds {
  /** All rounds, by number. */
  readonly all: Round[] = [];
  private oldest = 0;

  constructor(
    private readonly version: Version,
    private readonly wholeUnit: bigint,
    public reference: bigint,
  ) {}

  /** Adds what is earned to the open round, or to the next one if that has closed. */
  earn(at: number, amount: bigint): void {
    if (this.all.length === 0 || this.closesAt(this.all.length - 1) <= at) {
      this.all.push({ firstEarnedAt: at, amount: 0n, remaining: 0n, proceeds: 0n, worth: 0n });
    }
    const open = this.all[this.all.length - 1];
    open.amount += amount;
    open.remaining += amount;
  }

  /** Returns the round that is sold next and the time at which its clock starts, if there is one. */
  next(): { round: Round; startsAt: number } | undefined {
    if (this.oldest >= this.all.length) return undefined;
    return { round: this.all[this.oldest], startsAt: this.startsAt(this.oldest) };
  }

  /** Sells a part of the round on sale, and moves the reference if that was its last. */
  sell(at: number, filled: bigint, owed: bigint, worth: bigint): void {
    const round = this.all[this.oldest];
    round.remaining -= filled;
    round.proceeds += owed;
    round.worth += worth;
    if (round.remaining > 0n) return;
    round.finishedAt = at;
    this.reference = this.version.nextReference(this.reference, round.proceeds, round.amount, this.wholeUnit);
    ++this.oldest;
  }

  /** Returns when a round takes no more earnings: in version 1 at its epoch's end, even if a round before it is unfinished. */
  closesAt(index: number): number {
    return this.version.gathers ? this.startsAt(index) : this.epochEndOf(index);
  }

  /** Returns when a round's clock starts: its epoch has ended and the round before it is finished. */
  startsAt(index: number): number {
    const before = index === 0 ? 0 : (this.all[index - 1].finishedAt ?? Infinity);
    return Math.max(this.epochEndOf(index), before);
  }

  private epochEndOf(index: number): number {
    const { epoch } = this.version.timing;
    return (Math.floor(this.all[index].firstEarnedAt / epoch) + 1) * epoch;
  }
}

/** Returns how many rounds were begun and not finished at a time. */
export function unfinishedAt(rounds: readonly Round[], at: number): number {
  return rounds.filter(({ firstEarnedAt, finishedAt }) => firstEarnedAt <= at && (finishedAt ?? Infinity) > at).length;
}

/** Returns the most rounds that were begun and not finished at one time. */
export function mostUnfinished(rounds: readonly Round[]): number {
  const changes = rounds.flatMap(({ firstEarnedAt, finishedAt }) => [
    { at: firstEarnedAt, by: 1 },
    ...(finishedAt === undefined ? [] : [{ at: finishedAt, by: -1 }]),
  ]);
  // a round that ends in the second in which another begins is not counted beside it
  changes.sort((a, b) => a.at - b.at || a.by - b.by);
  let count = 0;
  let most = 0;
  for (const { by } of changes) {
    count += by;
    most = Math.max(most, count);
  }
  return most;
}
