import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, MAX_REFERENCE, MIN_REFERENCE, nextReference, priceAt, tftOwed, WAD as TFT } from "@turingfog/sdk";
import { expect } from "chai";
import { ethers } from "hardhat";
import { deployProtocolFixture, USD_REFERENCE_PRICE } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { earn } from "../helpers/market";
import { impersonate } from "../helpers/system";
import { USD, DAI, PERIOD, closedTFTRound, openLot, endOfEpoch, buyAt, deployBuyer, buyCall } from "../helpers/buyback";

describe("BuybackBurnController", () => {
  describe("lot and price", () => {
    it("refuse TFT, which are never sold", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      await closedTFTRound(protocol, TFT);

      await expect(controller.lot(tft)).to.be.revertedWithCustomError(controller, "Controller_TFTNotSold").withArgs();
      await expect(controller.price(tft)).to.be.revertedWithCustomError(controller, "Controller_TFTNotSold").withArgs();
    });

    it("refuse an asset that was never listed, and one in which nothing was earned", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { controller, usd } = contracts;

      for (const asset of [actors.stranger, usd]) {
        await expect(controller.lot(asset))
          .to.be.revertedWithCustomError(controller, "Controller_NoLot")
          .withArgs(asset);
        await expect(controller.price(asset))
          .to.be.revertedWithCustomError(controller, "Controller_NoLot")
          .withArgs(asset);
      }
    });

    it("refuse until the last second of the epoch, and show the lot from the first second after it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const round = await earn(protocol, [{ asset: usd, amount: 700n * USD, miner: protocol.actors.miners[0] }]);
      const end = await endOfEpoch();

      await time.increaseTo(end - 1n);
      await expect(controller.lot(usd)).to.be.revertedWithCustomError(controller, "Controller_NoLot").withArgs(usd);
      await expect(controller.price(usd)).to.be.revertedWithCustomError(controller, "Controller_NoLot").withArgs(usd);

      await time.increaseTo(end);
      expect(await controller.lot(usd)).to.deep.equal([round, 700n * USD, 700n * USD, end, USD_REFERENCE_PRICE]);
      expect(await controller.price(usd)).to.equal(8_192n * USD_REFERENCE_PRICE);
    });

    it("show what is left of a lot that is sold in part", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);

      await buyAt(protocol, { asset: usd, round, start, age: 10_000n, amount: 100n * USD });
      await buyAt(protocol, { asset: usd, round, start, age: 20_000n, amount: 50n * USD });

      expect(await controller.lot(usd)).to.deep.equal([round, 700n * USD, 550n * USD, start, USD_REFERENCE_PRICE]);
    });

    it("fall from 8,192 r to 8 r in a twelfth of a period, to r / 4 at its end, and by 2^4 in each after it [T21]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { start } = await openLot(protocol, usd, 700n * USD);

      for (const [age, price] of [
        [0n, 163_840n * TFT],
        [PERIOD / 24n, 5_120n * TFT],
        [PERIOD / 12n, 160n * TFT],
        // a fifth and three fifths of the eleven twelfths that are left
        [(PERIOD * 4n) / 15n, 80n * TFT],
        [(PERIOD * 19n) / 30n, 20n * TFT],
        [PERIOD, 5n * TFT],
        [(PERIOD * 5n) / 4n, (5n * TFT) / 2n],
        [2n * PERIOD, (5n * TFT) / 16n],
        [3n * PERIOD, (5n * TFT) / 256n],
      ]) {
        if (age > 0n) await time.increaseTo(start + age);
        expect(await controller.price(usd)).to.be.closeTo(price, 1n);
      }
    });

    it("are those of the library at the first and last seconds of the periods [T24]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { start } = await openLot(protocol, usd, 700n * USD);

      const ages = [
        1n,
        2n,
        7_199n,
        7_200n,
        7_201n,
        12_345n,
        PERIOD - 1n,
        PERIOD,
        PERIOD + 1n,
        2n * PERIOD - 1n,
        2n * PERIOD,
        17n * PERIOD,
      ];
      for (const age of ages) {
        await time.increaseTo(start + age);
        expect(await controller.price(usd)).to.equal(priceAt(USD_REFERENCE_PRICE, age, PERIOD));
      }
    });

    it("do not move when someone sends the asset or TFT [T25]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);

      await usd.mint(controller, 10_000n * USD);
      await tft.connect(protocol.actors.treasury).transfer(controller, 10_000n * TFT);
      await time.increaseTo(start + 10_000n);

      expect(await controller.lot(usd)).to.deep.equal([round, 700n * USD, 700n * USD, start, USD_REFERENCE_PRICE]);
      expect(await controller.price(usd)).to.equal(priceAt(USD_REFERENCE_PRICE, 10_000n, PERIOD));
      await buyAt(protocol, { asset: usd, round, start, age: 20_000n, amount: 700n * USD });
      expect(await usd.balanceOf(controller)).to.equal(10_000n * USD);
    });

    it("start the clock of the next lot at the end of its epoch when the lot before is sold out by then", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const first = await openLot(protocol, usd, 700n * USD);
      await buyAt(protocol, { asset: usd, ...first, age: 10_000n, amount: 700n * USD });

      const second = await openLot(protocol, usd, 300n * USD);

      expect((await controller.lot(usd)).startedAt).to.equal(second.start);
      expect((await controller.lot(usd)).round).to.equal(second.round);
    });

    it("start the clock of the next lot when the lot before is sold out after the end of its epoch", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const first = await openLot(protocol, usd, 700n * USD);
      const second = await openLot(protocol, usd, 300n * USD);
      const age = second.start - first.start + 1_000n;

      await buyAt(protocol, { asset: usd, ...first, age, amount: 700n * USD });

      const lot = await controller.lot(usd);
      expect(lot.round).to.equal(second.round);
      expect(lot.startedAt).to.equal(first.start + age);
      expect(await controller.price(usd)).to.equal(8_192n * lot.referencePrice);
    });

    it("go on when the asset is delisted", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, escrow, timelock } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      await asGovernor(timelock, protocol.actors.admin, await escrow.delistAsset.populateTransaction(usd));

      expect((await controller.lot(usd)).remaining).to.equal(700n * USD);
      await expect(buyAt(protocol, { asset: usd, round, start, age: 3n * PERIOD, amount: 700n * USD })).to.emit(
        controller,
        "LotSoldOut",
      );
    });
  });

  describe("the reference price", () => {
    for (const [name, age, factor] of [
      ["at most doubles, whatever was paid", 7_200n, 2n],
      ["is the average, when that is within half and double", 60_000n, undefined],
    ] as const) {
      it(name, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { controller, usd } = protocol.contracts;
        const { round, start } = await openLot(protocol, usd, 10_000n * USD);
        const price = priceAt(USD_REFERENCE_PRICE, age, PERIOD);

        await buyAt(protocol, { asset: usd, round, start, age, amount: 10_000n * USD });
        await openLot(protocol, usd, USD);

        expect((await controller.lot(usd)).referencePrice).to.equal(
          factor === undefined ? price : factor * USD_REFERENCE_PRICE,
        );
      });
    }

    it("at most halves, however late the lot was sold", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 10_000n * USD);

      await expect(buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 10_000n * USD }))
        .to.emit(controller, "LotSoldOut")
        .withArgs(usd, round, 50_000n * TFT, USD_REFERENCE_PRICE, USD_REFERENCE_PRICE / 2n);
    });

    it("weighs every fill by its volume", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 10_000n * USD);
      const fills = [
        [40_000n, 1_000n * USD],
        [50_000n, 7_000n * USD],
        [60_000n, 2_000n * USD],
      ];
      for (const [age, amount] of fills) await buyAt(protocol, { asset: usd, round, start, age, amount });
      await openLot(protocol, usd, USD);

      const owed = fills.map(([age, amount]) => tftOwed(amount, priceAt(USD_REFERENCE_PRICE, age, PERIOD), USD));
      const proceeds = owed.reduce((sum, part) => sum + part);
      const { referencePrice } = await controller.lot(usd);
      expect(referencePrice).to.equal((proceeds * USD) / (10_000n * USD));
      expect(referencePrice).to.equal(nextReference(USD_REFERENCE_PRICE, proceeds, 10_000n * USD, USD));
    });

    for (const [name, proceeds, reference] of [
      ["goes all the way to half for 1,000 TFT", 1_000n * TFT, 10n * TFT],
      ["goes a quarter of the way to half for 250 TFT", 250n * TFT, (35n * TFT) / 2n],
      ["goes a thousandth of the way to half for a TFT", TFT, 20n * TFT - TFT / 100n],
      ["goes a unit of the way to half for a hundred units", 100n, 20n * TFT - 1n],
    ] as const) {
      it(name, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { controller, dai } = protocol.contracts;
        // below a unit for a unit, so that one size of the lot brings these proceeds to the unit
        const age = 2n * PERIOD;
        const price = priceAt(20n * TFT, age, PERIOD);
        expect(price).to.be.lessThan(TFT);
        const amount = (proceeds * DAI) / price;
        const { round, start } = await openLot(protocol, dai, amount);

        await expect(buyAt(protocol, { asset: dai, round, start, age, amount }))
          .to.emit(controller, "LotSoldOut")
          .withArgs(dai, round, proceeds, 20n * TFT, reference);
      });
    }

    it("is moved by one lot of all that twenty orders of a unit earn, and two lots in a transaction at the most [T22a]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const buyer = await deployBuyer(protocol);
      const first = await openLot(protocol, usd, 1n);
      for (let i = 0; i < 20; ++i) await openLot(protocol, usd, 1n);
      const [one, other, none] = await Promise.all(
        [1n, 2n, 3n].map((round) => buyCall(protocol, buyer, usd, round, 20n)),
      );

      await expect(buyer.execute([one, other, none]))
        .to.be.revertedWithCustomError(controller, "Controller_NoLot")
        .withArgs(usd);
      await time.setNextBlockTimestamp(first.start + 50n * DAY);
      await expect(buyer.execute([one, other])).to.changeTokenBalance(usd, buyer, 21n);

      // the first lot brought a unit; the other opened in that second at 8,192 r
      const step = (amount: bigint) => (USD_REFERENCE_PRICE * tftOwed(amount, 163_840n * TFT, USD)) / (1_000n * TFT);
      await openLot(protocol, usd, 10_000n * USD);
      const { referencePrice } = await controller.lot(usd);
      expect(referencePrice).to.be.within(USD_REFERENCE_PRICE - 1n, USD_REFERENCE_PRICE + step(20n));
    });

    it("moves through twenty quiet epochs with a lot of one unit each by their part of 1,000 TFT at the most [T22a]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft } = protocol.contracts;
      for (let i = 0n; i < 20n; ++i) {
        const { round, start } = await openLot(protocol, usd, 1n);
        // at any price there is, from the highest to the lowest of the first period
        await buyAt(protocol, { asset: usd, round, start, age: 10n + i * 4_000n, amount: 1n });
      }
      const proceeds = await tft.burned();
      expect(proceeds).to.be.lessThan(TFT / 4n);

      const { start } = await openLot(protocol, usd, 10_000n * USD);
      const { referencePrice } = await controller.lot(usd);
      // Π (1 + p / 1,000 TFT) < 1 + 1.01 · Σ p / 1,000 TFT below a thousandth
      const most = (USD_REFERENCE_PRICE * proceeds * 101n) / (100n * 1_000n * TFT);
      expect(referencePrice).to.be.within(USD_REFERENCE_PRICE - most, USD_REFERENCE_PRICE + most);
      await time.increaseTo(start + 1_000n);
      expect(await controller.price(usd)).to.equal(priceAt(referencePrice, 1_000n, PERIOD));
    });

    it("is each asset's own", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, dai } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 10_000n * USD);
      await buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 10_000n * USD });

      await openLot(protocol, dai, DAI);

      expect((await controller.lot(dai)).referencePrice).to.equal(20n * TFT);
    });
  });

  describe("createAuction", () => {
    it("refuses everyone but the escrow", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { controller, usd, timelock } = contracts;

      for (const caller of [actors.stranger, actors.admin, await impersonate(timelock)]) {
        await expect(controller.connect(caller).createAuction(usd, TFT))
          .to.be.revertedWithCustomError(controller, "Controller_NotEscrow")
          .withArgs(caller);
      }
    });

    for (const [name, referencePrice] of [
      ["of zero", 0n],
      ["a unit below a billion units", MIN_REFERENCE - 1n],
      ["above the nominal supply", MAX_REFERENCE + 1n],
    ] as const) {
      it(`refuses a reference price ${name}`, async () => {
        const { contracts, actors } = await loadFixture(deployProtocolFixture);
        const { controller, escrow, timelock } = contracts;
        const token = await ethers.deployContract("TestToken", ["Token", "TKN", 8n]);

        await expect(
          asGovernor(timelock, actors.admin, await escrow.listAsset.populateTransaction(token, referencePrice)),
        )
          .to.be.revertedWithCustomError(controller, "Controller_ReferenceOutOfBounds")
          .withArgs(referencePrice, MIN_REFERENCE, MAX_REFERENCE);
      });
    }

    it("refuses an asset of 25 decimals", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { controller, escrow, timelock } = contracts;
      const token = await ethers.deployContract("TestToken", ["Token", "TKN", 25n]);

      await expect(asGovernor(timelock, actors.admin, await escrow.listAsset.populateTransaction(token, TFT)))
        .to.be.revertedWithCustomError(controller, "Controller_TooManyDecimals")
        .withArgs(token, 25n, 24n);
    });

    for (const [decimals, referencePrice] of [
      [24n, MAX_REFERENCE],
      [0n, MIN_REFERENCE],
    ]) {
      it(`takes ${decimals} decimals and a reference price of ${referencePrice}, and sells by them`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { contracts, actors } = protocol;
        const { controller, escrow, timelock } = contracts;
        const token = await ethers.deployContract("TestToken", ["Token", "TKN", decimals]);
        await token.mint(actors.renters[0], 1_000n);

        await expect(
          asGovernor(timelock, actors.admin, await escrow.listAsset.populateTransaction(token, referencePrice)),
        )
          .to.emit(controller, "AuctionCreated")
          .withArgs(token, decimals, referencePrice);

        const { round, start } = await openLot(protocol, token, 1_000n);
        const price = priceAt(referencePrice, 100n, PERIOD);
        await expect(buyAt(protocol, { asset: token, round, start, age: 100n, amount: 1_000n }))
          .to.emit(controller, "LotFilled")
          .withArgs(token, round, actors.bidder, actors.bidder, 1_000n, tftOwed(1_000n, price, 10n ** decimals), price);
      });
    }
  });
});
