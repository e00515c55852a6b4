import { loadFixture, mine, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, max } from "@turingfog/sdk";
import { expect } from "chai";
import { type ContractTransactionResponse, type Overrides } from "ethers";
import fc from "fast-check";
import { network } from "hardhat";
import { deployProtocolFixture } from "../helpers/fixture";
import { earn, startEpoch } from "../helpers/market";
import { impersonate } from "../helpers/system";
import { SEED } from "../helpers/rewards";

/** The local parameters' epoch. */
const EPOCH = DAY;

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

    it("take what is earned in the last second of their epoch, and the next one what is earned a second later [T18]", async () => {
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

    it(`follow the rule through a random life: each number once, and the views tell what happens (seed ${SEED}) [random]`, async () => {
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
});
