import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { attainableTU, DAY, depositOf, earnedBy, HOUR, min, SkipReason, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { parseUnits } from "ethers";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import {
  attestNode,
  openOrder,
  passVetoWindow,
  registerUnattested,
  settle,
  startEpoch,
  submitReceipts,
} from "../helpers/market";
import { deliver, expectSoundBooks, startOf } from "../helpers/orders";
import { UNIT_PRICE, ONE_A_DAY, type Job, openJob, receiptOf, weightOf } from "../helpers/settling";

describe("ComputeEscrow, settling", () => {
  describe("times", () => {
    /** Settles a receipt, for as much as the speed allows, and resolves to the TU that it settled. */
    async function settledBy(protocol: Protocol, job: Job, measuredAt: bigint, submittedAt?: bigint): Promise<bigint> {
      const { escrow, usd } = protocol.contracts;
      if (submittedAt !== undefined) await time.setNextBlockTimestamp(submittedAt);
      await deliver(protocol, usd, [receiptOf(job, 2n ** 96n - 1n, measuredAt)]);
      return escrow.settledTU(job.orderId, job.nodeId);
    }

    it("counts a receipt measured in the second of its submission", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { hardware: ONE_A_DAY });
      const submittedAt = job.startedAt + HOUR;

      expect(await settledBy(protocol, job, submittedAt, submittedAt)).to.equal(attainableTU(TU, HOUR));
    });

    it("counts the first second of an order", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { hardware: ONE_A_DAY });

      expect(await settledBy(protocol, job, job.startedAt + 1n)).to.equal(attainableTU(TU, 1n));
    });

    it("counts a receipt measured in the second of the end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { hardware: ONE_A_DAY, duration: HOUR, tuAmount: TU });
      await time.increaseTo(job.endsAt);

      expect(await settledBy(protocol, job, job.endsAt)).to.equal(attainableTU(TU, HOUR));
    });

    it("counts a receipt measured before the end though it comes days after it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { hardware: ONE_A_DAY, duration: HOUR, tuAmount: TU });
      await time.increaseTo(job.endsAt + 2n * DAY);

      expect(await settledBy(protocol, job, job.endsAt - 1n)).to.equal(attainableTU(TU, HOUR - 1n));
    });

    it("counts a receipt measured in the last second of the attestation, and in its first, on a joint order", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, usd } = contracts;
      const nodeId = await registerUnattested(protocol, actors.miners[0], ONE_A_DAY);
      await attestNode(protocol, nodeId, BigInt(await time.latest()) + DAY);
      const orderId = await openOrder(protocol, actors.renters[0], usd, {
        maxUnitPrice: UNIT_PRICE,
        tuAmount: 1_000n * TU,
        duration: 366n * DAY,
      });
      await time.increase(DAY);
      await attestNode(protocol, nodeId);
      const { attestedFrom, attestedUntil } = await registry.node(nodeId);
      const startedAt = await startOf(protocol, orderId);
      const job = { orderId, nodeId, startedAt, endsAt: 0n };

      expect(await settledBy(protocol, job, attestedFrom - 1n)).to.equal(0);
      expect(await settledBy(protocol, job, attestedFrom)).to.equal(attainableTU(TU, attestedFrom - startedAt));
      await time.increaseTo(attestedUntil);
      expect(await settledBy(protocol, job, attestedUntil)).to.equal(attainableTU(TU, attestedUntil - startedAt));
    });

    it("counts what was measured before a renewal, when that came in time", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { hardware: ONE_A_DAY, tuAmount: 1_000n * TU, duration: 366n * DAY });
      const { attestedUntil } = await protocol.contracts.registry.node(job.nodeId);
      await time.setNextBlockTimestamp(attestedUntil);
      await attestNode(protocol, job.nodeId, attestedUntil + DAY);

      expect(await settledBy(protocol, job, job.startedAt + HOUR)).to.equal(attainableTU(TU, HOUR));
    });

    it("counts what was measured before a lapse though the node is attested again, and nothing from in between", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { hardware: ONE_A_DAY, tuAmount: 1_000n * TU, duration: 366n * DAY });
      const { attestedUntil } = await protocol.contracts.registry.node(job.nodeId);
      await time.increaseTo(attestedUntil + DAY);
      await attestNode(protocol, job.nodeId);
      const { attestedFrom } = await protocol.contracts.registry.node(job.nodeId);

      expect(await settledBy(protocol, job, attestedUntil + 1n)).to.equal(0);
      expect(await settledBy(protocol, job, attestedFrom - 1n)).to.equal(0);
      expect(await settledBy(protocol, job, attestedUntil)).to.equal(attainableTU(TU, attestedUntil - job.startedAt));
      expect(await settledBy(protocol, job, attestedFrom)).to.equal(attainableTU(TU, attestedFrom - job.startedAt));
    });

    it("has forgotten what was measured before the last lapse but one", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const job = await openJob(protocol, { hardware: ONE_A_DAY, tuAmount: 1_000n * TU, duration: 366n * DAY });
      const { attestedUntil } = await registry.node(job.nodeId);
      await time.increaseTo(attestedUntil + 1n);
      await attestNode(protocol, job.nodeId, attestedUntil + DAY);
      await time.increaseTo(attestedUntil + DAY + 1n);
      await attestNode(protocol, job.nodeId);

      expect(await settledBy(protocol, job, attestedUntil)).to.equal(0);
    });

    it("counts on a node's own order what was measured while attested, whatever lapsed since its start", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const job = await openJob(protocol, { hardware: ONE_A_DAY, tuAmount: 1_000n * TU, duration: 366n * DAY });
      const { attestedUntil } = await registry.node(job.nodeId);
      await time.increaseTo(attestedUntil + 1n);
      await attestNode(protocol, job.nodeId, attestedUntil + DAY);
      await time.increaseTo(attestedUntil + DAY + 1n);
      await attestNode(protocol, job.nodeId);
      const { attestedFrom } = await registry.node(job.nodeId);

      expect(await settledBy(protocol, job, attestedFrom)).to.be.greaterThan(0n);
    });

    it("pays whatever payout the node has when it settles", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, registry, usd } = contracts;
      const [miner, heir] = actors.miners;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const first = await submitReceipts(protocol, [receiptOf(job, TU / 4n)]);
      const second = await submitReceipts(protocol, [receiptOf(job, TU)]);
      await passVetoWindow(protocol);
      await startEpoch(protocol);
      await settle(protocol, usd, first);
      await registry.connect(miner).setPayout(job.nodeId, heir);

      await expect(settle(protocol, usd, second))
        .to.emit(escrow, "ReceiptSettled")
        .withArgs(job.orderId, job.nodeId, heir.address, TU, (3n * UNIT_PRICE) / 4n);

      expect(await weightOf(protocol, usd, miner.address)).to.equal(UNIT_PRICE / 4n);
      expect(await weightOf(protocol, usd, heir.address)).to.equal((3n * UNIT_PRICE) / 4n);
    });
  });

  describe("caps", () => {
    for (const [title, above] of [
      ["exactly 1.1 times its rated speed", 0n],
      ["a unit above 1.1 times its rated speed", 1n],
      ["far above its rated speed", 10n ** 27n],
    ] as const) {
      it(`pays a node that claims ${title} up to it`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { escrow, dai } = protocol.contracts;
        const seconds = 1_007n;
        const job = await openJob(protocol, { hardware: ONE_A_DAY, asset: dai, unitPrice: TU });
        const cap = 12_820_601_851_851_851n; // by hand, 1.1 · 1,007 / 86,400 · 10^18, which does not divide evenly
        await time.increase(HOUR);

        await deliver(protocol, dai, [receiptOf(job, cap + above, job.startedAt + seconds)]);

        expect(await escrow.settledTU(job.orderId, job.nodeId)).to.equal(cap);
        await expectSoundBooks(protocol, dai);
      });
    }

    it("pays a unit below the cap for what it is", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const job = await openJob(protocol, { hardware: ONE_A_DAY });
      const cap = attainableTU(TU, HOUR);
      await time.increase(HOUR);

      await deliver(protocol, usd, [receiptOf(job, cap - 1n)]);

      expect(await escrow.settledTU(job.orderId, job.nodeId)).to.equal(cap - 1n);
    });

    it("pays the rest of what was capped by a later receipt [T3] [T35]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const job = await openJob(protocol, { hardware: ONE_A_DAY });
      await time.increase(3n * HOUR);
      await deliver(protocol, usd, [receiptOf(job, TU / 10n)]);
      expect(await escrow.settledTU(job.orderId, job.nodeId)).to.equal(attainableTU(TU, HOUR));

      await deliver(protocol, usd, [receiptOf(job, TU / 10n, job.startedAt + 3n * HOUR)]);

      expect(await escrow.settledTU(job.orderId, job.nodeId)).to.equal(TU / 10n);
      await expectSoundBooks(protocol, usd);
    });

    it("pays a receipt above the order's TU up to them, and nothing more ever [T6] [T35]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const job = await openJob(protocol, { tuAmount: 3n * TU + 1n });
      const deposit = 3n * UNIT_PRICE + 1n;
      await time.increase(HOUR);

      // the deposit was rounded up, what is earned is rounded down
      await expect(deliver(protocol, usd, [receiptOf(job, 3n * TU + 2n)])).to.changeTokenBalance(
        usd,
        escrow,
        1n - deposit,
      );
      await expect(deliver(protocol, usd, [receiptOf(job, 4n * TU)]))
        .to.emit(escrow, "ReceiptSkipped")
        .withArgs(job.orderId, job.nodeId, SkipReason.NothingNew);

      expect((await escrow.order(job.orderId)).tuSettled).to.equal(3n * TU + 1n);
      await expectSoundBooks(protocol, usd);
    });

    it("pays several receipts on one order within a call for what each adds", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const receipts = [1n, 2n, 3n].map((quarter) => receiptOf(job, (quarter * TU) / 4n));

      await expect(deliver(protocol, usd, receipts)).to.changeTokenBalance(usd, escrow, (-3n * UNIT_PRICE) / 4n);

      expect(await escrow.settledTU(job.orderId, job.nodeId)).to.equal((3n * TU) / 4n);
      expect(await weightOf(protocol, usd, miner.address)).to.equal((3n * UNIT_PRICE) / 4n);
    });

    it("counts a node's rating and GPUs [T35]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const hardware = { gpuModel: "RTX 2080 Ti", gpuCount: 3n };
      const job = await openJob(protocol, { hardware, tuAmount: 100n * TU });
      await time.increase(HOUR);

      await deliver(protocol, usd, [receiptOf(job, 100n * TU)]);

      expect(await escrow.settledTU(job.orderId, job.nodeId)).to.equal(attainableTU(parseUnits("4.05", 18), HOUR));
    });

    it("never overflows at the highest rate, time, TU and price", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, dai } = contracts;
      const tuAmount = 2n ** 96n - 1n;
      const unitPrice = 2n ** 128n - 1n;
      // the highest deposit that fits: either of the two is at its highest
      for (const [tu, price] of [
        [tuAmount, ((2n ** 128n - 1n) * TU) / tuAmount / 2n],
        [TU / 4n, unitPrice],
      ]) {
        const deposit = depositOf(tu, price);
        await dai.mint(actors.renters[0], deposit);
        const job = await openJob(protocol, { asset: dai, tuAmount: tu, unitPrice: price, duration: 366n * DAY });
        await time.increase(80n * DAY);
        const measuredAt = BigInt(await time.latest());
        const expected = min(tu, attainableTU(parseUnits("1894.4", 18), measuredAt - job.startedAt));

        await deliver(protocol, dai, [receiptOf(job, 2n ** 96n - 1n, measuredAt)]);

        const { tuSettled, earned } = await escrow.order(job.orderId);
        expect([tuSettled, earned]).to.deep.equal([expected, earnedBy(expected, price)]);
      }
      await expectSoundBooks(protocol, dai);
    });
  });
});
