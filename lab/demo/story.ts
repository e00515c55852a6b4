import { time } from "@nomicfoundation/hardhat-network-helpers";
import { formatUnits } from "ethers";

import {
  ceilDiv,
  DAY,
  decodeOrderId,
  depositOf,
  epochOf,
  HOUR,
  max,
  min,
  MINUTE,
  Phase,
  type Supply,
  TU,
  tuOf,
  TuringFogError,
  WAD as TFT,
} from "@turingfog/sdk";
import type { Token } from "../../test/helpers/uniswap";
import { type Batch, Economy, type Rental } from "./economy";
import { Fleet, type Job, type Node } from "./fleet";
import type { Random } from "@turingfog/economy";
import { createWorld } from "./world";

/** The state of the economy at the end of a day or of a month. */
export interface Row {
  /** The current epoch, and the time in unix seconds. */
  epoch: bigint;
  at: bigint;
  supply: Supply;
  /** TFT bought back since genesis. */
  bought: bigint;
  /** Dollars for a whole TFT on the market, 18 decimals. */
  price: bigint;
  /** Since the row before: orders opened, TFT claimed. */
  orders: number;
  claimed: bigint;
}

/** Is told what happens as it happens. */
export interface Listener {
  note(text: string): void;
  row(row: Row): void;
}

/** The supply did not reach its floor in the time given. */
export class UnfinishedError extends TuringFogError {
  constructor(months: number, burned: bigint) {
    super(`After ${months} months ${burned} base units are burned, and burning has not ended`);
  }
}

const USD = 10n ** 6n;

/** The models of the published table, and how many GPUs the first nodes have of each. */
const MODELS: readonly [gpuModel: string, gpuCount: bigint][] = [
  ["GTX 1080 Ti", 8n],
  ["Titan XP", 4n],
  ["V100", 8n],
  ["Titan V", 4n],
  ["Titan RTX", 4n],
  ["RTX 2080", 6n],
  ["RTX 2080 Ti", 8n],
];

/** Dollars for a TU as long as there are enough of them: 10 cents for an hour of a GTX 1080 Ti. */
const UNIT_PRICE = (24n * USD) / 10n;

const MONTH = 30n * DAY;
const MONTHLY_DURATION = 25n * DAY;
const MAX_MONTHS = 120;

/** Data centres that join after the first days: nodes of each model, GPUs of each node. */
const LARGE_NODES = 2;
const LARGE_NODE_GPUS = 1_024n;

/**
 * What renters who pay in TFT, and as much again what those who pay in dollars, take of the market in a month, in basis
 * points of its depth: in the first months, and in all others.
 */
const FIRST_DEMAND = [100n, 300n, 600n];
const DEMAND = 1_500n;
const BASIS_POINTS = 10_000n;

/** The most that the treasury sells in a month. */
const TREASURY_SALES = 3_000_000n * TFT;

/** The life of the token: ten days at human scale, months until burning has ended, and one more. */
export class Story {
  /** So far. */
  readonly rows: Row[] = [];
  private readonly fleet: Fleet;
  private readonly batches: Batch[] = [];

  private constructor(
    readonly economy: Economy,
    private readonly random: Random,
    private readonly listener: Listener,
    /** Midnight of the day that comes next. */
    private nextDay: bigint,
  ) {
    this.fleet = new Fleet(economy);
  }

  /** At genesis. */
  static async begin(random: Random, listener: Listener): Promise<Story> {
    const economy = await Economy.start(await createWorld(), random);
    // the day after tomorrow: what is attested at genesis counts by then
    const nextDay = (BigInt(await time.latest()) / DAY + 2n) * DAY;
    listener.note("Genesis: 650,000,000 TFT in circulation, 350,000,000 in reserve; a Uniswap v3 pool of TFT and USD");
    return new Story(economy, random, listener, nextDay);
  }

  /** All of it. */
  async live(): Promise<void> {
    await this.tenDays();
    await this.months();
    await this.maturity();
  }

  /* TEN DAYS */

  async tenDays(): Promise<void> {
    const { alice, bob, gateway } = this.economy.world.actors;
    const { contracts, usd } = this.economy.world;

    for (const [gpuModel, gpuCount] of MODELS) await this.fleet.join(gpuModel, gpuCount, UNIT_PRICE);
    this.note("Seven nodes, one of each published GPU model, join; three of four oracle signers attest them");

    await this.day(async () => {
      await this.rentWithTFT("RTX 2080 Ti", 40n * USD, 2n);
      await this.rentWithDollars("Titan V", { payer: bob, withPermit: true }, 10n, 2n);
    });

    await this.day(async () => {
      const byCard = { payer: gateway, renter: gateway, refundTo: gateway, checkout: "cs_demo_1" };
      await this.rentWithDollars("V100", byCard, 40n, 3n, 90n);
      this.note("Carol pays by card: the gateway opened that order for her, holds it, and gets the refund");
    });

    await this.day(async () => {
      const tft = await this.economy.buyTFT(alice, this.random.vary(150n * USD));
      const unitPrice = await this.inTFT(UNIT_PRICE);
      const tuAmount = (tft * TU) / unitPrice;
      await this.rent({ payer: alice, token: contracts.tft, nodeId: 0n, tuAmount, unitPrice, duration: 3n * DAY });
    });

    const stopped = await this.day(async () => {
      return this.rentWithDollars("GTX 1080 Ti", { payer: bob, withPermit: true }, 30n, 4n);
    });

    await this.day(async () => {
      const { orderId } = await this.rentWithDollars("Titan RTX", { payer: bob, withPermit: true }, 15n, 3n, 80n);
      await contracts.escrow.connect(bob).transferFrom(bob, alice, orderId);
      await this.economy.receiveDollars(alice, 30n * USD);
      await usd.connect(alice).transfer(bob, 30n * USD);
      this.note("Bob sells that order to Alice over the counter, for 30 USD");
    });

    const latecomer = this.fleet.nodeWith("V100");
    await this.day(async () => {
      await this.fleet.stop(bob, stopped, this.nextDay + 9n * HOUR);
      this.note(`Bob stops order ${this.label(stopped.orderId, usd)} halfway; the grace of three days begins`);
      await this.rentWithTFT("RTX 2080", 10n * USD, 1n);
    }, latecomer);

    await this.day(async () => {
      const batch = this.batches[4];
      await this.economy.settle(batch, latecomer.owner, receiptsBy(latecomer, batch));
      this.note("The V100's last receipt was left out yesterday; its miner settles it alone, a day late");
      await this.rentWithTFT("Titan XP", 8n * USD, 1n);
    });

    for (let i = 0; i < 3; ++i) {
      await this.day(async () => {
        await this.rentWithTFT("V100", 30n * USD, 1n);
        await this.rentWithDollars("RTX 2080 Ti", { payer: bob, withPermit: true }, 10n, 1n);
      });
    }
  }

  /**
   * A day: last night's receipts are settled, the closed rounds destroyed and claimed, orders opened, and at night
   * the oracle measures what was done.
   * @param latecomer whose receipts the keeper leaves out
   */
  private async day<T>(happenings: () => Promise<T>, latecomer?: Node): Promise<T> {
    const { economy, fleet, nextDay: today } = this;
    const { keeper, miners } = economy.world.actors;

    await economy.until(today + MINUTE);
    await economy.burnRounds();

    await economy.until(today + 6n * HOUR);
    const batch = this.batches.at(-1);
    if (batch !== undefined) {
      const receipts = batch.tree.receipts.filter(({ nodeId }) => nodeId !== latecomer?.nodeId);
      await economy.settle(batch, keeper, receipts);
    }
    await economy.claimRewards();
    await economy.sellTFT(miners, 50n);

    await economy.until(today + 9n * HOUR);
    const result = await happenings();

    await economy.fillLots(today + 22n * HOUR);
    await economy.claimRewards();
    for (const { orderId, token, refund } of await economy.closeOrders()) {
      const rest = refund === 0n ? "" : `, ${this.amount(token, refund)} go back`;
      this.note(`Order ${this.label(orderId, token)} is closed${rest}`);
    }

    await economy.until(today + 23n * HOUR);
    this.batches.push(await fleet.measure());

    this.nextDay += DAY;
    await this.endRow();
    return result;
  }

  /** Alice buys TFT on the market and rents a node with all of them. */
  private async rentWithTFT(gpuModel: string, dollars: bigint, days: bigint): Promise<void> {
    const { economy } = this;
    const { contracts, actors } = economy.world;
    const { nodeId, owner } = this.fleet.nodeWith(gpuModel);
    const tft = await economy.buyTFT(actors.alice, this.random.vary(dollars));
    const unitPrice = await this.inTFT(UNIT_PRICE);
    await economy.offer(owner, nodeId, contracts.tft, unitPrice);
    const tuAmount = (tft * TU) / unitPrice;
    await this.rent({ payer: actors.alice, token: contracts.tft, nodeId, tuAmount, unitPrice, duration: days * DAY });
  }

  private async rentWithDollars(
    gpuModel: string,
    terms: Pick<Rental, "payer" | "renter" | "refundTo" | "checkout" | "withPermit">,
    wholeTU: bigint,
    days: bigint,
    percent?: bigint,
  ): Promise<Job> {
    const { economy, fleet } = this;
    const node = fleet.nodeWith(gpuModel);
    const duration = days * DAY;
    const tuAmount = min(this.random.vary(wholeTU * TU), tuOf(duration, node.rate));
    await economy.receiveDollars(terms.payer, depositOf(tuAmount, UNIT_PRICE));
    const rental = {
      ...terms,
      token: economy.world.usd,
      nodeId: node.nodeId,
      tuAmount,
      unitPrice: UNIT_PRICE,
      duration,
    };
    return this.rent(rental, percent);
  }

  private async rent(rental: Rental, percent?: bigint): Promise<Job> {
    const job = await this.fleet.rent(rental, this.nextDay + 9n * HOUR, percent);
    const { orderId, workers } = job;
    const { token, tuAmount, unitPrice, duration, withPermit = false } = rental;
    const where = rental.nodeId === 0n ? `${workers.length} nodes together` : workers[0].gpuModel;
    const tu = Number(formatUnits(tuAmount)).toFixed(1);
    const price = this.amount(token, depositOf(tuAmount, unitPrice));
    const days = duration === DAY ? "a day" : `${duration / DAY} days`;
    const how = withPermit ? ", by permit" : "";
    this.note(`Order ${this.label(orderId, token)}: ${tu} TU in ${days} from ${where}, for ${price}${how}`);
    return job;
  }

  /* MONTHS */

  /** @param most stops after so many of them, if burning has not ended before */
  async months(most = Infinity): Promise<void> {
    for (let month = 0; month < most && this.economy.auditor.supply.phase !== Phase.Mature; ++month) {
      if (month === MAX_MONTHS) throw new UnfinishedError(month, this.economy.auditor.supply.burned);
      await this.month(month, FIRST_DEMAND.at(month) ?? DEMAND);
    }
  }

  /** Burning has ended: one more month. */
  async maturity(): Promise<void> {
    await this.month(this.rows.length, DEMAND);
  }

  /** A month: holders sell, renters rent for 25 days, and what was done is measured, settled, destroyed and claimed. */
  private async month(index: number, demand: bigint): Promise<void> {
    const { economy, fleet, nextDay: first } = this;
    const { actors } = economy.world;

    if (index === 0) await this.growFleet();
    await economy.until(first + 6n * HOUR);
    await this.sellHoldings(first + 7n * HOUR);
    await fleet.renewAttestations(first + MONTH + DAY); // before the next ones, so that none lapses

    await economy.until(first + 9n * HOUR);
    await this.rentForAMonth(index, demand);

    const last = first + MONTHLY_DURATION;
    await economy.until(last + 10n * HOUR);
    const batch = await fleet.measure();
    await economy.until(last + 17n * HOUR);
    await economy.settle(batch, actors.keeper);
    await economy.closeOrders();

    await economy.until(last + DAY + MINUTE);
    await economy.burnRounds();
    await economy.fillLots(first + MONTH - DAY);
    await economy.claimRewards();
    await economy.sellTFT(actors.miners, 90n);

    this.nextDay += MONTH;
    await this.endRow();
  }

  private async growFleet(): Promise<void> {
    for (const [gpuModel] of MODELS) {
      for (let i = 0; i < LARGE_NODES; ++i) await this.fleet.join(gpuModel, LARGE_NODE_GPUS, UNIT_PRICE);
    }
    const count = MODELS.length * LARGE_NODES;
    this.note(`${count} data centres of ${LARGE_NODE_GPUS} GPUs join; from now on a row is a month, and volume rises`);
  }

  private async sellHoldings(at: bigint): Promise<void> {
    const { economy } = this;
    const { treasury, operations, beneficiaries } = economy.world.actors;
    await economy.releaseVested(at);
    await economy.sellTFT(beneficiaries, 90n);
    await economy.payOperations();
    await economy.sellTFT([operations], 100n);
    await economy.sellTFT([treasury], 100n, this.random.vary(TREASURY_SALES));
  }

  private async rentForAMonth(index: number, demand: bigint): Promise<void> {
    const { economy, fleet } = this;
    const { usd, contracts, market, actors } = economy.world;
    const duration = MONTHLY_DURATION;

    // these dollars buy that part of the market's TFT
    const reserves = await market.reserves();
    const dollars = () => this.random.vary((reserves.usd * demand) / (BASIS_POINTS - demand));
    const [forTFT, inDollars] = [dollars(), dollars()];

    // compute gets dearer when there is not enough of it
    const unitPrice = max(UNIT_PRICE, ceilDiv((forTFT + inDollars) * TU, tuOf(duration, fleet.rate)));

    const tft = await economy.buyTFT(actors.alice, forTFT);
    const tftPrice = await this.inTFT(unitPrice);
    const joint = { nodeId: 0n, duration };
    const paidInTFT = { payer: actors.alice, token: contracts.tft, unitPrice: tftPrice };
    await this.startJob({ ...joint, ...paidInTFT, tuAmount: (tft * TU) / tftPrice });

    await economy.receiveDollars(actors.bob, inDollars);
    const paidInDollars = { payer: actors.bob, token: usd, unitPrice, withPermit: true };
    await this.startJob({ ...joint, ...paidInDollars, tuAmount: (inDollars * TU) / unitPrice });

    const node = fleet.nodes[index % fleet.nodes.length];
    const tuAmount = this.random.vary(20n * TU);
    const { gateway } = actors;
    await economy.receiveDollars(gateway, depositOf(tuAmount, UNIT_PRICE));
    const byCard = { payer: gateway, renter: gateway, refundTo: gateway, checkout: `cs_demo_month_${index}` };
    const onNode = { nodeId: node.nodeId, token: usd, tuAmount, unitPrice: UNIT_PRICE, duration };
    await this.startJob({ ...byCard, ...onNode }, 95n);
  }

  private async startJob(rental: Rental, percent?: bigint): Promise<void> {
    await this.fleet.rent(rental, this.nextDay + 9n * HOUR, percent);
  }

  /* TELLING */

  private async endRow(): Promise<void> {
    const { economy, rows } = this;
    const isTenth = (rows.length + 1) % 10 === 0;
    await economy.auditor.audit(isTenth || economy.auditor.supply.phase === Phase.Mature);

    const { supply } = economy.auditor;
    const { tft, usd } = await economy.world.market.reserves();
    const at = BigInt(await time.latest());
    const row = {
      epoch: epochOf(at, economy.world.params.epochLength),
      at,
      supply,
      bought: economy.books.bought,
      price: (usd * TFT * (TFT / USD)) / tft,
      orders: economy.ordersOpened - sumOf(rows, ({ orders }) => orders),
      claimed: economy.claimed - rows.reduce((total, { claimed }) => total + claimed, 0n),
    };
    const before = rows.at(-1)?.supply.phase ?? Phase.ProductionMining;
    rows.push(row);
    this.listener.row(row);
    if (before < Phase.BuybackDistribution && supply.phase >= Phase.BuybackDistribution) {
      this.note("The reserve is empty at a supply of 562,500,000: from now on half of what is bought back is burned");
    }
    if (before < Phase.Mature && supply.phase === Phase.Mature) {
      this.note("The supply is 100,000,000: burning has ended, from now on all that is bought back goes to the miners");
    }
  }

  private note(text: string): void {
    this.listener.note(text);
  }

  /** Returns the asset of an order and the serial number of its place. */
  private label(orderId: bigint, token: Token): string {
    return `${this.symbol(token)}-${BigInt.asUintN(40, decodeOrderId(orderId).place)}`;
  }

  private amount(token: Token, units: bigint): string {
    const symbol = this.symbol(token);
    const whole = Number(formatUnits(units, symbol === "TFT" ? 18 : 6));
    return units !== 0n && whole < 0.01 ? `${units} base units of ${symbol}` : `${whole.toFixed(2)} ${symbol}`;
  }

  private symbol(token: Token): string {
    return token === this.economy.world.usd ? "USD" : "TFT";
  }

  private async inTFT(dollars: bigint): Promise<bigint> {
    const { tft, usd } = await this.economy.world.market.reserves();
    return (dollars * tft) / usd;
  }
}

function receiptsBy({ nodeId }: Node, { tree }: Batch) {
  return tree.receipts.filter((receipt) => receipt.nodeId === nodeId);
}

function sumOf(rows: readonly Row[], of: (row: Row) => number): number {
  return rows.reduce((total, row) => total + of(row), 0);
}
