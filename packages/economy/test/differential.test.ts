import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { Ledger, Random, type Round, TFT } from "@turingfog/economy";
import { BURNING_END, DAY, max, MINUTE, Phase, priceAt, supplyOf, TU, WAD } from "@turingfog/sdk";
import { expect } from "chai";
import { MaxUint256 } from "ethers";

import { deployProtocolFixture, type Protocol, USD_REFERENCE_PRICE } from "../../../test/helpers/fixture";
import { gatherAllocations } from "../../../test/helpers/lifetime";
import { openOrder, registerNodes, startEpoch, submitAttestation } from "../../../test/helpers/market";

const SEED = Number(process.env.SEED ?? 1);
const DAYS = 400;
const USD = "USD";
const FOREVER = 2n ** 96n - 1n;
/** TFT that a day's lots bring in the mean: as much as makes the token mature within the run. */
const DAILY = 3_900_000n * WAD;

interface Miner {
  readonly address: string;
  readonly nodeId: bigint;
  /** Order in dollars that lasts the whole run, at a dollar per TU. */
  readonly dollars: bigint;
  /** Dollars earned on it so far, base units. */
  earned: bigint;
}

/** Does the same to the contracts and to the ledger, and compares what both say. */
class Twin {
  now = 0n;
  /** Of both assets, by the latest earning. */
  readonly rounds: Record<string, Set<Round>> = { [USD]: new Set(), [TFT]: new Set() };
  private attestedUntil = 0n;

  private constructor(
    readonly protocol: Protocol,
    readonly ledger: Ledger,
    private readonly miners: readonly Miner[],
  ) {}

  static async start(): Promise<Twin> {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors, params } = protocol;
    const { usd, tft, escrow, controller } = contracts;
    await gatherAllocations(protocol);
    for (const token of [usd, tft]) {
      await token.connect(actors.treasury).approve(escrow, MaxUint256);
      await token.connect(actors.treasury).approve(controller, MaxUint256);
    }
    await usd.mint(actors.treasury, 2n ** 100n);
    for (const holder of [...actors.renters, actors.bidder]) {
      await tft.connect(holder).transfer(actors.treasury, await tft.balanceOf(holder));
    }

    const owners = actors.miners.slice(0, 2);
    const nodeIds = await registerNodes(protocol, owners);
    const miners: Miner[] = [];
    for (const [i, owner] of owners.entries()) {
      const nodeId = nodeIds[i];
      await contracts.registry.connect(owner).setListing(nodeId, usd, 10n ** 6n, 2n ** 128n - 1n);
      const terms = { nodeId, maxUnitPrice: 10n ** 6n, tuAmount: 10n ** 10n * TU, duration: 366n * DAY };
      miners.push({
        ...{ address: owner.address, nodeId, earned: 0n },
        dollars: await openOrder(protocol, actors.treasury, usd, terms),
      });
      await contracts.registry.connect(owner).setListing(nodeId, tft, WAD, 2n ** 128n - 1n);
    }

    const { epochLength, auctionPeriod, operations } = params;
    const ledger = new Ledger({ epochLength, auctionPeriod, operationsShare: operations.share });
    ledger.list(USD, 6n, USD_REFERENCE_PRICE);
    const twin = new Twin(protocol, ledger, miners);
    twin.now = (await startEpoch(protocol)) * DAY;
    return twin;
  }

  /** Returns a time, or the next second if that has passed. */
  private async notBefore(moment: bigint): Promise<bigint> {
    return max(moment, BigInt(await time.latest()) + 1n);
  }

  /** Lets the next transaction be of a time, or of the next second if that has passed. */
  private async at(moment: bigint): Promise<void> {
    this.now = await this.notBefore(moment);
    await time.setNextBlockTimestamp(this.now);
  }

  async earnDollars(which: number, amount: bigint, moment: bigint): Promise<void> {
    const { escrow, usd } = this.protocol.contracts;
    const miner = this.miners[which];
    miner.earned += amount;
    const told = { orderId: miner.dollars, cumulativeTU: miner.earned * 10n ** 12n, signature: "0x" };
    await this.at(moment);
    await escrow.connect(this.protocol.actors.treasury).settleAcknowledged(usd, [told]);
    this.rounds[USD].add(this.ledger.earn(USD, this.now, [[miner.address, amount]]));
  }

  /** Opens an order in TFT and acknowledges all of it. */
  async earnTFT(which: number, amount: bigint, moment: bigint): Promise<void> {
    const { contracts, actors } = this.protocol;
    const { nodeId, address } = this.miners[which];
    if (this.attestedUntil < moment) {
      for (const each of this.miners) await submitAttestation(this.protocol, each.nodeId);
      this.attestedUntil = moment + 60n * DAY;
    }
    const terms = { nodeId, maxUnitPrice: WAD, tuAmount: amount };
    const orderId = await openOrder(this.protocol, actors.treasury, contracts.tft, terms);
    await this.at(moment);
    const told = { orderId, cumulativeTU: amount, signature: "0x" };
    await contracts.escrow.connect(actors.treasury).settleAcknowledged(contracts.tft, [told]);
    this.rounds[TFT].add(this.ledger.earn(TFT, this.now, [[address, amount]]));
  }

  async burn(moment: bigint): Promise<void> {
    const { controller } = this.protocol.contracts;
    const lot = this.ledger.lot(TFT, await this.notBefore(moment));
    if (lot === undefined) return;
    await this.at(moment);
    await controller.burn(lot.round.number);
    this.ledger.burn(this.now);
    await this.compareRound(TFT, lot.round);
  }

  /** Bids for a part of the lot of dollars, in hundredths, at an age of it in thousandths of a period. */
  async bid(part: bigint, age: bigint): Promise<void> {
    const { contracts, actors } = this.protocol;
    const open = this.ledger.lot(USD, this.now + DAY);
    if (open === undefined) return;
    const moment = await this.notBefore(open.startedAt + (age * DAY) / 1_000n);
    const lot = this.ledger.lot(USD, moment);
    if (lot === undefined) return;
    const amount = max((lot.round.weight * part) / 100n, 1n);
    const { number } = lot.round;
    await this.at(moment);
    await contracts.controller
      .connect(actors.treasury)
      .buy(contracts.usd, number, amount, FOREVER, actors.treasury, "0x");
    this.ledger.buy(USD, amount, moment);
    await this.compareRound(USD, lot.round);
  }

  /** Pays out all final rounds, and hands the TFT to the one who orders and bids. */
  async claimAll(): Promise<void> {
    const { contracts, actors } = this.protocol;
    const { pool, tft, usd } = contracts;
    for (const [rounds, token] of [
      [this.rounds[USD], usd],
      [this.rounds[TFT], tft],
    ] as const) {
      for (const round of [...rounds].filter(({ finalAt }) => finalAt !== undefined)) {
        const bucketId = await pool.bucketId(round.number, token);
        for (const miner of actors.miners.slice(0, 2)) {
          const due = this.ledger.claim(round, miner.address);
          const claim = pool.connect(miner).claim([bucketId], actors.treasury);
          await expect(claim).to.changeTokenBalance(tft, actors.treasury, due);
        }
        rounds.delete(round);
      }
    }
  }

  /** Pays operations, who hand the TFT to the one who orders and bids. */
  async payOperations(): Promise<void> {
    const { contracts, actors } = this.protocol;
    const due = this.ledger.payOperations();
    await expect(contracts.vault.payOperations()).to.changeTokenBalance(contracts.tft, actors.operations, due);
    await contracts.tft.connect(actors.operations).transfer(actors.treasury, due);
  }

  private async compareRound(asset: string, round: Round): Promise<void> {
    const { pool, controller, vault, tft, usd } = this.protocol.contracts;
    const bucket = await pool.bucket(await pool.bucketId(round.number, asset === TFT ? tft : usd));
    expect([bucket.weight, bucket.reward, bucket.isFinal]).to.deep.equal([
      round.weight,
      round.reward,
      round.finalAt !== undefined,
    ]);
    const { total, burned, released, reserve, circulating, phase } = supplyOf(this.ledger.supply);
    const figures = [total, burned, released, reserve, circulating, BigInt(phase)];
    expect([...(await controller.supply())]).to.deep.equal(figures);
    expect(await vault.operationsOwed()).to.equal(this.ledger.operationsOwed);
    expect(await tft.balanceOf(pool)).to.equal(this.ledger.rewardsHeld);
  }

  async compareLot(): Promise<void> {
    const { controller, usd } = this.protocol.contracts;
    // a call at a block's number has its time; one at the latest block has that of the machine
    const blockTag = await time.latestBlock();
    const found = this.ledger.lot(USD, this.now);
    if (found === undefined) {
      await expect(controller.lot(usd, { blockTag }))
        .to.be.revertedWithCustomError(controller, "Controller_NoLot")
        .withArgs(usd);
      return;
    }
    const { round, startedAt, remaining } = found;
    const reference = this.ledger.reference(USD);
    const figures = [BigInt(round.number), round.weight, remaining, startedAt, reference];
    expect([...(await controller.lot(usd, { blockTag }))]).to.deep.equal(figures);
    const price = priceAt(reference, this.now - startedAt, this.ledger.terms.auctionPeriod);
    expect(await controller.price(usd, { blockTag })).to.equal(price);
  }
}

describe("the ledger beside the contracts", () => {
  it(`equals them to the unit over ${DAYS} days of random earnings, bids, burns and claims; seed ${SEED}`, async () => {
    const twin = await Twin.start();
    const { ledger } = twin;
    const random = new Random(SEED);
    const phases = new Set<Phase>();
    const start = twin.now;

    for (let day = 0n; day < DAYS; ++day) {
      const from = start + day * DAY;
      const within = (hours: number) => from + BigInt(random.below(hours * 3_600)) + MINUTE;

      const worth = random.vary((DAILY * BigInt(random.below(200))) / 100n + WAD);
      const dollars = max((worth * 10n ** 6n) / ledger.reference(USD) + BigInt(random.below(1_000)), 1n);
      await twin.earnDollars(random.below(2), dollars, within(1));
      if (random.below(3) === 0) await twin.earnTFT(random.below(2), random.vary(DAILY / 4n), within(2));
      await twin.burn(within(3));

      // a lot costs r at 633, and is bought earlier while r is low; on some days the last bid is left for the next
      const due = ledger.reference(USD) < USD_REFERENCE_PRICE ? 500 : 650;
      const bids = Array.from({ length: random.below(3) }, () => due - random.below(200)).sort((a, b) => a - b);
      for (const age of bids) await twin.bid(BigInt(1 + random.below(60)), BigInt(age));
      if (random.below(8) !== 0) await twin.bid(100n, BigInt(due + random.below(150)));
      await twin.compareLot();

      if (random.below(2) === 0) await twin.claimAll();
      if (random.below(20) === 0) await twin.payOperations();
      phases.add(supplyOf(ledger.supply).phase);
    }

    expect([...phases]).to.have.members([Phase.ProductionMining, Phase.BuybackDistribution, Phase.Mature]);
    expect(ledger.supply.burned).to.equal(BURNING_END);
    expect([...twin.rounds[USD]].at(-1)?.number).to.be.above(300);
  }).timeout(600_000);
});
