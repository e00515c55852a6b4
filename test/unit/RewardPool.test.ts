import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { loadFixture, mine, time } from "@nomicfoundation/hardhat-network-helpers";
import { claimShare, DAY, HOUR, max, MINUTE, TU, WAD as TFT } from "@turingfog/sdk";
import { expect } from "chai";
import { AbiCoder, type ContractTransactionResponse, keccak256, type Overrides, ZeroAddress } from "ethers";
import fc from "fast-check";
import { ethers, network } from "hardhat";

import { deployProtocolFixture, INITIAL_TFT, type Protocol } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { earn, openOrder, passVetoWindow, registerNode, settle, startEpoch, submitReceipts } from "../helpers/market";
import { impersonate, systemOf } from "../helpers/system";

const SEED = Number(process.env.SEED ?? 1);

/** The local parameters' epoch. */
const EPOCH = DAY;

const MAX_EPOCH_LENGTH = 30n * DAY;

/** What a miner earned, in TFT. */
type Weight = readonly [miner: HardhatEthersSigner, amount: bigint];

/** A bucket of TFT in which miners have earned, and whose round has closed; it is not final yet. */
async function closedBucket(protocol: Protocol, ...weights: Weight[]): Promise<{ round: bigint; id: bigint }> {
  const { tft, pool } = protocol.contracts;
  const round = await earn(
    protocol,
    weights.map(([miner, amount]) => ({ asset: tft, miner, amount })),
  );
  await startEpoch(protocol);
  return { round, id: await pool.bucketId(round, tft) };
}

/** A bucket of TFT in which miners have earned, and that is final. */
async function finalBucket(protocol: Protocol, ...weights: Weight[]): Promise<{ id: bigint; reward: bigint }> {
  const { controller, pool } = protocol.contracts;
  const { round, id } = await closedBucket(protocol, ...weights);
  await controller.burn(round);
  return { id, reward: (await pool.bucket(id)).reward };
}

/** What `closedRound` answers for none. */
const NONE = [0n, 0n, 0n];

/** USD's rounds, with escrow and controller played by hand, so that each call comes in an exact second. */
async function stageRounds() {
  const protocol = await loadFixture(deployProtocolFixture);
  const { pool, usd, escrow, controller } = protocol.contracts;
  const [asEscrow, asController] = [await impersonate(escrow), await impersonate(controller)];
  const [miner] = protocol.actors.miners;
  // of an epoch that has not begun yet
  const end = ((await startEpoch(protocol)) + 2n) * EPOCH;

  const earning = (amount: bigint) => (overrides: Overrides) =>
    pool.connect(asEscrow).addWeights(usd, [miner], [amount], overrides);
  const finish = (round: bigint) => async (overrides: Overrides) =>
    pool.connect(asController).addReward(await pool.bucketId(round, usd), 0n, true, overrides);
  const at = async (second: bigint, call: Call) => {
    await time.setNextBlockTimestamp(second);
    return call({});
  };
  return {
    pool,
    usd,
    end,
    earn: earning,
    finish,
    earnAt: async (second: bigint, amount: bigint) => at(second, earning(amount)),
    finishAt: async (second: bigint, round: bigint) => at(second, finish(round)),
  };
}

type Call = (overrides: Overrides) => Promise<ContractTransactionResponse>;

/** Mines calls of different accounts in one block, in their order. */
async function inOneBlock(second: bigint, calls: readonly Call[]): Promise<void> {
  await network.provider.send("evm_setAutomine", [false]);
  try {
    // the dearer ones are mined first
    const prices = calls.map((_, i) => 10n ** 11n - BigInt(i));
    const sent: ContractTransactionResponse[] = [];
    for (const [i, call] of calls.entries()) sent.push(await call({ gasPrice: prices[i], gasLimit: 1_000_000n }));
    await time.setNextBlockTimestamp(second);
    await mine();
    const receipts = await Promise.all(sent.map((each) => each.wait()));
    expect(receipts.map((receipt) => receipt?.index)).to.deep.equal(calls.map((_, i) => i));
    expect(new Set(receipts.map((receipt) => receipt?.blockNumber)).size, "blocks").to.equal(1);
  } finally {
    await network.provider.send("evm_setAutomine", [true]);
  }
}

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

    it("refuses a reward for a bucket that is final, be it the last of it or not", async () => {
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

  describe("rounds", () => {
    it("are counted from 1, and none is closed before anything was earned", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, usd } = protocol.contracts;
      await startEpoch(protocol);

      expect(await pool.openRound(usd)).to.equal(1n);
      expect(await pool.closedRound(usd)).to.deep.equal(NONE);
    });

    it("open with their first weight, which an event tells, and with no later one", async () => {
      const { pool, usd, end, earnAt } = await stageRounds();
      const id = await pool.bucketId(1n, usd);

      await expect(earnAt(end - 100n, 5n))
        .to.emit(pool, "RoundOpened")
        .withArgs(id, 1n, usd);
      await expect(earnAt(end - 50n, 7n)).not.to.emit(pool, "RoundOpened");

      expect(await pool.bucket(id)).to.deep.equal([12n, 0n, false]);
    });

    it("close at the very second in which the epoch of their first weight ends, without a transaction", async () => {
      const { pool, usd, end, earnAt } = await stageRounds();
      await earnAt(end - 100n, 5n);

      await time.increaseTo(end - 1n);
      expect(await pool.openRound(usd)).to.equal(1n);
      expect(await pool.closedRound(usd)).to.deep.equal(NONE);

      await time.increaseTo(end);
      expect(await pool.openRound(usd)).to.equal(2n);
      expect(await pool.closedRound(usd)).to.deep.equal([1n, 5n, end]);
    });

    it("take what is earned in the last second of their epoch, and the next one what is earned a second later", async () => {
      const { pool, usd, end, earnAt } = await stageRounds();
      await earnAt(end - 2n, 5n);
      await earnAt(end - 1n, 7n);

      await expect(earnAt(end, 11n))
        .to.emit(pool, "RoundOpened")
        .withArgs(await pool.bucketId(2n, usd), 2n, usd);

      expect(await pool.closedRound(usd)).to.deep.equal([1n, 12n, end]);
      expect((await pool.bucket(await pool.bucketId(2n, usd))).weight).to.equal(11n);
    });

    it("last a whole epoch when they open in its first second, and a second when they open in its last", async () => {
      for (const openedBefore of [EPOCH, 1n]) {
        const { pool, usd, end, earnAt } = await stageRounds();
        await earnAt(end - openedBefore, 5n);

        await time.increaseTo(end);
        expect(await pool.closedRound(usd)).to.deep.equal([1n, 5n, end]);
      }
    });

    it("stay open without weight, however many epochs pass, and close with the epoch of their first one", async () => {
      const { pool, usd, end, earnAt, finishAt } = await stageRounds();
      await earnAt(end - 100n, 5n);
      await finishAt(end, 1n);
      const later = end + 10n * EPOCH;

      await time.increaseTo(later);
      expect(await pool.openRound(usd)).to.equal(2n);
      expect(await pool.closedRound(usd)).to.deep.equal(NONE);

      await earnAt(later + 100n, 7n);
      await time.increaseTo(later + EPOCH - 1n);
      expect(await pool.closedRound(usd)).to.deep.equal(NONE);
      await time.increaseTo(later + EPOCH);
      expect(await pool.closedRound(usd)).to.deep.equal([2n, 7n, later + EPOCH]);
    });

    it("wait and gather over many epochs while the one before is unsold, so that no third one opens (6.2)", async () => {
      const { pool, usd, end, earnAt } = await stageRounds();
      await earnAt(end - 100n, 5n);

      for (let epoch = 0n; epoch < 12n; epoch++) {
        await earnAt(end + epoch * EPOCH, 7n);
        await earnAt(end + epoch * EPOCH + EPOCH - 1n, 11n);
        expect(await pool.openRound(usd)).to.equal(2n);
        expect(await pool.closedRound(usd)).to.deep.equal([1n, 5n, end]);
      }

      expect(await pool.queryFilter(pool.filters.RoundOpened())).to.have.length(2);
      expect((await pool.bucket(await pool.bucketId(2n, usd))).weight).to.equal(12n * 18n);
    });

    it("close at once when the one before is final and their own epoch is over", async () => {
      const { pool, usd, end, earnAt, finishAt } = await stageRounds();
      await earnAt(end - 100n, 5n);
      await earnAt(end, 7n);
      const finished = end + 3n * EPOCH + 1_234n;

      await finishAt(finished, 1n);
      expect(await pool.closedRound(usd)).to.deep.equal([2n, 7n, finished]);
      expect(await pool.openRound(usd)).to.equal(3n);

      await earnAt(finished + 1n, 11n);
      expect(await pool.closedRound(usd)).to.deep.equal([2n, 7n, finished]);
      expect((await pool.bucket(await pool.bucketId(3n, usd))).weight).to.equal(11n);
    });

    for (const [name, early] of [
      ["early in their epoch", 1_000n],
      ["in the last second of their epoch", EPOCH - 1n],
      ["in the second in which their epoch ends", EPOCH],
    ] as const) {
      it(`close with their epoch when the one before is final ${name}`, async () => {
        const { pool, usd, end, earnAt, finishAt } = await stageRounds();
        await earnAt(end - 100n, 5n);
        await earnAt(end, 7n);

        await finishAt(end + early, 1n);
        if (early < EPOCH) {
          expect(await pool.openRound(usd)).to.equal(2n);
          expect(await pool.closedRound(usd)).to.deep.equal(NONE);
          await time.increaseTo(end + EPOCH);
        }

        expect(await pool.closedRound(usd)).to.deep.equal([2n, 7n, end + EPOCH]);
        expect(await pool.openRound(usd)).to.equal(3n);
      });
    }

    for (const [what, first, weights] of [
      ["belongs to the round that is finished for when it comes first", "earn", [7n + 11n, 0n]],
      ["belongs to the round after it when it comes second", "finish", [7n, 11n]],
    ] as const) {
      it(`in the block of a finish, what is earned ${what}`, async () => {
        const { pool, usd, end, earn: earning, earnAt, finish } = await stageRounds();
        await earnAt(end - 100n, 5n);
        await earnAt(end, 7n);
        const at = end + 2n * EPOCH;

        const calls = [earning(11n), finish(1n)];
        await inOneBlock(at, first === "earn" ? calls : [...calls].reverse());

        expect(await pool.closedRound(usd)).to.deep.equal([2n, weights[0], at]);
        expect((await pool.bucket(await pool.bucketId(3n, usd))).weight).to.equal(weights[1]);
      });

      it(`in the block of a finish, what is earned before its epoch is over is the open round's (${first} first)`, async () => {
        const { pool, usd, end, earn: earning, earnAt, finish } = await stageRounds();
        await earnAt(end - 100n, 5n);
        await earnAt(end, 7n);

        const calls = [earning(11n), finish(1n)];
        await inOneBlock(end + 100n, first === "earn" ? calls : [...calls].reverse());

        expect(await pool.openRound(usd)).to.equal(2n);
        expect((await pool.bucket(await pool.bucketId(2n, usd))).weight).to.equal(18n);
      });
    }

    it("are each asset's own: one that is not sold holds up no other's", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, usd, dai, tft, controller } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const first = await earn(protocol, [
        { asset: usd, amount: 5n, miner },
        { asset: tft, amount: 7n, miner },
      ]);
      await startEpoch(protocol);
      await controller.burn(first);
      const tftOnly = await earn(protocol, [{ asset: tft, amount: 11n, miner }]);
      await startEpoch(protocol);
      await controller.burn(tftOnly);

      expect([await pool.openRound(usd), await pool.openRound(dai), await pool.openRound(tft)]).to.deep.equal([
        2n,
        1n,
        3n,
      ]);
      expect((await pool.closedRound(usd)).round).to.equal(1n);
      expect(await pool.closedRound(dai)).to.deep.equal(NONE);
      expect(await pool.closedRound(tft)).to.deep.equal(NONE);
      const opened = (await pool.queryFilter(pool.filters.RoundOpened())).map(({ args }) => [args.asset, args.round]);
      const [usdAddress, tftAddress] = await Promise.all([usd.getAddress(), tft.getAddress()]);
      expect(opened).to.have.deep.members([
        [usdAddress, 1n],
        [tftAddress, 1n],
        [tftAddress, 2n],
      ]);
    });

    it("of TFT wait for the burn as those of another asset do for the sale", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft, controller } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const first = await earn(protocol, [{ asset: tft, amount: 5n, miner }]);
      const second = await earn(protocol, [{ asset: tft, amount: 7n, miner }]);
      expect(await earn(protocol, [{ asset: tft, amount: 11n, miner }])).to.equal(second);
      await startEpoch(protocol);
      expect((await pool.closedRound(tft)).round).to.equal(first);

      await controller.burn(first);

      const closedAt = BigInt(await time.latest());
      expect(await pool.closedRound(tft)).to.deep.equal([second, 18n, closedAt]);
      expect(await pool.openRound(tft)).to.equal(second + 1n);
    });

    it(`follow the rule through a random life: each number once, and the views tell what happens (seed ${SEED})`, async () => {
      const { pool, usd, end, earnAt, finishAt } = await stageRounds();
      const arbitrary = fc.record({
        action: fc.constantFrom("earn", "finish", "wait"),
        // mostly within an epoch, often in the second in which one ends
        after: fc.oneof(fc.bigInt({ min: 1n, max: EPOCH }), fc.bigInt({ min: EPOCH, max: 4n * EPOCH })),
        atEnd: fc.boolean(),
      });
      // the rounds that have weight, by section 2 of the protocol: when each got its first and when it became final
      const rounds: { firstAt: bigint; weight: bigint; finalAt?: bigint }[] = [];
      const closesAt = (i: number) => {
        const epochEnd = (rounds[i].firstAt / EPOCH + 1n) * EPOCH;
        if (i === 0) return epochEnd;
        const { finalAt } = rounds[i - 1];
        return finalAt === undefined ? undefined : max(epochEnd, finalAt);
      };

      let now = end;
      for (const { action, after, atEnd } of fc.sample(arbitrary, { numRuns: 120, seed: SEED })) {
        now = atEnd ? ((now + after) / EPOCH + 1n) * EPOCH : now + after;
        const isClosed = (i: number) => (closesAt(i) ?? now + 1n) <= now;
        const closed = rounds.findIndex(({ finalAt }, i) => finalAt === undefined && isClosed(i));

        if (action === "finish" && closed >= 0) {
          await finishAt(now, BigInt(closed) + 1n);
          rounds[closed].finalAt = now;
        } else if (action === "earn") {
          await earnAt(now, now);
          const last = rounds.length - 1;
          if (last >= 0 && !isClosed(last)) rounds[last].weight += now;
          else rounds.push({ firstAt: now, weight: now });
        } else await time.increaseTo(now);

        const unfinished = rounds.findIndex(({ finalAt }, i) => finalAt === undefined && isClosed(i));
        const expected =
          unfinished < 0 ? NONE : [BigInt(unfinished) + 1n, rounds[unfinished].weight, closesAt(unfinished)];
        expect(await pool.closedRound(usd)).to.deep.equal(expected);
        const open = rounds.findIndex((_, i) => !isClosed(i));
        expect(await pool.openRound(usd)).to.equal(BigInt(open < 0 ? rounds.length : open) + 1n);
      }

      expect(rounds.length, "rounds in this life").to.be.greaterThan(10);
      for (const [i, { weight, finalAt }] of rounds.entries()) {
        const bucket = await pool.bucket(await pool.bucketId(BigInt(i) + 1n, usd));
        expect(bucket).to.deep.equal([weight, 0n, finalAt !== undefined]);
      }
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

  describe("claim", () => {
    it("refuses to pay to the zero address", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const { id } = await finalBucket(protocol, [miner, TFT]);

      await expect(pool.connect(miner).claim([id], ZeroAddress))
        .to.be.revertedWithCustomError(tft, "ERC20InvalidReceiver")
        .withArgs(ZeroAddress);
    });

    it("pays each miner his part of the reward, and tells of it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const [miner, other] = protocol.actors.miners;
      const { id, reward } = await finalBucket(protocol, [miner, TFT], [other, 3n * TFT]);

      // 80 % of 4 TFT less operations' tenth
      expect(reward).to.equal((4n * TFT * 72n) / 100n);
      const claim = pool.connect(miner).claim([id], miner);
      await expect(claim).to.changeTokenBalances(tft, [pool, miner], [-reward / 4n, reward / 4n]);
      await expect(claim)
        .to.emit(pool, "Claimed")
        .withArgs(miner, miner, [id], reward / 4n);
      await expect(pool.connect(other).claim([id], other)).to.changeTokenBalances(
        tft,
        [pool, other],
        [(-reward * 3n) / 4n, (reward * 3n) / 4n],
      );
    });

    it("returns what it pays", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const { id, reward } = await finalBucket(protocol, [miner, TFT]);

      expect(await pool.connect(miner).claim.staticCall([id], miner)).to.equal(reward);
    });

    it("pays to whomever the miner names", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const { miners, stranger } = protocol.actors;
      const { id, reward } = await finalBucket(protocol, [miners[0], TFT]);

      const claim = pool.connect(miners[0]).claim([id], stranger);

      await expect(claim).to.changeTokenBalances(tft, [pool, miners[0], stranger], [-reward, 0n, reward]);
      await expect(claim).to.emit(pool, "Claimed").withArgs(miners[0], stranger, [id], reward);
    });

    it("pays a contract that earned, when it claims by itself", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft, registry, timelock } = protocol.contracts;
      const { miners, admin, stranger } = protocol.actors;
      const [miner] = miners;
      const [, renter] = protocol.actors.renters;
      await startEpoch(protocol);
      const nodeId = await registerNode(protocol, miner);
      await registry.connect(miner).setPayout(nodeId, timelock);
      const orderId = await openOrder(protocol, renter, tft, { maxUnitPrice: TFT });
      await time.increase(HOUR);
      const receipt = { orderId, nodeId, cumulativeTU: TU, measuredAt: BigInt(await time.latest()) };
      const tree = await submitReceipts(protocol, [receipt]);
      await passVetoWindow(protocol);
      await settle(protocol, tft, tree);
      const round = await pool.openRound(tft);
      await startEpoch(protocol);
      await protocol.contracts.controller.burn(round);
      const id = await pool.bucketId(round, tft);
      const { reward } = await pool.bucket(id);

      await expect(
        asGovernor(timelock, admin, await pool.claim.populateTransaction([id], stranger)),
      ).to.changeTokenBalances(tft, [pool, stranger], [-reward, reward]);
    });

    it("pays nothing of a bucket before it is final, and all of it afterwards", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft, controller } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const { round, id } = await closedBucket(protocol, [miner, TFT]);

      const early = pool.connect(miner).claim([id], miner);
      await expect(early).to.changeTokenBalances(tft, [pool, miner], [0n, 0n]);
      await expect(early).to.emit(pool, "Claimed").withArgs(miner, miner, [id], 0n);

      await controller.burn(round);
      const { reward } = await pool.bucket(id);
      await expect(pool.connect(miner).claim([id], miner)).to.changeTokenBalance(tft, miner, reward);
    });

    it("pays nothing of a lot that is sold in part only", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft, usd, controller } = protocol.contracts;
      const { bidder, miners } = protocol.actors;
      const round = await earn(protocol, [{ asset: usd, amount: 1_000n, miner: miners[0] }]);
      await startEpoch(protocol);
      await tft.connect(bidder).approve(controller, INITIAL_TFT);
      await controller.connect(bidder).buy(usd, round, 500n, 2n ** 255n, bidder, "0x");
      const id = await pool.bucketId(round, usd);

      expect((await pool.bucket(id)).reward).to.be.greaterThan(0n);
      await expect(pool.connect(miners[0]).claim([id], miners[0])).to.changeTokenBalance(tft, miners[0], 0n);
      expect(await pool.weightOf(id, miners[0])).to.equal(1_000n);
    });

    it("pays nothing of an unknown bucket", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft, usd } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const id = await pool.bucketId(12n, usd);

      await expect(pool.connect(miner).claim([id], miner)).to.changeTokenBalances(tft, [pool, miner], [0n, 0n]);
    });

    it("pays nothing to someone who earned nothing in it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const { miners, stranger } = protocol.actors;
      const { id } = await finalBucket(protocol, [miners[0], TFT]);

      await expect(pool.connect(stranger).claim([id], stranger)).to.changeTokenBalances(
        tft,
        [pool, stranger],
        [0n, 0n],
      );
    });

    it("pays nothing the second time", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const [miner, other] = protocol.actors.miners;
      const { id } = await finalBucket(protocol, [miner, TFT], [other, TFT]);
      await pool.connect(miner).claim([id], miner);

      await expect(pool.connect(miner).claim([id], miner)).to.changeTokenBalances(tft, [pool, miner], [0n, 0n]);
    });

    it("pays a bucket once when it is repeated, and the rest in full", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft, usd } = protocol.contracts;
      const [miner, other] = protocol.actors.miners;
      const first = await finalBucket(protocol, [miner, TFT], [other, TFT]);
      const second = await finalBucket(protocol, [miner, 2n * TFT], [other, TFT]);
      const pending = await closedBucket(protocol, [miner, TFT]);
      const unknown = await pool.bucketId(12n, usd);
      const paid = first.reward / 2n + (second.reward * 2n) / 3n;

      const ids = [unknown, first.id, pending.id, first.id, second.id, second.id, first.id];
      await expect(pool.connect(miner).claim(ids, miner)).to.changeTokenBalances(tft, [pool, miner], [-paid, paid]);
    });

    it("clears the miner's weight, and leaves the bucket and the others' as they were", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool } = protocol.contracts;
      const [miner, other] = protocol.actors.miners;
      const { id, reward } = await finalBucket(protocol, [miner, TFT], [other, 2n * TFT]);

      await pool.connect(miner).claim([id], miner);

      expect(await pool.weightOf(id, miner)).to.equal(0n);
      expect(await pool.weightOf(id, other)).to.equal(2n * TFT);
      expect(await pool.bucket(id)).to.deep.equal([3n * TFT, reward, true]);
    });

    it("rounds each part down, so that less than a unit per miner is left", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const { miners } = protocol.actors;
      // of 28 units burned 22 are released, 2 of them to operations
      const { id, reward } = await finalBucket(protocol, [miners[0], 9n], [miners[1], 9n], [miners[2], 10n]);
      expect(reward).to.equal(20n);

      for (const [miner, part] of [
        [miners[0], 6n],
        [miners[1], 6n],
        [miners[2], 7n],
      ] as const) {
        await expect(pool.connect(miner).claim([id], miner)).to.changeTokenBalance(tft, miner, part);
      }

      expect(await tft.balanceOf(pool)).to.equal(1n);
    });

    it("pays a miner who earned a single unit", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      // of the first unit ever burned nothing is released, with the second the first
      await finalBucket(protocol, [miner, 1n]);
      const { id, reward } = await finalBucket(protocol, [miner, 1n]);
      expect(reward).to.equal(1n);

      await expect(pool.connect(miner).claim([id], miner)).to.changeTokenBalance(tft, miner, 1n);
    });

    it(`pays the same in any grouping and order, and never more than the reward (seed ${SEED})`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const { miners } = protocol.actors;
      const amounts = fc.array(fc.bigInt({ min: 1n, max: 10n ** 6n }), { minLength: 3, maxLength: 3 });
      const buckets: { id: bigint; reward: bigint; weights: bigint[]; total: bigint }[] = [];
      for (const weights of fc.sample(amounts, { numRuns: 6, seed: SEED })) {
        const { id, reward } = await finalBucket(protocol, ...weights.map((weight, i) => [miners[i], weight] as const));
        buckets.push({ id, reward, weights, total: weights.reduce((sum, weight) => sum + weight) });
      }
      const partsOf = (i: number) => buckets.map(({ reward, weights, total }) => claimShare(reward, weights[i], total));
      const sum = (values: bigint[]) => values.reduce((total, value) => total + value, 0n);

      // all at once; one by one, backwards; and at random, some of them more than once
      const ids = buckets.map(({ id }) => id);
      const random = fc.sample(fc.array(fc.constantFrom(...ids), { maxLength: 8 }), { numRuns: 5, seed: SEED });
      const groupings = [[ids], [...ids].reverse().map((id) => [id]), [...random, ids]];
      for (const [i, grouping] of groupings.entries()) {
        const before = await tft.balanceOf(miners[i]);
        for (const group of grouping) await pool.connect(miners[i]).claim(group, miners[i]);
        expect((await tft.balanceOf(miners[i])) - before).to.equal(sum(partsOf(i)));
      }

      const left = await tft.balanceOf(pool);
      expect(left).to.equal(sum(buckets.map(({ reward }) => reward)) - sum([0, 1, 2].flatMap(partsOf)));
      expect(left).to.be.lessThan(BigInt(buckets.length * miners.length));
    });

    it("pays the same when someone has sent the pool TFT", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const { miners, treasury } = protocol.actors;
      await tft.connect(treasury).transfer(pool, 1_000n * TFT);
      const { id, reward } = await finalBucket(protocol, [miners[0], TFT]);

      await expect(pool.connect(miners[0]).claim([id], miners[0])).to.changeTokenBalances(
        tft,
        [pool, miners[0]],
        [-reward, reward],
      );
      expect(await tft.balanceOf(pool)).to.equal(1_000n * TFT);
    });

    it("goes on while the network is frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft, oracle } = protocol.contracts;
      const { miners, guardian } = protocol.actors;
      const { id, reward } = await finalBucket(protocol, [miners[0], TFT]);
      await oracle.connect(guardian).freeze();

      await expect(pool.connect(miners[0]).claim([id], miners[0])).to.changeTokenBalance(tft, miners[0], reward);
    });

    it("pays for a receipt settled late in the round open by then, and the earlier bucket stays as it was", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft, controller } = protocol.contracts;
      const { miners, renters } = protocol.actors;
      const [miner] = miners;
      await startEpoch(protocol);
      const firstRound = await pool.openRound(tft);
      const nodeId = await registerNode(protocol, miner);
      const orderIds = [
        await openOrder(protocol, renters[0], tft, { maxUnitPrice: 5n * TFT }),
        await openOrder(protocol, renters[0], tft, { maxUnitPrice: 7n * TFT }),
      ];
      await time.increase(HOUR);
      const measuredAt = BigInt(await time.latest());
      const [early, late] = orderIds.map((orderId) => ({ orderId, nodeId, cumulativeTU: TU, measuredAt }));
      const tree = await submitReceipts(protocol, [early, late]);
      await passVetoWindow(protocol);
      await settle(protocol, tft, tree, [early]);
      await startEpoch(protocol);
      await controller.burn(firstRound);
      const firstId = await pool.bucketId(firstRound, tft);
      const first = await pool.bucket(firstId);

      await settle(protocol, tft, tree, [late]);

      expect(await pool.bucket(firstId)).to.deep.equal(first);
      expect(first).to.deep.equal([5n * TFT, (5n * TFT * 72n) / 100n, true]);
      expect(await pool.bucket(await pool.bucketId(firstRound + 1n, tft))).to.deep.equal([7n * TFT, 0n, false]);
    });
  });

  describe("claimFor", () => {
    it("pays the miner, whoever calls", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const { miners, stranger } = protocol.actors;
      const { id, reward } = await finalBucket(protocol, [miners[0], TFT]);

      const claim = pool.connect(stranger).claimFor(miners[0], [id]);

      await expect(claim).to.changeTokenBalances(tft, [pool, miners[0], stranger], [-reward, reward, 0n]);
      await expect(claim).to.emit(pool, "Claimed").withArgs(miners[0], miners[0], [id], reward);
    });

    it("pays the recipient that the miner has set", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const { miners, stranger, treasury } = protocol.actors;
      const { id, reward } = await finalBucket(protocol, [miners[0], TFT]);
      await pool.connect(miners[0]).setRecipient(treasury);

      const claim = pool.connect(stranger).claimFor(miners[0], [id]);

      await expect(claim).to.changeTokenBalances(tft, [pool, miners[0], treasury], [-reward, 0n, reward]);
      await expect(claim).to.emit(pool, "Claimed").withArgs(miners[0], treasury, [id], reward);
    });

    it("returns what it pays, and pays each bucket once", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const [miner, other] = protocol.actors.miners;
      const { id, reward } = await finalBucket(protocol, [miner, TFT], [other, TFT]);

      expect(await pool.claimFor.staticCall(miner, [id, id])).to.equal(reward / 2n);
      await pool.claimFor(miner, [id]);
      await expect(pool.claimFor(miner, [id])).to.changeTokenBalances(tft, [pool, miner], [0n, 0n]);
    });
  });

  describe("setRecipient", () => {
    it("tells the old and the new recipient; zero is the miner himself again", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const { miners, treasury } = protocol.actors;
      const [miner] = miners;
      const { id, reward } = await finalBucket(protocol, [miner, TFT]);

      await expect(pool.connect(miner).setRecipient(treasury))
        .to.emit(pool, "RecipientSet")
        .withArgs(miner, ZeroAddress, treasury);
      expect(await pool.recipientOf(miner)).to.equal(treasury);
      await expect(pool.connect(miner).setRecipient(ZeroAddress))
        .to.emit(pool, "RecipientSet")
        .withArgs(miner, treasury, ZeroAddress);
      expect(await pool.recipientOf(miner)).to.equal(ZeroAddress);

      await expect(pool.claimFor(miner, [id])).to.changeTokenBalance(tft, miner, reward);
    });
  });

  describe("bucketId", () => {
    it("is round << 160 | asset", async () => {
      const { pool, usd } = (await loadFixture(deployProtocolFixture)).contracts;

      expect(await pool.bucketId(20_000n, usd)).to.equal((20_000n << 160n) | BigInt(await usd.getAddress()));
    });
  });

  describe("claimable", () => {
    it("is what claim pays for the same buckets, whatever they are", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, usd } = protocol.contracts;
      const { miners, stranger } = protocol.actors;
      const [miner, other] = miners;
      const first = await finalBucket(protocol, [miner, 7n], [other, 15n]);
      const second = await finalBucket(protocol, [miner, TFT], [other, TFT]);
      const claimed = await finalBucket(protocol, [miner, TFT]);
      await pool.connect(miner).claim([claimed.id], miner);
      const pending = await closedBucket(protocol, [miner, TFT]);
      const unknown = await pool.bucketId(12n, usd);

      const ids = [first.id, pending.id, first.id, unknown, second.id, claimed.id, second.id];
      expect(await pool.claimable(miner, ids)).to.equal((first.reward * 7n) / 22n + second.reward / 2n);
      for (const account of [miner, other, stranger]) {
        expect(await pool.claimable(account, ids)).to.equal(await pool.connect(account).claim.staticCall(ids, account));
      }
    });
  });
});
