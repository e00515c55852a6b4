import { NOMINAL_SUPPLY, RESERVE, supplyOf, TuringFogError, WRITE_OFF_PERIODS } from "@turingfog/sdk";

import { ADVERSARY, type Adversary, adversaryOf } from "./adversaries.js";
import { afterPauses, type Bidder, crowd, Filler, type Weather } from "./bidders.js";
import { ComputeMarket, type Miners } from "./compute.js";
import { Holders } from "./holders.js";
import { Ledger, type Round, TFT } from "./ledger.js";
import { Pool } from "./pool.js";
import { Random } from "./random.js";
import { Records } from "./records.js";
import { DAY, DOLLAR, dollars, sellLots, units, whole } from "./sale.js";
import { ASSETS, checkScenario, type Scenario, type ShockName, YEAR } from "./scenario.js";

/** First second of a run, which is an epoch's first. */
const START = 20_000 * DAY;

const CIRCULATING = whole(NOMINAL_SUPPLY - RESERVE);
/** Times that demand grows before it stays. */
const CEILING = 100;
/** Part of the worth of all that circulates that providers keep in the pool, in dollars. */
const DEPTH = 0.02;
/** Days' lots that the bidders with capital can pay at once, and the part of what they got that they rebalance a day. */
const CAPITAL = 3;
const REBALANCED = 0.5;
/** Dollars that a transaction costs, and times that while fees are high. */
const FEE = 0.5;
const DEAR = 50;
/** Part of what miners hold beyond their costs that they sell in a day. */
const SOLD = 0.05;
const MONTH = 30;

/** Allocations that vest: TFT, the day from which they are paid out, and the day by which all of it is. */
const VESTING = [
  { amount: 200e6, cliff: 365, end: 1_460 },
  { amount: 100e6, cliff: 0, end: 730 },
] as const;

/** Thrown when a run breaks what must always hold: a defect of the rules or of the simulator. */
export class UnsoundError extends TuringFogError {}

/** An economy, lived day by day by the rules of the protocol. */
export class World {
  readonly ledger = new Ledger({ epochLength: BigInt(DAY), auctionPeriod: BigInt(DAY), operationsShare: 1_000n });
  readonly random: Random;
  readonly pool: Pool;
  readonly compute: ComputeMarket;
  readonly holders: Holders;
  readonly bidders: Bidder[];
  readonly filler: Filler;
  readonly weather: Weather = { pauses: [], market: 0, fee: FEE };
  readonly records = new Records();
  readonly adversary?: Adversary;
  day = 0;
  /** Dollars that renters pay for the day's compute. */
  revenue = 0;
  /** TFT that was earned and is not burned yet, and what operations hold; base units. */
  private earnedTFT = 0n;
  private operations = 0n;
  private readonly unclaimed = new Set<Round>();
  /** Days until which the transfers of an asset fail, nobody rents, nobody bids, fees are high. */
  private readonly frozen = new Map<string, number>();
  private drought = 0;
  private asleep = 0;
  private dear = 0;
  /** Dollars of compute that wait for the chain. */
  private backlog = 0;
  private circulating: bigint;

  constructor(readonly scenario: Scenario) {
    checkScenario(scenario);
    const { seed, demand, multiple, bidders, adversary } = scenario;
    this.random = new Random(seed);
    const worth = demand * YEAR * multiple;
    const price = CIRCULATING / worth;
    this.pool = Pool.of(dollars(DEPTH * worth), units(DEPTH * CIRCULATING));
    for (const [asset] of ASSETS) this.ledger.list(asset, 6n, units(price));
    this.compute = new ComputeMarket(demand, 0.72);
    this.holders = new Holders(multiple, demand, this.random);
    this.bidders = crowd(this.pool, this.weather, bidders, demand * price * CAPITAL);
    this.filler = new Filler(this.pool, this.weather, 0.003);
    this.circulating = supplyOf(this.ledger.supply).circulating;
    if (adversary !== undefined) this.adversary = adversaryOf(adversary, this);
  }

  /** Time at which the day begins, in unix seconds. */
  get now(): number {
    return START + this.day * DAY;
  }

  /** Lives a day. */
  step(): void {
    this.strike();
    this.revenue = this.compute.trade(this.demand).revenue;
    this.backlog += this.revenue;
    const from = afterPauses(this.now, this.weather.pauses);
    const rewards = from < this.now + DAY ? this.actOnChain(from) : 0;
    this.compute.adjust(rewards / this.pool.price);
    this.records.paidOut(rewards / this.pool.price, this.revenue, this.ledger.supply.burned);
    this.tradeTFT();
    this.check();
    this.records.endDay(this);
    this.day += 1;
  }

  /** Adds what was earned, base units of the asset, and returns its round; undefined if it is nothing. */
  earn(asset: string, at: number, earnings: readonly (readonly [miner: string, amount: bigint])[]): Round | undefined {
    const some = earnings.filter(([, amount]) => amount > 0n);
    if (some.length === 0) return undefined;
    const round = this.ledger.earn(asset, BigInt(at), some);
    this.unclaimed.add(round);
    if (asset === TFT) for (const [, amount] of some) this.earnedTFT += amount;
    return round;
  }

  /** Returns the TFT of everybody but the holders, base units. */
  heldByOthers(): bigint {
    const { pool, ledger } = this;
    const inPool = (pool.liquidity * pool.sqrtPriceX96) >> 96n;
    const miners = this.compute.miners.reduce((sum, { tft }) => sum + tft, 0n);
    const bidders = this.bidders.reduce((sum, { tft }) => sum + tft, this.filler.tft);
    const held = this.operations + ledger.operationsOwed + ledger.rewardsHeld + this.earnedTFT;
    return inPool + miners + bidders + held + (this.adversary?.tft ?? 0n);
  }

  private get demand(): number {
    if (this.day < this.drought) return 0;
    const { demand, growth } = this.scenario;
    return demand * Math.min(growth ** (this.day / YEAR), CEILING);
  }

  private strike(): void {
    for (const { name, day } of this.scenario.shocks) if (day === this.day) this.blow(name);
    this.weather.market = this.pool.price;
    this.weather.fee = this.day < this.dear ? DEAR * FEE : FEE;
    this.weather.pauses = this.weather.pauses.filter(({ to }) => to > this.now);
  }

  private blow(name: ShockName): void {
    const { day } = this;
    switch (name) {
      case "crash":
        return this.holders.shock(0.1);
      case "rocket":
        return this.holders.shock(100);
      case "drought":
        this.drought = day + YEAR;
        return;
      case "frozen":
        this.frozen.set("USDC", Infinity);
        return;
      case "thaw":
        this.frozen.set("USDC", day + 20);
        return;
      case "outage":
        this.weather.pauses.push({ from: this.now, to: this.now + 5 * DAY });
        return;
      case "asleep":
        this.asleep = day + 7;
        return;
      case "fees":
        this.dear = day + YEAR;
    }
  }

  /** Does what the day brings on the chain, from a time on. Returns the TFT that miners have claimed, whole ones. */
  private actOnChain(from: number): number {
    const claimed = this.claim();
    if (this.ledger.lot(TFT, BigInt(from)) !== undefined) {
      const destroyed = this.ledger.burn(BigInt(from));
      this.earnedTFT -= destroyed.bought;
      this.records.destroyed(destroyed, this.day);
    }
    this.adversary?.act(this, from);
    for (const [asset] of ASSETS) {
      this.writeOff(asset, from);
      if (this.isUsable(asset) && this.day >= this.asleep) this.sell(asset, from);
    }
    this.settle(from);
    if (this.day % MONTH === 0) this.operations += this.ledger.payOperations();
    return claimed;
  }

  private sell(asset: string, from: number): void {
    const buyers = [...this.bidders, this.filler, ...(this.adversary?.buyers ?? [])];
    const sales = sellLots(this.ledger, asset, [from, this.now + DAY], buyers, this.weather.market);
    for (const sale of sales) {
      this.records.destroyed(sale.destroyed, this.day);
      this.records.sale(sale);
    }
  }

  private writeOff(asset: string, at: number): void {
    const lot = this.ledger.lot(asset, BigInt(at));
    if (lot === undefined || BigInt(at) < lot.startedAt + WRITE_OFF_PERIODS * BigInt(DAY)) return;
    this.records.lost += Number(this.ledger.writeOff(asset, BigInt(at))) / Number(DOLLAR);
  }

  /** Settles what renters have paid for the day's compute, and what has waited. */
  private settle(from: number): void {
    const at = Math.min(from + DAY / 2, this.now + DAY - 1);
    const usable = ASSETS.filter(([asset]) => this.isUsable(asset));
    const inTFT = usable.length === 0 ? 1 : this.scenario.tftShare;
    this.share(TFT, this.pool.sellDollars(dollars(this.backlog * inTFT)), at);
    const preferences = usable.reduce((sum, [, preference]) => sum + preference, 0);
    for (const [asset, preference] of usable) {
      this.share(asset, dollars((this.backlog * (1 - inTFT) * preference) / preferences), at);
    }
    this.backlog = 0;
  }

  /** Has the miners earn an amount by their capacities. */
  private share(asset: string, amount: bigint, at: number): void {
    const { miners, capacity } = this.compute;
    const part = (each: Miners) => (amount * BigInt(Math.floor((1e9 * each.capacity) / capacity))) / 10n ** 9n;
    this.earn(
      asset,
      at,
      miners.map((each) => [each.name, part(each)]),
    );
  }

  /** Has everybody claim all that is final. Returns the TFT of the miners, whole ones. */
  private claim(): number {
    let claimed = 0n;
    for (const round of this.unclaimed) {
      if (round.finalAt === undefined) continue;
      for (const miner of this.compute.miners) {
        const share = this.ledger.claim(round, miner.name);
        miner.tft += share;
        claimed += share;
      }
      this.adversary?.receive(this.ledger.claim(round, ADVERSARY), round);
      this.unclaimed.delete(round);
    }
    return whole(claimed);
  }

  /** Lets everybody trade on the market, and providers keep its depth. */
  private tradeTFT(): void {
    const { pool, compute } = this;
    for (const miner of compute.miners) {
      const costs = miner.capacity * miner.cost * pool.price;
      const held = whole(miner.tft);
      const sold = units(Math.min(costs, held) + Math.max(held - costs, 0) * SOLD);
      pool.sellTFT(sold);
      miner.tft -= sold;
    }
    pool.sellTFT(this.operations);
    this.operations = 0n;
    for (const bidder of this.bidders) bidder.rebalance(REBALANCED);
    this.bidders.forEach((bidder) => this.endow(bidder));

    const others = this.heldByOthers();
    const free = this.circulating - others - units(this.locked());
    const circulating = whole(this.circulating);
    this.holders.trade(pool, this.records.bought / pool.price, circulating, free > 0n ? free : 0n);
    pool.deepen((DEPTH * circulating) / pool.price);
  }

  /** Lets a bidder bring capital for lots as large as they are now, or take home what is too much. */
  private endow(bidder: Bidder): void {
    const wanted = (CAPITAL * this.records.dailyLots * this.pool.price) / this.bidders.length;
    bidder.tft += (units(wanted) - bidder.tft) / 10n;
  }

  private locked(): number {
    return VESTING.reduce(
      (sum, { amount, cliff, end }) => sum + (this.day < cliff ? amount : amount * Math.max(1 - this.day / end, 0)),
      0,
    );
  }

  private isUsable(asset: string): boolean {
    return this.day >= (this.frozen.get(asset) ?? 0);
  }

  private check(): void {
    const { circulating } = supplyOf(this.ledger.supply);
    if (circulating > this.circulating) {
      throw new UnsoundError(`On day ${this.day} ${circulating} circulate, more than the ${this.circulating} before`);
    }
    this.circulating = circulating;
    const others = this.heldByOthers();
    if (others > circulating) {
      throw new UnsoundError(`On day ${this.day} ${others} base units are held, and ${circulating} circulate`);
    }
  }
}
