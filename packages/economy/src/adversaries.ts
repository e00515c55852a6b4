import { min, phase, type Phase } from "@turingfog/sdk";

import type { Bidder, Filler, Weather } from "./bidders.js";
import { type Fill, type Ledger, type Round, TFT } from "./ledger.js";
import type { Pool } from "./pool.js";
import { type Buyer, dollars, type Offer, whole } from "./sale.js";
import type { AdversaryName } from "./scenario.js";

/** Name under which an adversary mines. */
export const ADVERSARY = "adversary";

/** The economy as an adversary finds it. */
export interface Arena {
  readonly day: number;
  /** Dollars that all others pay for the day's compute. */
  readonly revenue: number;
  readonly ledger: Ledger;
  readonly pool: Pool;
  readonly weather: Weather;
  readonly bidders: readonly Bidder[];
  readonly filler: Filler;
  /** Adds what was earned, base units of the asset, and returns its round; undefined if it is nothing. */
  earn(asset: string, at: number, earnings: readonly (readonly [miner: string, amount: bigint])[]): Round | undefined;
}

/** Somebody who attacks an economy. */
export interface Adversary {
  /** TFT that they hold, base units. */
  tft: bigint;
  /** Bidders that they add. */
  readonly buyers: readonly Buyer[];
  /** What they gave up and what came back, in whole TFT, by phase. */
  readonly stakes: readonly Stake[];
  act(world: Arena, at: number): void;
  /** Takes in the reward of a round. */
  receive(reward: bigint, round: Round): void;
}

/** What an adversary gave up and got back, in whole TFT. */
export interface Stake {
  paid: number;
  received: number;
}

/** Keeps an adversary's account; what they do in a day is given. */
class Attacker implements Adversary {
  tft = 0n;
  readonly buyers: Buyer[] = [];
  readonly stakes: readonly Stake[] = [0, 1, 2].map(() => ({ paid: 0, received: 0 }));
  private readonly phases = new Map<Round, Phase>();

  constructor(private readonly plan: (world: Arena, at: number, self: Attacker) => void) {}

  act(world: Arena, at: number): void {
    this.plan(world, at, this);
  }

  /** Earns money that was paid for its own work, and that was worth so many TFT. */
  earn(world: Arena, asset: string, amount: bigint, worth: number, at: number): void {
    const round = world.earn(asset, at, [[ADVERSARY, amount]]);
    if (round === undefined) return;
    const now = phase(world.ledger.supply.burned);
    this.stakes[now].paid += worth;
    this.phases.set(round, now);
  }

  receive(reward: bigint, round: Round): void {
    if (reward === 0n) return;
    this.tft += reward;
    this.stakes[this.phases.get(round) ?? 0].received += whole(reward);
    this.phases.delete(round);
  }
}

/** A bidder of an adversary, who pays a limit for an amount; `count` times, then they stop until they are given more. */
class Decoy implements Buyer {
  count = 0;

  constructor(
    private readonly self: Attacker,
    private readonly bid: (asset: string, remaining: bigint) => Offer | undefined,
  ) {}

  nextLook(at: number): number {
    return at;
  }

  offer(remaining: bigint, _lot: bigint, asset: string): Offer | undefined {
    return this.count > 0 ? this.bid(asset, remaining) : undefined;
  }

  settle({ destroyed }: Fill): void {
    this.count -= 1;
    this.self.tft -= destroyed.bought;
  }
}

/** What the washer and the walker spend in a day, as a part of what all others pay for compute. */
const STAKE = 0.1;
const WALK = 3;
const FAKED_TU = 9;
const FAKED_PRICE = 1e-4;
const DUST_BIDS = 20;
/** Day of a corrupt quorum's coup, and the days of deposits that it takes. */
const COUP = 400;
const DEPOSITS = 7;

type Plan = (world: Arena) => Attacker;

const PLANS: Record<AdversaryName, Plan> = {
  wash: () =>
    new Attacker((world, at, self) => {
      world.pool.sellTFT(self.tft);
      self.tft = 0n;
      const bought = world.pool.sellDollars(dollars(STAKE * world.revenue));
      self.earn(world, TFT, bought, whole(bought), at);
    }),
  faker: () =>
    new Attacker((world, at, self) => {
      const paid = FAKED_TU * FAKED_PRICE * world.revenue;
      self.earn(world, "USDC", dollars(paid), paid * world.pool.price, at);
    }),
  walker: ({ ledger, pool }) => {
    const self = new Attacker((world, at) => {
      const paid = WALK * world.revenue;
      self.earn(world, "DAI", dollars(paid), paid * pool.price, at);
      decoy.count = 1;
    });
    const decoy = new Decoy(self, (asset, remaining) => {
      const limit = whole(ledger.reference(asset)) / 2;
      const affordable = dollars(whole(self.tft) / limit / 1.001);
      const amount = min(remaining, affordable);
      return asset === "DAI" && amount > 0n ? { limit, amount } : undefined;
    });
    self.buyers.push(decoy);
    return self;
  },
  ring: () =>
    new Attacker(({ bidders, filler }) => {
      for (const each of [...bidders, filler]) each.margin = 0.5;
    }),
  dust: ({ weather }) => {
    const self = new Attacker((world) => {
      self.tft += world.pool.sellDollars(dollars(0.01));
      decoy.count = DUST_BIDS;
    });
    const decoy = new Decoy(self, () => ({ limit: weather.market * 1.02, amount: 1n }));
    self.buyers.push(decoy);
    return self;
  },
  quorum: () =>
    new Attacker((world, at, self) => {
      if (world.day !== COUP) return;
      const taken = DEPOSITS * world.revenue;
      self.earn(world, "USDC", dollars(taken), taken * world.pool.price, at);
    }),
};

/** Returns an adversary, ready for the first day of a world. */
export function adversaryOf(name: AdversaryName, world: Arena): Adversary {
  return PLANS[name](world);
}
