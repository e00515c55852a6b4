import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { ceilDiv, DAY, HOUR, max, MAX_REFERENCE, min, MIN_REFERENCE, priceAt } from "@turingfog/sdk";
import { expect } from "chai";
import { MaxUint256 } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture, type Protocol, USD_REFERENCE_PRICE } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { earn } from "../helpers/market";
import { enter, Purse } from "./ledger";
import { buy, buyAt, lotOf, openLot, payOut } from "./lots";
import { ageAt, coalitionBound, destroy, divide, FULL_PROCEEDS, OPENING, owed, TFT, USD } from "./predictions";

const LOT = 1_000n * USD;

/** How large a lot brings so much at a price so many halvings after 8 r: a fiftieth more, for the seconds until the fill. */
function sizeFor(proceeds: bigint, reference: bigint, halvings: bigint, margin = 50n): bigint {
  const size = ceilDiv(proceeds * USD, owed(USD, reference, halvings));
  return margin === 0n ? size : size + size / margin + 1n;
}

/** The age at which a lot's price has fallen to the market's: where an honest bidder buys. */
function ageOf(reference: bigint, market: bigint): bigint {
  let [early, late] = [0n, 30n * DAY];
  while (early < late) {
    const middle = (early + late) / 2n;
    if (priceAt(reference, middle, DAY) > market) early = middle + 1n;
    else late = middle;
  }
  return early;
}

/** Tells how much less TFT two accounts have than now. */
async function spendings({ contracts: { tft } }: Protocol, ...owners: HardhatEthersSigner[]) {
  const held = async () =>
    (await Promise.all(owners.map((owner) => tft.balanceOf(owner)))).reduce((sum, balance) => sum + balance);
  const before = await held();
  return async () => before - (await held());
}

describe("A sniper of the auction", () => {
  it("pays the clock's price though they take the lot before the one who would have bought it", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, controller, pool } = protocol.contracts;
    const { miners, bidder, renters } = protocol.actors;
    const sniper = renters[2];
    const purse = await Purse.of([tft, usd], sniper);
    const lot = await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
    const price = owed(USD, USD_REFERENCE_PRICE, 3n);
    const honest = await controller.connect(bidder).buy.populateTransaction(usd, lot.round, LOT, price, bidder, "0x");

    await buyAt(protocol, sniper, lot, ageAt(3n), LOT);

    await expect(bidder.sendTransaction(honest)).to.be.revertedWithCustomError(controller, "Controller_NoLot");
    const paid = owed(LOT, USD_REFERENCE_PRICE, 3n);
    const id = await pool.bucketId(lot.round, usd);
    expect((await pool.bucket(id)).reward).to.equal(divide(destroy(paid, 0n)).reward);
    await purse.expectOutcome({
      adversary: "sniper",
      scenario: "before an honest bidder",
      paid: { TFT: paid },
      predicted: { USD: LOT },
    });
  });

  it("pays a quarter of the reference still in the last second of the first day [T21]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd } = protocol.contracts;
    const { miners, bidder } = protocol.actors;
    const lot = await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
    const purse = await Purse.of([tft, usd], bidder);

    await buyAt(protocol, bidder, lot, DAY, LOT);

    const paid = owed(LOT, USD_REFERENCE_PRICE, 5n);
    expect(paid).to.equal((1_000n * USD_REFERENCE_PRICE) / 4n);
    await purse.expectOutcome({
      adversary: "only bidder",
      scenario: "sleeps for a day",
      paid: { TFT: paid },
      predicted: { USD: LOT },
    });
  });

  it("who is the only one gets lots for less and less, and no lot more than halves the reference", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, controller } = protocol.contracts;
    const { miners, bidder } = protocol.actors;
    const purse = await Purse.of([tft, usd], bidder);

    let [paid, reference] = [0n, USD_REFERENCE_PRICE];
    for (let lots = 0; lots < 5; lots++) {
      const lot = await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
      expect((await controller.lot(usd)).referencePrice, `lot ${lots}`).to.equal(reference);
      await buyAt(protocol, bidder, lot, ageAt(5n), LOT);
      const cost = owed(LOT, reference, 5n);
      paid += cost;
      // half of the way for 500 TFT, so it slows down as lots bring less
      reference -= ((reference / 2n) * min(cost, FULL_PROCEEDS)) / FULL_PROCEEDS;
    }

    // 20, 10, 5, 2.5, and then less than half of the way
    expect(reference).to.be.within(USD_REFERENCE_PRICE / 15n, USD_REFERENCE_PRICE / 14n);
    await purse.expectOutcome({
      adversary: "only bidder",
      scenario: "five lots, a day asleep before each",
      paid: { TFT: paid },
      predicted: { USD: 5n * LOT },
    });
  });

  it("who is the only one and waits for two days pays by the curve, and the lot clears [T21]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, pool } = protocol.contracts;
    const { miners, bidder } = protocol.actors;
    const lot = await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
    const purse = await Purse.of([tft, usd], bidder);

    await buyAt(protocol, bidder, lot, ageAt(9n), LOT);

    const paid = owed(LOT, USD_REFERENCE_PRICE, 9n);
    const { reward, isFinal } = await pool.bucket(await pool.bucketId(lot.round, usd));
    expect([reward, isFinal]).to.deep.equal([divide(destroy(paid, 0n)).reward, true]);
    await purse.expectOutcome({
      adversary: "only bidder",
      scenario: "sleeps for two days",
      paid: { TFT: paid },
      predicted: { USD: LOT },
    });
  });
});

describe("A staller of the auction", () => {
  it("pays for each dust fill, and stops no purchase behind it [T22]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, controller, pool } = protocol.contracts;
    const { miners, bidder, renters } = protocol.actors;
    const staller = renters[2];
    const lot = await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
    const purse = await Purse.of([tft, usd], staller);
    const price = owed(USD, USD_REFERENCE_PRICE, 3n);

    let [paid, brought] = [0n, 0n];
    const cost = owed(1n, USD_REFERENCE_PRICE, OPENING);
    await tft.connect(staller).approve(controller, MaxUint256);
    await tft.connect(bidder).approve(controller, MaxUint256);
    for (let fills = 0; fills < 10; fills++) {
      // the clock moves a second with each, and the price with it
      const before = await tft.balanceOf(staller);
      await controller.connect(staller).buy(usd, lot.round, 1n, MaxUint256, staller, "0x");
      const spent = before - (await tft.balanceOf(staller));
      expect(spent).to.be.at.most(cost);
      paid += spent;
    }
    await time.setNextBlockTimestamp(lot.start + ageAt(3n));
    const honest = controller.connect(bidder).buy(usd, lot.round, LOT, price, bidder, "0x");
    await expect(honest).to.changeTokenBalance(usd, bidder, LOT - 10n);

    let expected = 0n;
    for (const { args } of await controller.queryFilter(controller.filters.LotFilled())) {
      const destruction = destroy(args.tftPaid, brought);
      [brought, expected] = [brought + args.tftPaid, expected + divide(destruction).reward];
    }
    const { reward, isFinal } = await pool.bucket(await pool.bucketId(lot.round, usd));
    expect([reward, isFinal]).to.deep.equal([expected, true]);
    await purse.expectOutcome({
      adversary: "staller",
      scenario: "ten dust fills before an honest one",
      paid: { TFT: paid },
      predicted: { USD: 10n },
    });
  });

  it("who would leave a rest below a hundredth has to buy it, and the bucket is final [T22]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, pool } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const staller = renters[2];
    const lot = await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
    const purse = await Purse.of([tft, usd], staller);

    await buyAt(protocol, staller, lot, ageAt(3n), (LOT * 99n) / 100n + 1n);

    expect((await pool.bucket(await pool.bucketId(lot.round, usd))).isFinal).to.equal(true);
    await purse.expectOutcome({
      adversary: "staller",
      scenario: "leaves less than a hundredth",
      paid: { TFT: owed(LOT, USD_REFERENCE_PRICE, 3n) },
      predicted: { USD: LOT },
    });
  });

  it("who leaves a hundredth leaves it to anyone at the falling price [T22]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, pool } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const staller = renters[2];
    const lot = await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
    const purse = await Purse.of([tft, usd], staller);
    const id = await pool.bucketId(lot.round, usd);

    await buyAt(protocol, staller, lot, ageAt(3n), (LOT * 99n) / 100n);
    expect((await pool.bucket(id)).isFinal).to.equal(false);
    // the miner himself ends it, by what the rest is worth a day later
    await tft.connect(renters[0]).transfer(miners[0], 10n * TFT);
    await buyAt(protocol, miners[0], lot, ageAt(9n), LOT);
    expect((await pool.bucket(id)).isFinal).to.equal(true);

    await purse.expectOutcome({
      adversary: "staller",
      scenario: "leaves a hundredth",
      paid: { TFT: owed((LOT * 99n) / 100n, USD_REFERENCE_PRICE, 3n) },
      predicted: { USD: (LOT * 99n) / 100n },
    });
  });
});

describe("A slow market", () => {
  // protocol.md, 6.2: version 1's queue grew from 2 to 7 in 24 days
  it("leaves two unfinished rounds at most, with TFT 16 times dearer than the reference and 40 USD a day [T21]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { usd, controller, pool } = protocol.contracts;
    const { miners, bidder } = protocol.actors;
    const market = USD_REFERENCE_PRICE / 16n;

    let sold = 0n;
    for (let day = 1; day <= 24; day++) {
      await earn(protocol, [{ asset: usd, amount: 40n * USD, miner: miners[0] }]);
      const tomorrow = (BigInt(await time.latest()) / DAY + 1n) * DAY;
      const lot = await lotOf(protocol, usd);
      if (lot.round > 0n) {
        const { amount, referencePrice } = await controller.lot(usd);
        const due = max(lot.start + ageOf(referencePrice, market), BigInt(await time.latest()) + 10n);
        if (due < tomorrow) {
          await buyAt(protocol, bidder, lot, due - lot.start, amount);
          sold += amount;
        }
      }

      const open = await pool.openRound(usd);
      const [opened, soldOut] = await Promise.all([
        pool.queryFilter(pool.filters.RoundOpened()),
        controller.queryFilter(controller.filters.LotSoldOut()),
      ]);
      expect(opened.length - soldOut.length, `unfinished on day ${day}`).to.be.at.most(2);
      const { weight: unsold } = await pool.closedRound(usd);
      const { weight: gathered } = await pool.bucket(await pool.bucketId(open, usd));
      expect(sold + unsold + gathered, `sold or waiting on day ${day}`).to.equal(BigInt(day) * 40n * USD);
    }

    // what waits is what the last two days or three have earned
    expect(sold).to.be.at.least(20n * 40n * USD);
    enter({
      adversary: "slow market",
      scenario: "24 days of 40 USD at a 16th of the reference",
      paidIn: "-",
      gotBack: `${sold / USD} of 960 USD sold, the rest in two rounds`,
      bound: "two unfinished rounds",
    });
  });
});

describe("A walker of the reference price", () => {
  for (const [way, halvings] of [
    ["up", OPENING],
    ["down", 5n],
  ] as const) {
    it(`moves it ${way} by tiny lots of its own no further than their part of 1,000 TFT [T22a]`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, usd, controller } = protocol.contracts;
      const { miners, renters, operations, bidder } = protocol.actors;
      const walker = renters[1];
      const own = { miner: miners[1], payer: walker };
      const purse = await Purse.of([tft, usd], walker, miners[1], operations);

      // one lot an epoch is all there can be
      let [paid, back] = [0n, 0n];
      for (let lots = 0; lots < 10; lots++) {
        const lot = await openLot(protocol, usd, [{ amount: 1n, ...own }]);
        await time.increaseTo(lot.start + max(ageAt(halvings), 1n));
        const before = await tft.balanceOf(walker);
        await buy(protocol, walker, lot, 1n);
        const spent = before - (await tft.balanceOf(walker));
        const { released } = destroy(spent, paid);
        [paid, back] = [paid + spent, back + released];
        await payOut(protocol, lot.round, usd, [miners[1]]);
      }

      const honest = await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
      const { referencePrice } = await controller.lot(usd);
      const moved = referencePrice - USD_REFERENCE_PRICE;
      const most = (USD_REFERENCE_PRICE * paid) / FULL_PROCEEDS;
      if (way === "up") expect(moved).to.be.within((most * 99n) / 100n, (most * 101n) / 100n);
      // to half at the most, so half of their part, and a unit of rounding each
      else expect(-moved).to.be.within((most * 49n) / 100n, most / 2n + 10n);
      await expect(buyAt(protocol, bidder, honest, ageAt(3n), LOT)).to.changeTokenBalance(
        tft,
        bidder,
        -owed(LOT, referencePrice, 3n),
      );
      await purse.expectOutcome({
        adversary: "reference walker",
        scenario: `${way}, by ten lots of a unit`,
        paid: { TFT: paid, USD: 10n },
        predicted: { TFT: back, USD: 10n },
        bound: { TFT: paid, USD: 10n },
      });
    });

    it(`pays a fifth of at least 1,000 TFT for each step ${way}, and makes one step a lot [T22a]`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, usd, controller } = protocol.contracts;
      const { miners, renters, operations } = protocol.actors;
      const walker = renters[1];
      const purse = await Purse.of([tft, usd], walker, miners[1], operations);

      let [paid, back, bound, burned, usdPaid, reference] = [0n, 0n, 0n, 0n, 0n, USD_REFERENCE_PRICE];
      for (let steps = 0n; steps < 3n; steps++) {
        // as small a lot as moves the reference all the way at this price
        const size = sizeFor(FULL_PROCEEDS, reference, halvings);
        const lot = await openLot(protocol, usd, [{ amount: size, miner: miners[1], payer: walker }]);
        if (halvings > OPENING) await time.increaseTo(lot.start + ageAt(halvings));
        const before = await tft.balanceOf(walker);
        await buy(protocol, walker, lot, size);
        const spent = before - (await tft.balanceOf(walker));
        expect(spent).to.be.at.least(FULL_PROCEEDS);
        const destruction = destroy(spent, burned);
        [paid, usdPaid, burned] = [paid + spent, usdPaid + size, burned + spent];
        [back, bound] = [back + destruction.released, bound + coalitionBound(destruction)];
        await payOut(protocol, lot.round, usd, [miners[1]]);
        reference = way === "up" ? reference * 2n : reference / 2n;
      }

      await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
      expect((await controller.lot(usd)).referencePrice).to.equal(reference);
      expect(paid - back).to.be.at.least((3n * FULL_PROCEEDS) / 5n);
      await purse.expectOutcome({
        adversary: "reference walker",
        scenario: `${way}, by three lots of 1,000 TFT`,
        paid: { TFT: paid, USD: usdPaid },
        predicted: { TFT: back, USD: usdPaid },
        bound: { TFT: bound, USD: usdPaid },
      });
    });
  }

  it("pays as much by smaller lots: of ten that bring 100 TFT each, none moves it by more than a tenth [T22a]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { usd, controller, tft } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const size = sizeFor(FULL_PROCEEDS / 10n, USD_REFERENCE_PRICE, OPENING);

    let reference = USD_REFERENCE_PRICE;
    for (let lots = 0; lots < 10; lots++) {
      const lot = await openLot(protocol, usd, [{ amount: size, miner: miners[1], payer: renters[1] }]);
      const before = await tft.burned();
      await buyAt(protocol, renters[1], lot, ageAt(OPENING + 1n) + BigInt(lots) * 72n, size);
      const proceeds = (await tft.burned()) - before;
      await openLot(protocol, usd, [{ amount: 1n, miner: miners[1], payer: renters[1] }]);
      const next = (await controller.lot(usd)).referencePrice;
      expect(next).to.be.within(reference + 1n, reference + (reference * proceeds) / FULL_PROCEEDS + 1n);
      reference = next;
      // at the very end, for a unit of TFT
      await buyAt(protocol, renters[1], await lotOf(protocol, usd), 25n * DAY, 1n);
    }
    // 690 TFT at the least for a doubling
    expect(reference).to.be.lessThan(2n * USD_REFERENCE_PRICE);
  });

  it("cannot raise the first lot after it beyond a delay of its price", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { usd, controller } = protocol.contracts;
    const { miners, renters, bidder } = protocol.actors;

    // two lots at the opening price make the reference four times as high
    for (let steps = 0n; steps < 2n; steps++) {
      const size = sizeFor(FULL_PROCEEDS, USD_REFERENCE_PRICE << steps, OPENING);
      const lot = await openLot(protocol, usd, [{ amount: size, miner: miners[1], payer: renters[1] }]);
      await buyAt(protocol, bidder, lot, 2n, size);
    }
    const honest = await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
    await time.increaseTo(honest.start + ageAt(5n));

    // a day after its start the price is that of 8.8 hours before it came
    expect(await controller.price(usd)).to.equal(USD_REFERENCE_PRICE);
    expect(ageAt(5n) - ageAt(3n)).to.equal((88n * HOUR) / 10n);
    enter({
      adversary: "reference walker",
      scenario: "up to 4 r before an honest lot",
      paidIn: "a fifth of two lots at 8,192 r and 16,384 r",
      gotBack: "8.8 h of delay",
      bound: "4.4 h for each doubling",
    });
  });

  // protocol.md, 6.3: in version 1 honest lots of 600 USD then brought 94 of 12,000 TFT from then on
  it("walks it down 1,024 times for 2,808 TFT, and honest lots bring 12,000 of 12,000 TFT and undo it [T22a]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, controller } = protocol.contracts;
    const { miners, renters, bidder } = protocol.actors;
    const walker = renters[1];

    // nobody else is awake
    const purse = await spendings(protocol, walker, miners[1]);
    for (let steps = 0n; steps < 10n; steps++) {
      const size = sizeFor(FULL_PROCEEDS, USD_REFERENCE_PRICE >> steps, 5n, 0n);
      const lot = await openLot(protocol, usd, [{ amount: size, miner: miners[1], payer: walker }]);
      await buyAt(protocol, walker, lot, ageAt(5n), size);
      await payOut(protocol, lot.round, usd, [miners[1]]);
    }
    // without operations it loses 28 %
    expect(await purse()).to.be.within(2_799n * TFT, 2_808n * TFT);

    let reference = USD_REFERENCE_PRICE >> 10n;
    for (let lots = 0; lots < 10; lots++) {
      const lot = await openLot(protocol, usd, [{ amount: 600n * USD, miner: miners[0] }]);
      expect((await controller.lot(usd)).referencePrice).to.equal(reference);
      // the market is where it was; the first lot passes it after three tenths of the opening's two hours
      const age = ageOf(reference, USD_REFERENCE_PRICE);
      if (lots === 0) expect(age).to.equal((DAY * 3n) / 120n);
      const before = await tft.balanceOf(bidder);
      await buyAt(protocol, bidder, lot, age, 600n * USD);
      const brought = before - (await tft.balanceOf(bidder));
      expect(brought).to.be.within(11_990n * TFT, 12_000n * TFT);
      reference *= 2n;
    }
    await openLot(protocol, usd, [{ amount: USD, miner: miners[0] }]);
    // a second is up to a thousandth of the price in the opening
    expect((await controller.lot(usd)).referencePrice).to.be.within((reference * 999n) / 1_000n, reference);
    enter({
      adversary: "reference walker",
      scenario: "down 1,024 times, then ten honest lots of 600 USD",
      paidIn: "2,800 TFT",
      gotBack: "lots at the market's price, healed after ten",
      bound: "a second of the opening's price a lot",
    });
  });

  // protocol.md, 6.3: in version 1 lots took four days each from then on
  it("walks it up to its bound for 9,181 TFT, and honest lots of 600 USD bring their worth and undo it [T22a]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, controller } = protocol.contracts;
    const { miners, renters, bidder } = protocol.actors;
    const walker = renters[1];

    const purse = await spendings(protocol, walker, miners[1]);
    let reference = USD_REFERENCE_PRICE;
    for (let steps = 0; reference < MAX_REFERENCE; steps++) {
      // at 2 r, so that a unit of USD is a small step even at the bound
      const size = sizeFor(FULL_PROCEEDS, reference, 2n, 0n);
      const lot = await openLot(protocol, usd, [{ amount: size, miner: miners[1], payer: walker }]);
      await buyAt(protocol, walker, lot, ageAt(2n), size);
      await payOut(protocol, lot.round, usd, [miners[1]]);
      reference = min(2n * reference, MAX_REFERENCE);
      expect(steps).to.be.lessThan(26);
    }
    expect(await purse()).to.be.within(26n * 280n * TFT, 9_181n * TFT);

    const days: bigint[] = [];
    for (let lots = 0; lots < 26; lots++) {
      const lot = await openLot(protocol, usd, [{ amount: 600n * USD, miner: miners[0] }]);
      expect((await controller.lot(usd)).referencePrice).to.equal(reference);
      const age = ageOf(reference, USD_REFERENCE_PRICE);
      days.push((age + DAY / 2n) / DAY);
      const before = await tft.balanceOf(bidder);
      await buyAt(protocol, bidder, lot, age, 600n * USD);
      const brought = before - (await tft.balanceOf(bidder));
      expect(brought).to.be.within(11_990n * TFT, 12_000n * TFT);
      const average = (brought * USD) / (600n * USD);
      reference = max((reference + 1n) / 2n, average);
    }
    // seven days for the first lot, and a quarter of a day less for each after it
    expect([days[0], days[9], days[19], days[25]]).to.deep.equal([7n, 5n, 2n, 1n]);
    expect(reference).to.be.within((USD_REFERENCE_PRICE * 99n) / 100n, USD_REFERENCE_PRICE);
    enter({
      adversary: "reference walker",
      scenario: "up to the bound, then 26 honest lots of 600 USD",
      paidIn: "7,300 TFT",
      gotBack: "lots at the market's price after seven days and less",
      bound: "half of the reference a lot",
    });
  });

  it("who walks a sleeping asset down 8,192 times costs honest lots a block's delay and no more [T22a]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { usd, escrow, timelock } = protocol.contracts;
    const { admin, miners, renters, bidder } = protocol.actors;
    // as if it had been walked there from 20 TFT, for 13 lots of 1,000 TFT
    const asleep = await ethers.deployContract("TestToken", ["Asleep", "ZZZ", 6n]);
    await asleep.mint(renters[0], 10_000n * USD);
    const call = await escrow.listAsset.populateTransaction(asleep, USD_REFERENCE_PRICE / 8_192n);
    await asGovernor(timelock, admin, call);
    expect(await usd.decimals()).to.equal(await asleep.decimals());

    // the lot opens at the market's price; who is a block of 12 s late pays 1.15 % less
    const lot = await openLot(protocol, asleep, [{ amount: 600n * USD, miner: miners[0] }]);
    await expect(buyAt(protocol, bidder, lot, 12n, 600n * USD)).to.emit(protocol.contracts.controller, "LotSoldOut");
    const brought = await protocol.contracts.tft.burned();
    expect(brought).to.be.within(11_850n * TFT, 11_870n * TFT);

    // and the next one, at double the reference, no more than that either
    const next = await openLot(protocol, asleep, [{ amount: 600n * USD, miner: miners[0] }]);
    await buyAt(protocol, bidder, next, 720n + 12n, 600n * USD);
    expect((await protocol.contracts.tft.burned()) - brought).to.be.within(11_850n * TFT, 11_870n * TFT);
    enter({
      adversary: "reference walker",
      scenario: "a sleeping asset down 8,192 times",
      paidIn: "13 lots of 1,000 TFT",
      gotBack: "1.15 % of a lot for a block's delay",
      bound: "1.15 % a block of 12 s",
    });
  });

  it("finds no value that honest lots leave as it is, but from the lower bound they take long (7.20)", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { escrow, timelock, controller } = protocol.contracts;
    const { admin, miners, renters, bidder } = protocol.actors;
    const asleep = await ethers.deployContract("TestToken", ["Asleep", "ZZZ", 6n]);
    await asleep.mint(renters[0], 10_000n * USD);
    await asGovernor(timelock, admin, await escrow.listAsset.populateTransaction(asleep, MIN_REFERENCE));

    let reference = MIN_REFERENCE;
    for (let lots = 0; lots < 3; lots++) {
      const lot = await openLot(protocol, asleep, [{ amount: 600n * USD, miner: miners[0] }]);
      expect((await controller.lot(asleep)).referencePrice, `lot ${lots}`).to.equal(reference);
      await buyAt(protocol, bidder, lot, 3n, 600n * USD);
      // 600 USD at 8,192 billionths of a billionth: 5 millionths of a TFT, and as little of a step
      const proceeds = (await controller.queryFilter(controller.filters.LotSoldOut(asleep)))[lots].args.proceeds;
      expect(proceeds).to.be.within(4_900_000_000_000_000n, 4_920_000_000_000_000n);
      reference += ceilDiv(reference * proceeds, FULL_PROCEEDS);
    }
    expect(reference - MIN_REFERENCE).to.be.within(14_700n, 14_800n);
    enter({
      adversary: "reference walker",
      scenario: "a sleeping asset to the lower bound",
      paidIn: "34 halvings",
      gotBack: "600 USD for 0.005 TFT",
      bound: "heals by 5 millionths of itself a lot",
    });
  });

  it("moves a low reference by a unit for each lot of dust: a transaction each for a billionth [T22a]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, escrow, timelock, controller } = protocol.contracts;
    const { admin, miners, renters } = protocol.actors;
    const walker = renters[1];
    const asleep = await ethers.deployContract("TestToken", ["Asleep", "ZZZ", 6n]);
    await asleep.mint(walker, USD);
    await asGovernor(timelock, admin, await escrow.listAsset.populateTransaction(asleep, 2n * MIN_REFERENCE));

    for (let lots = 1n; lots <= 5n; lots++) {
      const lot = await openLot(protocol, asleep, [{ amount: 1n, miner: miners[1], payer: walker }]);
      await expect(buyAt(protocol, walker, lot, 25n * DAY, 1n))
        .to.emit(controller, "LotSoldOut")
        .withArgs(asleep, lots, 1n, 2n * MIN_REFERENCE - lots + 1n, 2n * MIN_REFERENCE - lots);
    }
    expect(await tft.burned()).to.equal(5n);
    // one lot an epoch: a halving would take a billion of them
    enter({
      adversary: "reference walker",
      scenario: "down from two billion units by dust",
      paidIn: "five lots of a unit",
      gotBack: "five units of the reference",
      bound: "2.7 million years for a halving, one lot a day",
    });
  });
});
