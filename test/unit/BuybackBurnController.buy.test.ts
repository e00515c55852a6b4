import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import {
  BURNING_END,
  nextReference,
  Phase,
  priceAt,
  PRODUCTION_MINING_END,
  tftOwed,
  ULTIMATE_SUPPLY,
  WAD as TFT,
} from "@turingfog/sdk";
import { expect } from "chai";
import { deployProtocolFixture, USD_REFERENCE_PRICE } from "../helpers/fixture";
import { burnUpTo } from "../helpers/lifetime";
import { USD, PERIOD, ANY_PRICE, expectDestroyed, closedTFTRound, openLot, buyAt } from "../helpers/buyback";

describe("BuybackBurnController", () => {
  describe("buy", () => {
    it("refuses TFT", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      const { bidder } = protocol.actors;
      const round = await closedTFTRound(protocol, TFT);

      await expect(controller.connect(bidder).buy(tft, round, TFT, ANY_PRICE, bidder, "0x"))
        .to.be.revertedWithCustomError(controller, "Controller_TFTNotSold")
        .withArgs();
    });

    it("refuses an asset of which nothing is for sale", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { controller, usd } = contracts;
      const { bidder } = actors;

      await expect(controller.connect(bidder).buy(usd, 0n, USD, ANY_PRICE, bidder, "0x"))
        .to.be.revertedWithCustomError(controller, "Controller_NoLot")
        .withArgs(usd);
    });

    it("refuses another round than the lot's: the one that waits, and one that is sold out [T22]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const first = await openLot(protocol, usd, 700n * USD);
      const second = await openLot(protocol, usd, 300n * USD);
      const buy = (round: bigint) => controller.connect(bidder).buy(usd, round, 700n * USD, ANY_PRICE, bidder, "0x");

      await expect(buy(second.round))
        .to.be.revertedWithCustomError(controller, "Controller_WrongRound")
        .withArgs(second.round, first.round);

      await buy(first.round);
      await expect(buy(first.round))
        .to.be.revertedWithCustomError(controller, "Controller_WrongRound")
        .withArgs(first.round, second.round);
    });

    it("refuses a purchase of nothing", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { round } = await openLot(protocol, usd, 700n * USD);

      await expect(controller.connect(bidder).buy(usd, round, 0n, ANY_PRICE, bidder, "0x"))
        .to.be.revertedWithCustomError(controller, "Controller_ZeroAmount")
        .withArgs();
    });

    it("refuses a price one unit above the bidder's maximum, and takes one that equals it [T22]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      const buy = (maxPrice: bigint) => controller.connect(bidder).buy(usd, round, USD, maxPrice, bidder, "0x");

      const price = priceAt(USD_REFERENCE_PRICE, 1_000n, PERIOD);
      await time.setNextBlockTimestamp(start + 1_000n);
      await expect(buy(price - 1n))
        .to.be.revertedWithCustomError(controller, "Controller_PriceAboveMax")
        .withArgs(price, price - 1n);

      await time.setNextBlockTimestamp(start + 1_001n);
      await expect(buy(priceAt(USD_REFERENCE_PRICE, 1_001n, PERIOD))).to.emit(controller, "LotFilled");
    });

    it("refuses a bidder who has not approved what he owes", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      const owed = tftOwed(USD, priceAt(USD_REFERENCE_PRICE, PERIOD, PERIOD), USD);
      await tft.connect(bidder).approve(controller, owed - 1n);

      await time.setNextBlockTimestamp(start + PERIOD);
      await expect(controller.connect(bidder).buy(usd, round, USD, ANY_PRICE, bidder, "0x"))
        .to.be.revertedWithCustomError(tft, "ERC20InsufficientAllowance")
        .withArgs(controller, owed - 1n, owed);
    });

    it("sells a part at the price of the moment, and destroys what it brought at once", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft, vault, pool } = protocol.contracts;
      const { bidder, stranger } = protocol.actors;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      // r / 4: 5 TFT for each
      const [amount, owed] = [100n * USD, 500n * TFT];

      await time.setNextBlockTimestamp(start + PERIOD);
      const purchase = controller.connect(bidder).buy(usd, round, amount, ANY_PRICE, stranger, "0x");

      await expect(purchase).to.changeTokenBalances(usd, [controller, stranger, bidder], [-amount, amount, 0n]);
      await expect(purchase).to.changeTokenBalances(
        tft,
        [bidder, controller, vault, pool],
        [-owed, 0n, -360n * TFT, 360n * TFT],
      );
      await expect(purchase)
        .to.emit(controller, "LotFilled")
        .withArgs(usd, round, bidder, stranger, amount, owed, 5n * TFT);
      await expectDestroyed(protocol, purchase, round, usd, {
        bought: owed,
        burned: owed,
        released: 400n * TFT,
        operations: 40n * TFT,
        reward: 360n * TFT,
        phase: Phase.ProductionMining,
      });
      await expect(purchase).not.to.emit(controller, "LotSoldOut");
      expect(await pool.bucket(await pool.bucketId(round, usd))).to.deep.equal([700n * USD, 360n * TFT, false]);
    });

    it("returns what was filled and what is owed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      await time.increaseTo(start + PERIOD);

      expect(
        await controller.connect(bidder).buy.staticCall(usd, round, 1_000n * USD, ANY_PRICE, bidder, "0x"),
      ).to.deep.equal([700n * USD, 3_500n * TFT]);
    });

    it("sells the rest, makes the bucket final and tells what the lot brought", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, pool } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      const firstOwed = tftOwed(300n * USD, priceAt(USD_REFERENCE_PRICE, 40_000n, PERIOD), USD);
      await buyAt(protocol, { asset: usd, round, start, age: 40_000n, amount: 300n * USD });

      const purchase = buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 400n * USD });

      const proceeds = firstOwed + 2_000n * TFT;
      const average = (proceeds * USD) / (700n * USD);
      expect(average).to.be.within(USD_REFERENCE_PRICE / 2n + 1n, USD_REFERENCE_PRICE * 2n - 1n);
      await expect(purchase)
        .to.emit(controller, "LotFilled")
        .withArgs(usd, round, bidder, bidder, 400n * USD, 2_000n * TFT, 5n * TFT);
      await expect(purchase)
        .to.emit(controller, "LotSoldOut")
        .withArgs(usd, round, proceeds, USD_REFERENCE_PRICE, average);
      expect((await pool.bucket(await pool.bucketId(round, usd))).isFinal).to.equal(true);
      await expect(controller.lot(usd)).to.be.revertedWithCustomError(controller, "Controller_NoLot").withArgs(usd);
    });

    it("keeps the next lot's account apart from that of the lot before", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const first = await openLot(protocol, usd, 700n * USD);
      await buyAt(protocol, { asset: usd, ...first, age: PERIOD, amount: 300n * USD });
      await buyAt(protocol, { asset: usd, ...first, age: PERIOD + 1n, amount: 400n * USD });
      const second = await openLot(protocol, usd, 500n * USD);
      const { remaining, referencePrice } = await controller.lot(usd);
      expect(remaining).to.equal(500n * USD);

      const proceeds = tftOwed(500n * USD, priceAt(referencePrice, 40_000n, PERIOD), USD);
      await expect(buyAt(protocol, { asset: usd, ...second, age: 40_000n, amount: 500n * USD }))
        .to.emit(controller, "LotSoldOut")
        .withArgs(
          usd,
          second.round,
          proceeds,
          referencePrice,
          nextReference(referencePrice, proceeds, 500n * USD, USD),
        );
    });

    it("fills no more than is left, so that a purchase in front of the bidder's does not stop his [T22]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      await buyAt(protocol, { asset: usd, round, start, age: 60_000n, amount: 1n });

      const purchase = buyAt(protocol, { asset: usd, round, start, age: 60_001n, amount: 700n * USD });

      await expect(purchase).to.changeTokenBalance(usd, bidder, 700n * USD - 1n);
      await expect(purchase).to.emit(controller, "LotSoldOut");
    });

    for (const [name, left, filled] of [
      ["sells a rest just below 1 % of the lot with the fill that would leave it", 9_999n, 1_000_000n],
      ["leaves a rest of exactly 1 % of the lot", 10_000n, 990_000n],
      ["leaves a rest just above 1 % of the lot", 10_001n, 989_999n],
    ] as const) {
      it(name, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { usd } = protocol.contracts;
        const { round, start } = await openLot(protocol, usd, 1_000_000n);

        await expect(
          buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 1_000_000n - left }),
        ).to.changeTokenBalance(usd, protocol.actors.bidder, filled);
      });
    }

    it("measures a rest by the whole lot, not by what was left of it [T22]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { round, start } = await openLot(protocol, usd, 10_000n);
      await buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 9_800n });

      await expect(buyAt(protocol, { asset: usd, round, start, age: PERIOD + 1n, amount: 100n })).to.changeTokenBalance(
        usd,
        bidder,
        100n,
      );
      await expect(buyAt(protocol, { asset: usd, round, start, age: PERIOD + 2n, amount: 1n })).to.changeTokenBalance(
        usd,
        bidder,
        100n,
      );
    });

    it("rounds what is owed up", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 10_000n);
      const price = priceAt(USD_REFERENCE_PRICE, 12_345n, PERIOD);
      const owed = (7n * price) / USD + 1n;
      expect((7n * price) % USD).not.to.equal(0n);

      await expect(buyAt(protocol, { asset: usd, round, start, age: 12_345n, amount: 7n })).to.changeTokenBalance(
        tft,
        protocol.actors.bidder,
        -owed,
      );
      expect(await tft.burned()).to.equal(owed);
      expect(await tft.balanceOf(controller)).to.equal(0n);
    });

    it("takes a unit when the price has fallen to nothing, so that every lot clears [T21]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, pool } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { round, start } = await openLot(protocol, usd, 700n * USD);

      const purchase = buyAt(protocol, { asset: usd, round, start, age: 17n * PERIOD, amount: 700n * USD });

      await expect(purchase)
        .to.emit(controller, "LotFilled")
        .withArgs(usd, round, bidder, bidder, 700n * USD, 1n, 0n);
      await expect(purchase)
        .to.emit(controller, "LotSoldOut")
        .withArgs(usd, round, 1n, USD_REFERENCE_PRICE, USD_REFERENCE_PRICE - 1n);
      expect(await pool.bucket(await pool.bucketId(round, usd))).to.deep.equal([700n * USD, 0n, true]);
    });

    it("destroys by the rule of phase 2 when production mining has ended", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END);
      const { round, start } = await openLot(protocol, usd, 700n * USD);

      await expectDestroyed(
        protocol,
        buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 100n * USD }),
        round,
        usd,
        {
          bought: 500n * TFT,
          burned: 250n * TFT,
          released: 0n,
          operations: 0n,
          reward: 250n * TFT,
          phase: Phase.BuybackDistribution,
        },
      );
    });

    it("splits a fill that crosses the end of production mining", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END - 100n * TFT);
      const { round, start } = await openLot(protocol, usd, 700n * USD);

      await expectDestroyed(
        protocol,
        buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 100n * USD }),
        round,
        usd,
        {
          bought: 500n * TFT,
          burned: 300n * TFT,
          released: 80n * TFT,
          operations: 8n * TFT,
          reward: 72n * TFT + 200n * TFT,
          phase: Phase.BuybackDistribution,
        },
      );
    });

    it("splits a fill that crosses the ultimate supply", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd, tft } = protocol.contracts;
      await burnUpTo(protocol, BURNING_END - 100n * TFT);
      const { round, start } = await openLot(protocol, usd, 700n * USD);

      await expectDestroyed(
        protocol,
        buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 100n * USD }),
        round,
        usd,
        {
          bought: 500n * TFT,
          burned: 100n * TFT,
          released: 0n,
          operations: 0n,
          reward: 400n * TFT,
          phase: Phase.Mature,
        },
      );
      expect(await tft.totalSupply()).to.equal(ULTIMATE_SUPPLY);
    });

    it("goes on while the network is frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, oracle } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      await oracle.connect(protocol.actors.guardian).freeze();

      await expect(buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 700n * USD })).to.emit(
        controller,
        "LotSoldOut",
      );
    });
  });
});
