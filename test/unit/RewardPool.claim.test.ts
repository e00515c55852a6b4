import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { claimShare, HOUR, TU, WAD as TFT } from "@turingfog/sdk";
import { expect } from "chai";
import { ZeroAddress } from "ethers";
import fc from "fast-check";
import { deployProtocolFixture, INITIAL_TFT } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { earn, openOrder, passVetoWindow, registerNode, settle, startEpoch, submitReceipts } from "../helpers/market";
import { SEED, closedBucket, finalBucket } from "../helpers/rewards";

describe("RewardPool", () => {
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

    it("pays each miner their part of the reward, and tells of it", async () => {
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

    it("pays to whomever the miner names [T20]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const { miners, stranger } = protocol.actors;
      const { id, reward } = await finalBucket(protocol, [miners[0], TFT]);

      const claim = pool.connect(miners[0]).claim([id], stranger);

      await expect(claim).to.changeTokenBalances(tft, [pool, miners[0], stranger], [-reward, 0n, reward]);
      await expect(claim).to.emit(pool, "Claimed").withArgs(miners[0], stranger, [id], reward);
    });

    it("pays a contract that earned, when it claims by itself [T20]", async () => {
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

    it("pays nothing of a bucket before it is final, and all of it afterwards [T17]", async () => {
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

    it("pays nothing to someone who earned nothing in it [T17]", async () => {
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

    it("pays nothing the second time [T16]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const [miner, other] = protocol.actors.miners;
      const { id } = await finalBucket(protocol, [miner, TFT], [other, TFT]);
      await pool.connect(miner).claim([id], miner);

      await expect(pool.connect(miner).claim([id], miner)).to.changeTokenBalances(tft, [pool, miner], [0n, 0n]);
    });

    it("pays a bucket once when it is repeated, and the rest in full [T16]", async () => {
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

    it("clears the miner's weight, and leaves the bucket and the others' as they were [T17]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool } = protocol.contracts;
      const [miner, other] = protocol.actors.miners;
      const { id, reward } = await finalBucket(protocol, [miner, TFT], [other, 2n * TFT]);

      await pool.connect(miner).claim([id], miner);

      expect(await pool.weightOf(id, miner)).to.equal(0n);
      expect(await pool.weightOf(id, other)).to.equal(2n * TFT);
      expect(await pool.bucket(id)).to.deep.equal([3n * TFT, reward, true]);
    });

    it("rounds each part down, so that less than a unit per miner is left [T19]", async () => {
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

    it(`pays the same in any grouping and order, and never more than the reward (seed ${SEED}) [T5] [T16] [T17] [T19] [random]`, async () => {
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

    it("pays the same when someone has sent the pool TFT [T25]", async () => {
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

    it("pays for a receipt settled late in the round open by then, and the earlier bucket stays as it was [T18]", async () => {
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
    it("pays the miner, whoever calls [T20]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const { miners, stranger } = protocol.actors;
      const { id, reward } = await finalBucket(protocol, [miners[0], TFT]);

      const claim = pool.connect(stranger).claimFor(miners[0], [id]);

      await expect(claim).to.changeTokenBalances(tft, [pool, miners[0], stranger], [-reward, reward, 0n]);
      await expect(claim).to.emit(pool, "Claimed").withArgs(miners[0], miners[0], [id], reward);
    });

    it("pays the recipient that the miner has set [T20]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { pool, tft } = protocol.contracts;
      const { miners, stranger, treasury } = protocol.actors;
      const { id, reward } = await finalBucket(protocol, [miners[0], TFT]);
      await pool.connect(miners[0]).setRecipient(treasury);

      const claim = pool.connect(stranger).claimFor(miners[0], [id]);

      await expect(claim).to.changeTokenBalances(tft, [pool, miners[0], treasury], [-reward, 0n, reward]);
      await expect(claim).to.emit(pool, "Claimed").withArgs(miners[0], treasury, [id], reward);
    });

    it("returns what it pays, and pays each bucket once [T16]", async () => {
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
