import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, MINUTE, TU, WAD as TFT } from "@turingfog/sdk";
import { expect } from "chai";
import { AbiCoder, keccak256 } from "ethers";
import { ethers } from "hardhat";
import { deployProtocolFixture, INITIAL_TFT } from "../helpers/fixture";
import { earn, openOrder, passVetoWindow, registerNode, settle, startEpoch, submitReceipts } from "../helpers/market";
import { impersonate, systemOf } from "../helpers/system";
import { finalBucket } from "../helpers/rewards";

const MAX_EPOCH_LENGTH = 30n * DAY;

describe("RewardPool", () => {
  describe("constructor", () => {
    for (const [name, epochLength] of [
      ["below a minute", MINUTE - 1n],
      ["above 30 days", MAX_EPOCH_LENGTH + 1n],
    ] as const) {
      it(`refuses an epoch a second ${name}`, async () => {
        const { contracts } = await loadFixture(deployProtocolFixture);

        await expect(ethers.deployContract("RewardPool", [systemOf(contracts), epochLength]))
          .to.be.revertedWithCustomError(contracts.pool, "Pool_EpochLengthOutOfBounds")
          .withArgs(epochLength, MINUTE, MAX_EPOCH_LENGTH);
      });
    }

    for (const [name, epochLength] of [
      ["a minute", MINUTE],
      ["30 days", MAX_EPOCH_LENGTH],
    ] as const) {
      it(`takes an epoch of ${name}`, async () => {
        const { contracts } = await loadFixture(deployProtocolFixture);

        const pool = await ethers.deployContract("RewardPool", [systemOf(contracts), epochLength]);

        expect(await pool.EPOCH_LENGTH()).to.equal(epochLength);
      });
    }

    it("knows the token, the controller and the escrow", async () => {
      const { contracts, params } = await loadFixture(deployProtocolFixture);
      const { pool, tft, controller, escrow } = contracts;

      expect(await pool.TFT()).to.equal(tft);
      expect(await pool.CONTROLLER()).to.equal(controller);
      expect(await pool.ESCROW()).to.equal(escrow);
      expect(await pool.EPOCH_LENGTH()).to.equal(params.epochLength);
    });
  });

  describe("addWeights", () => {
    it("refuses everyone but the escrow", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { pool, tft, controller } = contracts;

      for (const caller of [actors.stranger, actors.admin, await impersonate(controller)]) {
        await expect(pool.connect(caller).addWeights(tft, [caller], [1n]))
          .to.be.revertedWithCustomError(pool, "Pool_NotEscrow")
          .withArgs(caller);
      }
    });

    it("refuses more weight in a bucket than 128 bits hold", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { pool, usd, escrow } = contracts;
      const all = 2n ** 128n - 1n;

      await expect(pool.connect(await impersonate(escrow)).addWeights(usd, [actors.stranger, actors.admin], [all, 1n]))
        .to.be.revertedWithCustomError(pool, "SafeCastOverflowedUintDowncast")
        .withArgs(128n, all + 1n);
    });

    it("adds what receipts earned to the open round of their asset", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, usd, dai } = protocol.contracts;
      const [miner, other] = protocol.actors.miners;

      const round = await earn(protocol, [
        { asset: usd, amount: 5n, miner },
        { asset: usd, amount: 7n, miner: other },
        { asset: dai, amount: 11n, miner },
      ]);

      const [usdId, daiId] = [await pool.bucketId(round, usd), await pool.bucketId(round, dai)];
      expect(await pool.bucket(usdId)).to.deep.equal([12n, 0n, false]);
      expect(await pool.bucket(daiId)).to.deep.equal([11n, 0n, false]);
      expect(await pool.weightOf(usdId, miner)).to.equal(5n);
      expect(await pool.weightOf(usdId, other)).to.equal(7n);
      expect(await pool.weightOf(daiId, miner)).to.equal(11n);
      expect(await pool.weightOf(daiId, other)).to.equal(0n);
    });

    it("tells what each settlement added, and opens the round with the first weight only", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, usd } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const [renter] = protocol.actors.renters;
      await startEpoch(protocol);
      const nodeId = await registerNode(protocol, miner);
      const orderIds = [
        await openOrder(protocol, renter, usd, { maxUnitPrice: 5n }),
        await openOrder(protocol, renter, usd, { maxUnitPrice: 7n }),
        await openOrder(protocol, renter, usd, { maxUnitPrice: 9n }),
      ];
      await time.increase(HOUR);
      const measuredAt = BigInt(await time.latest());
      const receipts = orderIds.map((orderId) => ({ orderId, nodeId, cumulativeTU: TU, measuredAt }));
      const tree = await submitReceipts(protocol, receipts);
      await passVetoWindow(protocol);
      const id = await pool.bucketId(1n, usd);

      const first = settle(protocol, usd, tree, receipts.slice(0, 2));

      await expect(first).to.emit(pool, "WeightAdded").withArgs(id, 12n);
      await expect(first).to.emit(pool, "RoundOpened").withArgs(id, 1n, usd);

      // of these receipts one was settled before and adds nothing
      const second = settle(protocol, usd, tree, receipts.slice(1));

      await expect(second).to.emit(pool, "WeightAdded").withArgs(id, 9n);
      await expect(second).not.to.emit(pool, "RoundOpened");
      expect(await pool.weightOf(id, miner)).to.equal(21n);
    });
  });

  describe("addReward", () => {
    it("refuses everyone but the controller", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { pool, escrow } = contracts;

      for (const caller of [actors.stranger, actors.admin, await impersonate(escrow)]) {
        await expect(pool.connect(caller).addReward(1n, 1n, true))
          .to.be.revertedWithCustomError(pool, "Pool_NotController")
          .withArgs(caller);
      }
    });

    it("refuses more reward in a bucket than 96 bits hold", async () => {
      const { pool, controller } = (await loadFixture(deployProtocolFixture)).contracts;

      await expect(pool.connect(await impersonate(controller)).addReward(1n, 2n ** 96n, true))
        .to.be.revertedWithCustomError(pool, "SafeCastOverflowedUintDowncast")
        .withArgs(96n, 2n ** 96n);
    });

    it("refuses a reward for a bucket that is final, be it the last of it or not [T18]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, controller } = protocol.contracts;
      const { id } = await finalBucket(protocol, [protocol.actors.miners[0], TFT]);
      const before = await pool.bucket(id);
      const broken = pool.connect(await impersonate(controller));

      for (const isFinal of [false, true]) {
        await expect(broken.addReward(id, 0n, isFinal))
          .to.be.revertedWithCustomError(pool, "Pool_FinalBucket")
          .withArgs(id);
      }
      expect(await pool.bucket(id)).to.deep.equal(before);
    });

    it("adds up the reward of each fill, and is final with the last", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft, usd, controller } = protocol.contracts;
      const { bidder, miners } = protocol.actors;
      const round = await earn(protocol, [{ asset: usd, amount: 1_000n, miner: miners[0] }]);
      await startEpoch(protocol);
      await tft.connect(bidder).approve(controller, INITIAL_TFT);
      const id = await pool.bucketId(round, usd);
      const buy = (amount: bigint) => controller.connect(bidder).buy(usd, round, amount, 2n ** 255n, bidder, "0x");

      const first = await buy(600n);
      const { reward: firstReward } = await pool.bucket(id);
      await expect(first).to.emit(pool, "RewardAdded").withArgs(id, firstReward, false);
      await expect(first).to.changeTokenBalance(tft, pool, firstReward);

      const second = await buy(400n);
      const { reward, isFinal } = await pool.bucket(id);
      await expect(second)
        .to.emit(pool, "RewardAdded")
        .withArgs(id, reward - firstReward, true);
      await expect(second).to.changeTokenBalance(tft, pool, reward - firstReward);
      expect(isFinal).to.equal(true);
      expect(firstReward).to.be.greaterThan(0n);
      expect(reward).to.be.greaterThan(firstReward);
    });
  });

  describe("places of weights", () => {
    /** How many rounds apart two weights share a place. */
    const PLACES = 10n;

    /** Slot of the mapping of weights that have one of their own, by the storage layout. */
    const DISPLACED_SLOT = 3;
    const coder = AbiCoder.defaultAbiCoder();

    /** Rounds of dollars, one an epoch, in which a miner earns as much as each round's number, and another miner 1. */
    async function stageWeights() {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, usd, tft, escrow, controller } = protocol.contracts;
      const [asEscrow, asController] = [await impersonate(escrow), await impersonate(controller)];
      const [miner, other] = protocol.actors.miners;
      await tft.connect(protocol.actors.treasury).transfer(pool, 1_000n * TFT);
      const idOf = (round: bigint) => pool.bucketId(round, usd);
      const earnMore = (amount: bigint) => pool.connect(asEscrow).addWeights(usd, [miner, other], [amount, 1n]);
      /** Earns in the next rounds up to this one; each is final with 100 TFT when the next one opens. */
      const earnUntil = async (last: bigint) => {
        for (let open = 0n; open < last;) {
          await startEpoch(protocol);
          const [closed] = await pool.closedRound(usd);
          if (closed !== 0n) await pool.connect(asController).addReward(await idOf(closed), 100n, true);
          open = await pool.openRound(usd);
          await earnMore(open);
        }
      };
      const weights = async (rounds: bigint[]) =>
        Promise.all(rounds.map(async (round) => pool.weightOf(await idOf(round), miner)));
      const claim = async (rounds: bigint[], by = miner) =>
        pool.connect(by).claim(await Promise.all(rounds.map(idOf)), by);
      /** What a weight of the round's number earns of 100 TFT beside another of 1. */
      const part = (round: bigint) => (100n * round) / (round + 1n);
      /** Which of these rounds' weights have a slot of their own, for want of a free place. */
      const displaced = async (rounds: bigint[]) => {
        const slots = rounds.map(async (round) => {
          const inner = keccak256(coder.encode(["uint256", "uint256"], [await idOf(round), DISPLACED_SLOT]));
          const slot = keccak256(coder.encode(["address", "bytes32"], [miner.address, inner]));
          return BigInt(await ethers.provider.getStorage(pool, slot));
        });
        const words = await Promise.all(slots);
        return rounds.filter((_, i) => words[i] !== 0n);
      };
      return { pool, tft, miner, other, earnMore, earnUntil, weights, claim, displaced, part };
    }

    const range = (first: bigint, last: bigint) =>
      Array.from({ length: Number(last - first) + 1 }, (_, i) => first + BigInt(i));

    it("keep every weight of a miner who claims nothing, round after round", async () => {
      const { tft, miner, earnUntil, weights, claim, part } = await stageWeights();
      const last = 3n * PLACES + 2n;
      await earnUntil(last);

      expect(await weights(range(1n, last))).to.deep.equal(range(1n, last));
      const final = range(1n, last - 1n);
      const all = final.reduce((sum, round) => sum + part(round), 0n);
      await expect(claim(final)).to.changeTokenBalance(tft, miner, all);
      expect(await weights(range(1n, last))).to.deep.equal([...final.map(() => 0n), last]);
      await expect(claim(final)).to.changeTokenBalance(tft, miner, 0n);
    });

    it("keep a round's weight whole when its place is claimed in the middle of it", async () => {
      const { tft, miner, earnMore, earnUntil, weights, claim, part } = await stageWeights();
      await earnUntil(PLACES + 1n); // whose place the first round's weight is in
      await expect(claim([1n])).to.changeTokenBalance(tft, miner, part(1n));
      await earnMore(5n);

      const weight = PLACES + 1n + 5n;
      expect(await weights([1n, PLACES + 1n])).to.deep.equal([0n, weight]);
      await earnUntil(PLACES + 2n);
      await expect(claim([PLACES + 1n])).to.changeTokenBalance(tft, miner, (100n * weight) / (weight + 2n));
      expect(await weights([PLACES + 1n])).to.deep.equal([0n]);
    });

    it("pay one unit in a slot of its own once", async () => {
      const { tft, other, earnUntil, claim } = await stageWeights();
      const round = PLACES + 1n; // whose place the first round's weight is in
      await earnUntil(round + 1n);

      await expect(claim([round], other)).to.changeTokenBalance(tft, other, 100n / (round + 1n));
      await expect(claim([round], other)).to.changeTokenBalance(tft, other, 0n);
    });

    it("are taken over by the next round but those of weights not claimed", async () => {
      const { miner, pool, earnUntil, weights, claim } = await stageWeights();
      await earnUntil(PLACES);
      await claim([2n, 3n]);
      await earnUntil(2n * PLACES);
      await claim([1n, 4n]);
      await earnUntil(3n * PLACES + 1n);

      const claimed = [1n, 2n, 3n, 4n];
      const kept = range(1n, 3n * PLACES + 1n).filter((round) => !claimed.includes(round));
      expect(await weights(kept)).to.deep.equal(kept);
      expect(await weights(claimed)).to.deep.equal([0n, 0n, 0n, 0n]);
      expect(await pool.weightOf(0n, miner)).to.equal(0n);
    });

    it("are free for each round of a miner who claims once a week", async () => {
      const { earnUntil, claim, displaced } = await stageWeights();
      for (let week = 0n; week < 4n; ++week) {
        await earnUntil(7n * week + PLACES - 1n);
        await claim(range(7n * week + 1n, 7n * week + 7n));
      }
      expect(await displaced(range(1n, 4n * 7n + 2n))).to.deep.equal([]);

      await earnUntil(5n * 7n + PLACES);
      expect(await displaced(range(1n, 5n * 7n + PLACES))).to.not.deep.equal([]);
    });
  });
});
