import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { attainableTU, depositOf, earnedBy, HOUR, max, min, MINUTE, SkipReason, TU } from "@turingfog/sdk";
import { expect } from "chai";
import fc from "fast-check";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { openOrder, passVetoWindow, registerNode, settle, startEpoch, submitReceipts } from "../helpers/market";
import { deliver, expectSoundBooks, startOf } from "../helpers/orders";
import { UNIT_PRICE, ONE_A_DAY, openJob, receiptOf, weightOf } from "../helpers/settling";

const SEED = Number(process.env.SEED ?? 1);

describe("ComputeEscrow, settling", () => {
  describe("rounding and order of arrival", () => {
    it("earns by many receipts what one would have earned [T3]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const job = await openJob(protocol, { unitPrice: 7n });
      await time.increase(HOUR);
      const receipts = Array.from({ length: 20 }, (_, i) =>
        receiptOf(job, (BigInt(i + 1) * TU) / 20n, BigInt(job.startedAt) + MINUTE * BigInt(i + 1)),
      );
      const tree = await submitReceipts(protocol, receipts);
      await time.increase(protocol.params.vetoWindow);
      await startEpoch(protocol);

      for (const receipt of receipts) {
        const before = await escrow.liabilities(usd);
        await settle(protocol, usd, tree, [receipt]);
        const added = earnedBy(receipt.cumulativeTU, 7n) - earnedBy(receipt.cumulativeTU - TU / 20n, 7n);
        expect(before - (await escrow.liabilities(usd))).to.equal(added);
      }

      expect(await weightOf(protocol, usd, miner.address)).to.equal(7);
      expect(await escrow.liabilities(usd)).to.equal(0);
      await expectSoundBooks(protocol, usd);
    });

    it(`ends in the same balances whatever the order, grouping and repetition of one node's receipts (seed ${SEED}) [T5] [T9] [random]`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const unitPrice = 1_000_003n;
      const claims = fc.record({
        tu: fc.bigInt({ min: 0n, max: TU / 2n }),
        minute: fc.bigInt({ min: 0n, max: 200n }),
      });
      // a second apart, so that no two receipts are the same
      const secondsOf = (minute: bigint, i: number) => MINUTE * minute + BigInt(i);
      const calls = fc.array(fc.array(fc.nat(5), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 });

      await fc.assert(
        fc.asyncProperty(fc.array(claims, { minLength: 6, maxLength: 6 }), calls, async (drawn, grouping) => {
          await startEpoch(protocol);
          // twins: the one settles what comes, as it comes; the other all of it at once
          const twins = [
            await openJob(protocol, { hardware: ONE_A_DAY, unitPrice }),
            await openJob(protocol, { hardware: ONE_A_DAY, unitPrice }),
          ];
          await time.increase(4n * HOUR);
          const [first, second] = twins.map((job) =>
            drawn.map(({ tu, minute }, i) => receiptOf(job, tu, job.startedAt + secondsOf(minute, i))),
          );
          const tree = await submitReceipts(protocol, [...first, ...second]);
          await startEpoch(protocol);
          const before = await weightOf(protocol, usd, miner.address);

          const came = new Set<number>();
          for (const call of grouping) {
            call.forEach((i) => came.add(i));
            const distinct = [...new Set(call)];
            await settle(
              protocol,
              usd,
              tree,
              distinct.map((i) => first[i]),
            );
          }
          const earned = (await weightOf(protocol, usd, miner.address)) - before;
          await settle(
            protocol,
            usd,
            tree,
            [...came].map((i) => second[i]),
          );

          const settledTU = await escrow.settledTU(twins[0].orderId, twins[0].nodeId);
          const best = [...came].map((i) => min(drawn[i].tu, attainableTU(TU, secondsOf(drawn[i].minute, i))));
          expect(settledTU).to.equal(best.reduce(max));
          expect(await escrow.settledTU(twins[1].orderId, twins[1].nodeId)).to.equal(settledTU);
          expect(earned).to.equal(earnedBy(settledTU, unitPrice));
          expect(await weightOf(protocol, usd, miner.address)).to.equal(before + 2n * earned);
        }),
        { seed: SEED, numRuns: 12, endOnFailure: true },
      );
      await expectSoundBooks(protocol, usd);
    });
  });

  describe("joint orders", () => {
    /** A joint order of the first renter and a node of each miner. */
    async function openJoint(protocol: Protocol, tuAmount: bigint, unitPrice: bigint, hardware = {}) {
      const { contracts, actors } = protocol;
      const nodeIds: bigint[] = [];
      for (const miner of actors.miners) nodeIds.push(await registerNode(protocol, miner, hardware));
      const orderId = await openOrder(protocol, actors.renters[0], contracts.usd, {
        tuAmount,
        maxUnitPrice: unitPrice,
      });
      const startedAt = await startOf(protocol, orderId);
      return { orderId, nodeIds, startedAt };
    }

    it("pay each node for itself, rounded down, and refund the rest to the unit", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const { orderId, nodeIds, startedAt } = await openJoint(protocol, TU, 10n);
      await time.increase(HOUR);
      const measuredAt = startedAt + HOUR;
      const third = TU / 3n;

      const settling = await deliver(
        protocol,
        usd,
        nodeIds.map((nodeId) => ({ orderId, nodeId, cumulativeTU: third, measuredAt })),
      );

      for (const [i, nodeId] of nodeIds.entries()) {
        await expect(settling)
          .to.emit(escrow, "ReceiptSettled")
          .withArgs(orderId, nodeId, actors.miners[i].address, third, 3);
        expect(await escrow.settledTU(orderId, nodeId)).to.equal(third);
        expect(await weightOf(protocol, usd, actors.miners[i].address)).to.equal(3);
      }
      const { tuSettled, deposit, earned } = await escrow.order(orderId);
      // the three together would have earned 9.99…, the order's own floor is 9 as well
      expect([tuSettled, deposit, earned]).to.deep.equal([3n * third, 10n, 9n]);
      expect((await escrow.refundable(orderId)).amount).to.equal(1);
      await expectSoundBooks(protocol, usd);
    });

    it("earn by later receipts what one would have earned, whatever the price", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, dai } = contracts;
      const unitPrice = 10n ** 36n;
      await dai.mint(actors.renters[0], depositOf(TU, unitPrice));
      const nodeId = await registerNode(protocol, actors.miners[0]);
      const orderId = await openOrder(protocol, actors.renters[0], dai, { maxUnitPrice: unitPrice });
      const startedAt = await startOf(protocol, orderId);
      await time.increase(2n * HOUR);

      for (const hours of [1n, 2n]) {
        const cumulativeTU = (hours * TU) / 3n;
        await deliver(protocol, dai, [{ orderId, nodeId, cumulativeTU, measuredAt: startedAt + hours * HOUR }]);
        const { tuSettled, earned } = await escrow.order(orderId);
        expect([tuSettled, earned]).to.deep.equal([cumulativeTU, earnedBy(cumulativeTU, unitPrice)]);
      }
      await expectSoundBooks(protocol, dai);
    });

    it("lose less than a unit per node by rounding, and refund that", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const { orderId, nodeIds, startedAt } = await openJoint(protocol, TU, 2n);
      await time.increase(HOUR);
      const measuredAt = startedAt + HOUR;
      const [a, b, c] = nodeIds;

      // a third of 2 is 0.66…: nobody earns anything, though all was delivered
      await deliver(protocol, usd, [
        { orderId, nodeId: a, cumulativeTU: TU / 3n, measuredAt },
        { orderId, nodeId: b, cumulativeTU: TU / 3n, measuredAt },
        { orderId, nodeId: c, cumulativeTU: TU / 3n + 1n, measuredAt },
      ]);

      const { tuSettled, earned } = await escrow.order(orderId);
      expect([tuSettled, earned]).to.deep.equal([TU, 0n]);
      await expect(escrow.close(orderId)).to.changeTokenBalances(usd, [escrow, actors.renters[0]], [-2n, 2n]);
      await expectSoundBooks(protocol, usd);
    });

    it("give the last node what the others have left [T6]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const { orderId, nodeIds, startedAt } = await openJoint(protocol, 10n * TU, UNIT_PRICE);
      await time.increase(HOUR);
      const measuredAt = startedAt + HOUR;
      const [a, b, c] = nodeIds;
      await deliver(protocol, usd, [{ orderId, nodeId: a, cumulativeTU: 4n * TU, measuredAt }]);
      await deliver(protocol, usd, [{ orderId, nodeId: b, cumulativeTU: 5n * TU, measuredAt }]);

      await expect(deliver(protocol, usd, [{ orderId, nodeId: c, cumulativeTU: 2n * TU, measuredAt }]))
        .to.emit(escrow, "ReceiptSettled")
        .withArgs(orderId, c, protocol.actors.miners[2].address, TU, UNIT_PRICE);
      await expect(deliver(protocol, usd, [{ orderId, nodeId: a, cumulativeTU: 5n * TU, measuredAt }]))
        .to.emit(escrow, "ReceiptSkipped")
        .withArgs(orderId, a, SkipReason.NothingNew);

      expect(await escrow.liabilities(usd)).to.equal(0);
      await expectSoundBooks(protocol, usd);
    });

    it("hold each node to its own speed [T14]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const { orderId, nodeIds, startedAt } = await openJoint(protocol, 10n * TU, UNIT_PRICE, ONE_A_DAY);
      await time.increase(HOUR);
      const measuredAt = startedAt + HOUR;

      await deliver(
        protocol,
        usd,
        nodeIds.map((nodeId) => ({ orderId, nodeId, cumulativeTU: TU, measuredAt })),
      );

      for (const nodeId of nodeIds) expect(await escrow.settledTU(orderId, nodeId)).to.equal(attainableTU(TU, HOUR));
    });

    it(`keep exact books whatever three nodes deliver (seed ${SEED}) [T6] [T29] [random]`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const draw = fc.record({
        tuAmount: fc.bigInt({ min: 1n, max: 3n * TU }),
        unitPrice: fc.bigInt({ min: 1n, max: 1_000n }),
        claims: fc.array(fc.record({ node: fc.nat(2), tu: fc.bigInt({ min: 0n, max: 2n * TU }) }), {
          minLength: 1,
          maxLength: 8,
        }),
      });

      await fc.assert(
        fc.asyncProperty(draw, async ({ tuAmount, unitPrice, claims }) => {
          const { orderId, nodeIds, startedAt } = await openJoint(protocol, tuAmount, unitPrice);
          await time.increase(HOUR);
          const receipts = claims.map(({ node, tu }, i) => ({
            orderId,
            nodeId: nodeIds[node],
            cumulativeTU: tu,
            measuredAt: startedAt + HOUR - BigInt(i), // a second apart, so that no two are the same
          }));
          const tree = await submitReceipts(protocol, receipts);
          await passVetoWindow(protocol);

          const delivered = [0n, 0n, 0n];
          for (const [i, receipt] of receipts.entries()) {
            await settle(protocol, usd, tree, [receipt]);
            const { node } = claims[i];
            const others = delivered.reduce((a, b) => a + b) - delivered[node];
            const reached = receipt.cumulativeTU < tuAmount - others ? receipt.cumulativeTU : tuAmount - others;
            if (reached > delivered[node]) delivered[node] = reached;

            const { tuSettled, deposit, earned } = await escrow.order(orderId);
            expect(tuSettled).to.equal(delivered.reduce((a, b) => a + b));
            expect(earned).to.equal(delivered.map((tu) => earnedBy(tu, unitPrice)).reduce((a, b) => a + b));
            expect((await escrow.refundable(orderId)).amount).to.equal(deposit - earned);
          }

          const { deposit, earned, endsAt } = await escrow.order(orderId);
          await time.increaseTo(endsAt + protocol.params.grace);
          await expect(escrow.close(orderId)).to.changeTokenBalances(
            usd,
            [escrow, actors.renters[0]],
            [earned - deposit, deposit - earned],
          );
          expect(await escrow.liabilities(usd)).to.equal(0);
        }),
        { seed: SEED, numRuns: 12, endOnFailure: true },
      );
      await expectSoundBooks(protocol, usd);
    });
  });
});
