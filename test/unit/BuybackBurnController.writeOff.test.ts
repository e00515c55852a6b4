import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { nextReference, priceAt, tftOwed, WAD as TFT } from "@turingfog/sdk";
import { expect } from "chai";
import { deployProtocolFixture, INITIAL_TFT, USD_REFERENCE_PRICE } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { earn, startEpoch } from "../helpers/market";
import { impersonate } from "../helpers/system";
import {
  USD,
  DAI,
  EPOCH,
  PERIOD,
  ANY_PRICE,
  closedTFTRound,
  openLot,
  buyAt,
  listHostileToken,
} from "../helpers/buyback";

describe("BuybackBurnController", () => {
  describe("writeOff", () => {
    /** The age from which a lot can be given up. */
    const AGE = 30n * PERIOD;

    it("refuses TFT, which are burned and never sold", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      const round = await closedTFTRound(protocol, TFT);
      await time.increase(AGE);

      await expect(controller.writeOff(tft, round))
        .to.be.revertedWithCustomError(controller, "Controller_TFTNotSold")
        .withArgs();
    });

    it("refuses an asset of which no round is closed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, dai } = protocol.contracts;
      const round = await earn(protocol, [{ asset: usd, amount: USD, miner: protocol.actors.miners[0] }]);

      for (const asset of [usd, dai]) {
        await expect(controller.writeOff(asset, round))
          .to.be.revertedWithCustomError(controller, "Controller_NoLot")
          .withArgs(asset);
      }
    });

    it("refuses another round than the lot's: none, the one that waits and one after it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { round } = await openLot(protocol, usd, 700n * USD);
      await openLot(protocol, usd, 300n * USD);
      await time.increase(AGE);

      for (const wrong of [0n, round + 1n, round + 2n]) {
        await expect(controller.writeOff(usd, wrong))
          .to.be.revertedWithCustomError(controller, "Controller_WrongRound")
          .withArgs(wrong, round);
      }
    });

    it("refuses a lot a second before it is 30 periods old, and gives it up in the next second [T21]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, pool } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      const id = await pool.bucketId(round, usd);

      await time.setNextBlockTimestamp(start + AGE - 1n);
      await expect(controller.writeOff(usd, round))
        .to.be.revertedWithCustomError(controller, "Controller_TooEarly")
        .withArgs(round, start + AGE);

      await time.setNextBlockTimestamp(start + AGE);
      const writeOff = controller.writeOff(usd, round);
      await expect(writeOff)
        .to.emit(controller, "LotWrittenOff")
        .withArgs(usd, round, 700n * USD);
      await expect(writeOff).to.emit(pool, "RewardAdded").withArgs(id, 0n, true);
      expect(await pool.bucket(id)).to.deep.equal([700n * USD, 0n, true]);
      await expect(controller.lot(usd)).to.be.revertedWithCustomError(controller, "Controller_NoLot").withArgs(usd);
    });

    it("counts the age from the closing of the lot's round, however long ago it was earned", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const first = await openLot(protocol, usd, 700n * USD);
      const second = await openLot(protocol, usd, 300n * USD);
      const closedAt = first.start + AGE + 12_345n;
      await time.setNextBlockTimestamp(closedAt);
      await controller.writeOff(usd, first.round);

      await time.setNextBlockTimestamp(closedAt + AGE - 1n);
      await expect(controller.writeOff(usd, second.round))
        .to.be.revertedWithCustomError(controller, "Controller_TooEarly")
        .withArgs(second.round, closedAt + AGE);

      await expect(controller.writeOff(usd, second.round))
        .to.emit(controller, "LotWrittenOff")
        .withArgs(usd, second.round, 300n * USD);
    });

    it("may be called by anyone, and moves no token and no supply", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft, pool, vault } = protocol.contracts;
      const { stranger } = protocol.actors;
      const { round } = await openLot(protocol, usd, 700n * USD);
      await time.increase(AGE);
      const supply = await controller.supply();

      const writeOff = controller.connect(stranger).writeOff(usd, round);

      await expect(writeOff).to.changeTokenBalances(usd, [controller, pool, stranger], [0n, 0n, 0n]);
      await expect(writeOff).to.changeTokenBalances(tft, [controller, pool, vault, stranger], [0n, 0n, 0n, 0n]);
      await expect(writeOff).not.to.emit(controller, "Destroyed");
      await expect(writeOff).not.to.emit(controller, "LotSoldOut");
      expect(await controller.supply()).to.deep.equal(supply);
    });

    it("cannot be done twice, also while the next lot is for sale", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { round } = await openLot(protocol, usd, 700n * USD);
      await time.increase(AGE);
      await controller.writeOff(usd, round);
      await expect(controller.writeOff(usd, round))
        .to.be.revertedWithCustomError(controller, "Controller_NoLot")
        .withArgs(usd);

      const next = await openLot(protocol, usd, 300n * USD);
      await expect(controller.writeOff(usd, round))
        .to.be.revertedWithCustomError(controller, "Controller_WrongRound")
        .withArgs(round, next.round);
    });

    it("leaves the last word to a bidder: a lot of that age can still be bought, and then not be given up", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);

      await buyAt(protocol, { asset: usd, round, start, age: AGE + 1n, amount: 700n * USD });

      await expect(controller.writeOff(usd, round))
        .to.be.revertedWithCustomError(controller, "Controller_NoLot")
        .withArgs(usd);
    });

    it("gives up what is left of a lot sold in part, and the next lot starts clean", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, pool } = protocol.contracts;
      const first = await openLot(protocol, usd, 700n * USD);
      await buyAt(protocol, { asset: usd, ...first, age: PERIOD, amount: 300n * USD });
      // 1,500 TFT burned, of whose release of 1,200 TFT a tenth is operations'
      const reward = 1_080n * TFT;
      await openLot(protocol, usd, 500n * USD);
      const closedAt = first.start + AGE;
      await time.setNextBlockTimestamp(closedAt);

      await expect(controller.writeOff(usd, first.round))
        .to.emit(controller, "LotWrittenOff")
        .withArgs(usd, first.round, 400n * USD);

      expect(await pool.bucket(await pool.bucketId(first.round, usd))).to.deep.equal([700n * USD, reward, true]);
      expect(await controller.lot(usd)).to.deep.equal([2n, 500n * USD, 500n * USD, closedAt, USD_REFERENCE_PRICE]);

      // what the first lot brought counts for nothing in the second one's average
      const second = { asset: usd, round: 2n, start: closedAt };
      await buyAt(protocol, { ...second, age: PERIOD, amount: 100n * USD });
      await time.setNextBlockTimestamp(closedAt + PERIOD + 1n);
      const price = priceAt(USD_REFERENCE_PRICE, PERIOD + 1n, PERIOD);
      const rest = tftOwed(400n * USD, price, USD);
      await expect(
        controller.connect(protocol.actors.bidder).buy(usd, 2n, 400n * USD, ANY_PRICE, protocol.actors.bidder, "0x"),
      )
        .to.emit(controller, "LotSoldOut")
        .withArgs(
          usd,
          2n,
          500n * TFT + rest,
          USD_REFERENCE_PRICE,
          nextReference(USD_REFERENCE_PRICE, 500n * TFT + rest, 500n * USD, USD),
        );
      // what was given up stays where it is
      expect(await usd.balanceOf(controller)).to.equal(400n * USD);
    });

    it("pays the miners of the bucket what was bought back before, by their weights", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft, pool } = protocol.contracts;
      const { miners, bidder } = protocol.actors;
      const round = await earn(protocol, [
        { asset: usd, amount: 100n * USD, miner: miners[0] },
        { asset: usd, amount: 300n * USD, miner: miners[1] },
      ]);
      const start = (await startEpoch(protocol)) * EPOCH;
      await tft.connect(bidder).approve(controller, INITIAL_TFT);
      await buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 200n * USD });
      const id = await pool.bucketId(round, usd);
      await expect(pool.connect(miners[0]).claim([id], miners[0])).to.changeTokenBalance(tft, miners[0], 0n);
      await time.setNextBlockTimestamp(start + AGE);
      await controller.writeOff(usd, round);

      // 1,000 TFT burned, 720 of them to the miners
      for (const [miner, part] of [
        [miners[0], 180n * TFT],
        [miners[1], 540n * TFT],
      ] as const) {
        await expect(pool.connect(miner).claim([id], miner)).to.changeTokenBalances(tft, [pool, miner], [-part, part]);
      }
    });

    it("pays nothing for a lot of which nothing was sold, and clears the weight all the same", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft, pool } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const { round } = await openLot(protocol, usd, 700n * USD);
      await time.increase(AGE);
      await controller.writeOff(usd, round);
      const id = await pool.bucketId(round, usd);

      await expect(pool.connect(miner).claim([id], miner)).to.changeTokenBalance(tft, miner, 0n);
      expect(await pool.weightOf(id, miner)).to.equal(0n);
    });

    it("leaves the bucket final for good: no reward is added to it later", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, pool } = protocol.contracts;
      const { round } = await openLot(protocol, usd, 700n * USD);
      await time.increase(AGE);
      await controller.writeOff(usd, round);
      const id = await pool.bucketId(round, usd);

      await expect(pool.connect(await impersonate(controller)).addReward(id, 1n, true))
        .to.be.revertedWithCustomError(pool, "Pool_FinalBucket")
        .withArgs(id);
    });

    it("lets the round that gathered meanwhile close at once, and the next one in its epoch", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, pool } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      for (let epoch = 0; epoch < 3; ++epoch) await earn(protocol, [{ asset: usd, amount: 100n * USD, miner }]);
      await time.setNextBlockTimestamp(start + AGE);
      await controller.writeOff(usd, round);

      expect(await pool.closedRound(usd)).to.deep.equal([round + 1n, 300n * USD, start + AGE]);
      expect(await pool.openRound(usd)).to.equal(round + 2n);
    });

    it("leaves the reference price where it was, whatever was paid before", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const first = await openLot(protocol, usd, 700n * USD);
      await buyAt(protocol, { asset: usd, ...first, age: 7_200n, amount: 690n * USD });
      await time.increase(AGE);
      await controller.writeOff(usd, first.round);

      await openLot(protocol, usd, USD);
      expect((await controller.lot(usd)).referencePrice).to.equal(USD_REFERENCE_PRICE);
    });

    it("goes on while the network is frozen, and when the asset is delisted", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, escrow, timelock, oracle } = protocol.contracts;
      const { round } = await openLot(protocol, usd, 700n * USD);
      await asGovernor(timelock, protocol.actors.admin, await escrow.delistAsset.populateTransaction(usd));
      await time.increase(AGE);
      await oracle.connect(protocol.actors.guardian).freeze();

      await expect(controller.writeOff(usd, round)).to.emit(controller, "LotWrittenOff");
    });

    // protocol.md, 6.4: locked for good in version 1
    it("frees the 14,240 TFT of rewards that an asset locked by failing when 98.9 % of its lot were sold [T21]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, pool } = protocol.contracts;
      const { bidder, miners } = protocol.actors;
      const { hostile, asset } = await listHostileToken(protocol);
      const { round, start } = await openLot(protocol, asset, 1_000n * DAI);
      // at the reference of 20 TFT, three fifths down from 8 r
      const age = (PERIOD * 19n) / 30n;
      await buyAt(protocol, { asset, round, start, age, amount: 989n * DAI });
      await hostile.blockReceiver(bidder);
      await expect(controller.connect(bidder).buy(asset, round, 11n * DAI, ANY_PRICE, bidder, "0x"))
        .to.be.revertedWithCustomError(hostile, "HostileToken_Blocked")
        .withArgs(bidder);
      const id = await pool.bucketId(round, asset);
      const { reward } = await pool.bucket(id);
      // 72 % of 989 · 20
      expect(reward).to.equal(14_241n * TFT + (6n * TFT) / 10n);
      expect(await pool.claimable(miners[0], [id])).to.equal(0n);

      await time.setNextBlockTimestamp(start + AGE);
      await expect(controller.writeOff(asset, round))
        .to.emit(controller, "LotWrittenOff")
        .withArgs(asset, round, 11n * DAI);

      await expect(pool.claimFor(miners[0], [id])).to.changeTokenBalances(tft, [pool, miners[0]], [-reward, reward]);
    });
  });
});
