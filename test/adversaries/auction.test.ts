import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, max } from "@turingfog/sdk";
import { expect } from "chai";
import { MaxUint256 } from "ethers";

import { deployProtocolFixture, USD_REFERENCE_PRICE } from "../helpers/fixture";
import { earn, startEpoch } from "../helpers/market";
import { enter, Purse } from "./ledger";
import { buy, buyAt, openLot, payOut } from "./lots";
import { ageAt, coalitionBound, destroy, divide, MIN_PROCEEDS, owed, TFT, USD } from "./predictions";

const LOT = 1_000n * USD;

describe("A sniper of the auction", () => {
  it("pays the clock's price though he takes the lot before the one who would have bought it", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, controller, pool } = protocol.contracts;
    const { miners, bidder, renters } = protocol.actors;
    const sniper = renters[2];
    const purse = await Purse.of([tft, usd], sniper);
    const lot = await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
    const price = owed(USD, USD_REFERENCE_PRICE, 3n);
    const honest = await controller.connect(bidder).buy.populateTransaction(usd, lot.epoch, LOT, price, bidder, "0x");

    await buyAt(protocol, sniper, lot, ageAt(3n), LOT);

    await expect(bidder.sendTransaction(honest)).to.be.revertedWithCustomError(controller, "Controller_NoLot");
    const paid = owed(LOT, USD_REFERENCE_PRICE, 3n);
    const id = await pool.bucketId(lot.epoch, usd);
    expect((await pool.bucket(id)).reward).to.equal(divide(destroy(paid, 0n)).reward);
    await purse.expectOutcome({
      adversary: "sniper",
      scenario: "before an honest bidder",
      paid: { TFT: paid },
      predicted: { USD: LOT },
    });
  });

  it("pays a quarter of the reference still in the last second of the first day", async () => {
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

  it("who is the only one gets lots for ever less, of which each day halves the reference at most", async () => {
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
      // a lot that brings too little is not believed, so this ends at four times that over the lot
      if (cost >= MIN_PROCEEDS) reference /= 2n;
    }

    expect(reference).to.equal(USD_REFERENCE_PRICE / 8n);
    await purse.expectOutcome({
      adversary: "only bidder",
      scenario: "five lots, a day asleep before each",
      paid: { TFT: paid },
      predicted: { USD: 5n * LOT },
    });
  });

  it("who is the only one and waits for two days pays by the curve, and the lot clears", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, pool } = protocol.contracts;
    const { miners, bidder } = protocol.actors;
    const lot = await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
    const purse = await Purse.of([tft, usd], bidder);

    await buyAt(protocol, bidder, lot, ageAt(13n), LOT);

    const paid = owed(LOT, USD_REFERENCE_PRICE, 13n);
    const { reward, isFinal } = await pool.bucket(await pool.bucketId(lot.epoch, usd));
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
  it("pays for each dust fill, and stops no purchase behind it", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, controller, pool } = protocol.contracts;
    const { miners, bidder, renters } = protocol.actors;
    const staller = renters[2];
    const lot = await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
    const purse = await Purse.of([tft, usd], staller);
    const price = owed(USD, USD_REFERENCE_PRICE, 0n);

    let [paid, brought] = [0n, 0n];
    const cost = owed(1n, USD_REFERENCE_PRICE, 0n);
    await tft.connect(staller).approve(controller, MaxUint256);
    await tft.connect(bidder).approve(controller, MaxUint256);
    for (let fills = 0; fills < 10; fills++) {
      // the clock moves a second with each, and the price with it
      const before = await tft.balanceOf(staller);
      await controller.connect(staller).buy(usd, lot.epoch, 1n, MaxUint256, staller, "0x");
      const spent = before - (await tft.balanceOf(staller));
      expect(spent).to.be.at.most(cost);
      paid += spent;
    }
    const honest = controller.connect(bidder).buy(usd, lot.epoch, LOT, price, bidder, "0x");
    await expect(honest).to.changeTokenBalance(usd, bidder, LOT - 10n);

    let expected = 0n;
    for (const { args } of await controller.queryFilter(controller.filters.LotFilled())) {
      const destruction = destroy(args.tftPaid, brought);
      [brought, expected] = [brought + args.tftPaid, expected + divide(destruction).reward];
    }
    const { reward, isFinal } = await pool.bucket(await pool.bucketId(lot.epoch, usd));
    expect([reward, isFinal]).to.deep.equal([expected, true]);
    await purse.expectOutcome({
      adversary: "staller",
      scenario: "ten dust fills before an honest one",
      paid: { TFT: paid },
      predicted: { USD: 10n },
    });
  });

  it("who would leave a rest below a hundredth has to buy it, and the bucket is final", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, pool } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const staller = renters[2];
    const lot = await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
    const purse = await Purse.of([tft, usd], staller);

    await buyAt(protocol, staller, lot, ageAt(3n), (LOT * 99n) / 100n + 1n);

    expect((await pool.bucket(await pool.bucketId(lot.epoch, usd))).isFinal).to.equal(true);
    await purse.expectOutcome({
      adversary: "staller",
      scenario: "leaves less than a hundredth",
      paid: { TFT: owed(LOT, USD_REFERENCE_PRICE, 3n) },
      predicted: { USD: LOT },
    });
  });

  it("who leaves a hundredth leaves it to anyone at the falling price", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, pool } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const staller = renters[2];
    const lot = await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
    const purse = await Purse.of([tft, usd], staller);
    const id = await pool.bucketId(lot.epoch, usd);

    await buyAt(protocol, staller, lot, ageAt(3n), (LOT * 99n) / 100n);
    expect((await pool.bucket(id)).isFinal).to.equal(false);
    // the miner himself ends it, by what the rest is worth a day later
    await tft.connect(renters[0]).transfer(miners[0], TFT);
    await buyAt(protocol, miners[0], lot, ageAt(13n), LOT);
    expect((await pool.bucket(id)).isFinal).to.equal(true);

    await purse.expectOutcome({
      adversary: "staller",
      scenario: "leaves a hundredth",
      paid: { TFT: owed((LOT * 99n) / 100n, USD_REFERENCE_PRICE, 3n) },
      predicted: { USD: (LOT * 99n) / 100n },
    });
  });
});

describe("A walker of the reference price", () => {
  for (const [way, halvings] of [
    ["up", 0n],
    ["down", 5n],
  ] as const) {
    it(`moves nothing ${way} by tiny lots of his own before an honest backlog`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, usd, controller } = protocol.contracts;
      const { miners, renters, operations, bidder } = protocol.actors;
      const walker = renters[1];
      const own = { miner: miners[1], payer: walker };
      const purse = await Purse.of([tft, usd], walker, miners[1], operations);

      // ten epochs with a lot of his own, and then an honest one, all waiting when he starts
      const epochs: bigint[] = [];
      for (let lots = 0n; lots < 10n; lots++) epochs.push(await earn(protocol, [{ asset: usd, amount: 1n, ...own }]));
      const honest = await earn(protocol, [{ asset: usd, amount: LOT, miner: miners[0] }]);
      await startEpoch(protocol);

      let [paid, back, soldOutAt] = [0n, 0n, 0];
      for (const epoch of epochs) {
        const { startedAt } = await controller.lot(usd);
        // the first one has waited for longer already
        await time.increaseTo(max(startedAt + ageAt(halvings), BigInt(await time.latest()) + 1n));
        const before = await tft.balanceOf(walker);
        await buy(protocol, walker, { asset: usd, epoch, start: startedAt }, 1n);
        soldOutAt = await time.latest();
        const spent = before - (await tft.balanceOf(walker));
        const { released } = destroy(spent, paid);
        [paid, back] = [paid + spent, back + released];
        await payOut(protocol, epoch, usd, [miners[1]]);
      }

      const lot = await controller.lot(usd);
      expect([lot.epoch, lot.referencePrice]).to.deep.equal([honest, USD_REFERENCE_PRICE]);
      expect(lot.startedAt).to.equal(soldOutAt);
      const cost = await buyAt(protocol, bidder, { asset: usd, epoch: honest, start: lot.startedAt }, ageAt(3n), LOT);
      await expect(cost).to.changeTokenBalance(tft, bidder, -owed(LOT, USD_REFERENCE_PRICE, 3n));
      await purse.expectOutcome({
        adversary: "reference walker",
        scenario: `${way}, by ten lots of a unit`,
        paid: { TFT: paid, USD: 10n },
        predicted: { TFT: back, USD: 10n },
        bound: { TFT: paid, USD: 10n },
      });
    });

    it(`pays a fifth of at least 1,000 TFT for each step ${way}, and makes one step a lot`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, usd, controller } = protocol.contracts;
      const { miners, renters, operations } = protocol.actors;
      const walker = renters[1];
      const purse = await Purse.of([tft, usd], walker, miners[1], operations);

      let [paid, back, bound, burned, usdPaid, reference] = [0n, 0n, 0n, 0n, 0n, USD_REFERENCE_PRICE];
      for (let steps = 0n; steps < 3n; steps++) {
        // as small a lot as is believed at this price
        const size = (MIN_PROCEEDS * USD * 2n ** halvings) / (8n * reference) + USD;
        const lot = await openLot(protocol, usd, [{ amount: size, miner: miners[1], payer: walker }]);
        await tft.connect(walker).approve(controller, MaxUint256);
        if (halvings > 0n) await time.increaseTo(lot.start + ageAt(halvings) - 1n);
        const before = await tft.balanceOf(walker);
        await buy(protocol, walker, lot, size);
        const spent = before - (await tft.balanceOf(walker));
        expect(spent).to.be.at.least(MIN_PROCEEDS);
        const destruction = destroy(spent, burned);
        [paid, usdPaid, burned] = [paid + spent, usdPaid + size, burned + spent];
        [back, bound] = [back + destruction.released, bound + coalitionBound(destruction)];
        await payOut(protocol, lot.epoch, usd, [miners[1]]);
        reference = halvings === 0n ? reference * 2n : reference / 2n;
      }

      await earn(protocol, [{ asset: usd, amount: LOT, miner: miners[0] }]);
      await startEpoch(protocol);
      expect((await controller.lot(usd)).referencePrice).to.equal(reference);
      expect(paid - back).to.be.at.least((3n * MIN_PROCEEDS) / 5n);
      await purse.expectOutcome({
        adversary: "reference walker",
        scenario: `${way}, by three lots that count`,
        paid: { TFT: paid, USD: usdPaid },
        predicted: { TFT: back, USD: usdPaid },
        bound: { TFT: bound, USD: usdPaid },
      });
    });
  }

  it("cannot raise the first lot after him beyond a delay of its price", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { usd, controller } = protocol.contracts;
    const { miners, renters, bidder } = protocol.actors;

    // two lots at the opening price make the reference four times as high
    for (let steps = 0; steps < 2; steps++) {
      const lot = await openLot(protocol, usd, [{ amount: LOT, miner: miners[1], payer: renters[1] }]);
      await buyAt(protocol, bidder, lot, 2n, LOT);
    }
    const honest = await openLot(protocol, usd, [{ amount: LOT, miner: miners[0] }]);
    await time.increaseTo(honest.start + ageAt(5n));

    // a day after its start the price is that of three fifths of a day before he came
    expect(await controller.price(usd)).to.equal(USD_REFERENCE_PRICE);
    enter({
      adversary: "reference walker",
      scenario: "up to 4 r before an honest lot",
      paidIn: "a fifth of two lots at 8 r and 16 r",
      gotBack: "0.4 days of delay",
      bound: "0.2 days for each doubling",
    });
  });
});
