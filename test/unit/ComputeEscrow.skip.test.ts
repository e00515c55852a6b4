import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { attainableTU, DAY, HOUR, MINUTE, SkipReason, TU } from "@turingfog/sdk";
import { type Receipt } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import {
  attestNode,
  openOrder,
  passVetoWindow,
  registerNode,
  registerUnattested,
  settle,
  submitAttestation,
  submitReceipts,
} from "../helpers/market";
import { deliver, expectSoundBooks, startOf } from "../helpers/orders";
import { UNIT_PRICE, ONE_A_DAY, openJob, receiptOf } from "../helpers/settling";

describe("ComputeEscrow, settling", () => {
  describe("receipts passed over", () => {
    /** Submits a sound receipt together with another, and expects the one to be paid and the other passed over. */
    async function expectSkipped(protocol: Protocol, bad: Receipt, reason: SkipReason, submittedAt?: bigint) {
      const { escrow, usd } = protocol.contracts;
      const sound = await openJob(protocol);
      const good = receiptOf(sound, TU, sound.startedAt + MINUTE);
      await time.increase(HOUR);
      if (submittedAt !== undefined) await time.setNextBlockTimestamp(submittedAt);

      const settling = await deliver(protocol, usd, [good, bad]);

      await expect(settling).to.emit(escrow, "ReceiptSkipped").withArgs(bad.orderId, bad.nodeId, reason);
      await expect(settling)
        .to.emit(escrow, "ReceiptSettled")
        .withArgs(good.orderId, good.nodeId, protocol.actors.miners[0].address, TU, UNIT_PRICE);
      await expectSoundBooks(protocol, usd);
    }

    it("are those of orders in another asset, which stay to be settled [T3]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd, dai } = protocol.contracts;
      const [inUsd, inDai] = [await openJob(protocol), await openJob(protocol, { asset: dai })];
      await time.increase(HOUR);
      const tree = await submitReceipts(protocol, [receiptOf(inUsd, TU), receiptOf(inDai, TU)]);
      await passVetoWindow(protocol);

      await expect(settle(protocol, usd, tree))
        .to.emit(escrow, "ReceiptSkipped")
        .withArgs(inDai.orderId, inDai.nodeId, SkipReason.OtherAsset)
        .and.to.emit(escrow, "ReceiptSettled")
        .withArgs(inUsd.orderId, inUsd.nodeId, protocol.actors.miners[0].address, TU, UNIT_PRICE);
      await expect(settle(protocol, dai, tree))
        .to.emit(escrow, "ReceiptSettled")
        .withArgs(inDai.orderId, inDai.nodeId, protocol.actors.miners[0].address, TU, UNIT_PRICE);
    });

    it("are those of an order that was never opened", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol);

      await expectSkipped(protocol, { ...receiptOf(job, TU), orderId: job.orderId + 100n }, SkipReason.UnknownOrder);
    });

    it("are those of an order that is closed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow } = protocol.contracts;
      const job = await openJob(protocol);
      await time.increaseTo(job.endsAt + protocol.params.grace);
      await escrow.close(job.orderId);

      await expectSkipped(protocol, receiptOf(job, TU), SkipReason.UnknownOrder);
    });

    it("are those of another node than the order's", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol);
      const nodeId = await registerNode(protocol, protocol.actors.miners[1]);

      await expectSkipped(protocol, { ...receiptOf(job, TU), nodeId }, SkipReason.WrongNode);
    });

    it("are those of node 0 on a node's order", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol);

      await expectSkipped(protocol, { ...receiptOf(job, TU), nodeId: 0n }, SkipReason.WrongNode);
    });

    it("are those measured before the order started", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol);

      await expectSkipped(protocol, receiptOf(job, TU, job.startedAt - 1n), SkipReason.BeforeStart);
    });

    it("are those measured in the second of the start, when nothing can be done yet", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol);

      await expectSkipped(protocol, receiptOf(job, TU, job.startedAt), SkipReason.NothingNew);
    });

    it("are those measured a second after the root was submitted [T14]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol);
      const submittedAt = job.startedAt + 12n * HOUR;

      const bad = receiptOf(job, TU, submittedAt + 1n);
      await expectSkipped(protocol, bad, SkipReason.AfterSubmission, submittedAt);
    });

    for (const [title, after] of [
      ["a second", 1n],
      ["36 hours", 36n * HOUR],
    ] as const) {
      it(`are those measured ${title} after the order's end [T34]`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const job = await openJob(protocol);
        await time.increaseTo(job.endsAt + after);

        await expectSkipped(protocol, receiptOf(job, TU, job.endsAt + after), SkipReason.AfterEnd);
        expect((await protocol.contracts.escrow.order(job.orderId)).tuSettled).to.equal(0);
      });
    }

    it("are those measured after the end that a stop has set", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const job = await openJob(protocol);
      await time.setNextBlockTimestamp(job.startedAt + HOUR);
      await contracts.escrow.connect(actors.renters[0]).stop(job.orderId);
      await time.increase(1n);

      await expectSkipped(protocol, receiptOf(job, TU, job.startedAt + HOUR + 1n), SkipReason.AfterEnd);
    });

    it("are those measured after the end by a node that is not attested any more", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { duration: 80n * DAY });
      const { attestedUntil } = await protocol.contracts.registry.node(job.nodeId);
      expect(attestedUntil).to.be.above(job.endsAt);
      await time.increaseTo(attestedUntil + 2n);

      await expectSkipped(protocol, receiptOf(job, TU, attestedUntil + 1n), SkipReason.AfterEnd);
    });

    it("are those measured far in the future, after the order's end too [T14]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol);

      await expectSkipped(protocol, receiptOf(job, TU, 2n ** 40n - 1n), SkipReason.AfterSubmission);
    });

    it("are those of a joint order's node that was never registered, and of node 0 [T13]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const orderId = await openOrder(protocol, actors.renters[0], contracts.usd, { maxUnitPrice: UNIT_PRICE });
      const startedAt = await startOf(protocol, orderId);

      for (const nodeId of [0n, 7n]) {
        const bad = { orderId, nodeId, cumulativeTU: TU, measuredAt: startedAt + 1n };
        await expectSkipped(protocol, bad, SkipReason.NotAttested);
      }
    });

    it("are those of a joint order's node that was attested an hour after four such opened, to the last of 400,000 USD [6.5] [T13]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const orderIds: bigint[] = [];
      for (let i = 0; i < 4; i++) {
        const terms = { tuAmount: 1_000n * TU, maxUnitPrice: 100n * UNIT_PRICE, duration: 2n * DAY };
        orderIds.push(await openOrder(protocol, actors.renters[0], contracts.usd, terms));
      }
      await time.increase(HOUR);
      const nodeId = await registerNode(protocol, actors.miners[1]);
      await time.increase(DAY);

      const measuredAt = BigInt(await time.latest());
      for (const orderId of orderIds) {
        const bad = { orderId, nodeId, cumulativeTU: 1_000n * TU, measuredAt };
        await expectSkipped(protocol, bad, SkipReason.NotAttested);
      }
      expect(await contracts.escrow.liabilities(contracts.usd)).to.equal(400_000n * UNIT_PRICE);
    });

    it("are those of a node attested an hour ago on a joint order 29 days old, which earned 319 TU [6.5]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const terms = { tuAmount: 1_000n * TU, maxUnitPrice: UNIT_PRICE, duration: 30n * DAY };
      const orderId = await openOrder(protocol, actors.renters[0], contracts.usd, terms);
      const startedAt = await startOf(protocol, orderId);
      await time.increaseTo(startedAt + 29n * DAY - 7n * HOUR);
      const nodeId = await registerNode(protocol, actors.miners[1], { gpuModel: "GTX 1080 Ti", gpuCount: 10n });
      await time.increaseTo(startedAt + 29n * DAY);

      expect(attainableTU(10n * TU, 29n * DAY)).to.equal(319n * TU);
      const bad = { orderId, nodeId, cumulativeTU: 1_000n * TU, measuredAt: startedAt + 29n * DAY };
      await expectSkipped(protocol, bad, SkipReason.NotAttested);
    });

    it("are those of a node whose attestation counts from the second after a joint order opened, and not from its own", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, usd } = contracts;
      const nodeIds = [
        await registerUnattested(protocol, actors.miners[0]),
        await registerUnattested(protocol, actors.miners[1]),
      ];
      await openOrder(protocol, actors.renters[0], usd, { maxUnitPrice: UNIT_PRICE });
      for (const nodeId of nodeIds) await submitAttestation(protocol, nodeId);
      const [onTime] = await registry.pendingAttestation(nodeIds[0]);
      const [late] = await registry.pendingAttestation(nodeIds[1]);
      await time.setNextBlockTimestamp(onTime - 1n); // of the approval, one block before
      const orderId = await openOrder(protocol, actors.renters[0], usd, { maxUnitPrice: UNIT_PRICE });
      const startedAt = await startOf(protocol, orderId);
      expect([startedAt, startedAt + 1n]).to.deep.equal([onTime, late]);
      await time.increase(HOUR);

      const measuredAt = BigInt(await time.latest());
      await expectSkipped(
        protocol,
        { orderId, nodeId: nodeIds[1], cumulativeTU: TU, measuredAt },
        SkipReason.NotAttested,
      );
      await deliver(protocol, usd, [{ orderId, nodeId: nodeIds[0], cumulativeTU: TU, measuredAt }]);
      expect(await contracts.escrow.settledTU(orderId, nodeIds[0])).to.equal(TU);
    });

    it("are those measured from the second on in which the node's attestation was revoked, and not those before", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const job = await openJob(protocol, { hardware: ONE_A_DAY });
      const at = job.startedAt + HOUR;
      await time.setNextBlockTimestamp(at);
      await contracts.registry.connect(actors.guardian).revokeNode(job.nodeId);
      await time.increase(HOUR);

      await expectSkipped(protocol, receiptOf(job, TU, at), SkipReason.NotAttested);
      await deliver(protocol, contracts.usd, [receiptOf(job, TU, at - 1n)]);
      expect(await contracts.escrow.settledTU(job.orderId, job.nodeId)).to.equal(attainableTU(TU, HOUR - 1n));
    });

    it("are those of before two revocations in a row", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const registry = contracts.registry.connect(actors.guardian);
      const job = await openJob(protocol, { hardware: ONE_A_DAY, duration: 10n * DAY });
      await time.increase(HOUR);
      const measuredAt = BigInt(await time.latest());
      for (let i = 0; i < 2; i++) {
        await registry.revokeNode(job.nodeId);
        await attestNode(protocol, job.nodeId);
      }

      await expectSkipped(protocol, receiptOf(job, TU, measuredAt), SkipReason.NotAttested);
    });

    it("are those measured after the attestation lapsed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { duration: 100n * DAY });
      const { attestedUntil } = await protocol.contracts.registry.node(job.nodeId);
      await time.increaseTo(attestedUntil + 2n);

      await expectSkipped(protocol, receiptOf(job, TU, attestedUntil + 1n), SkipReason.NotAttested);
    });

    it("are those that raise nothing: of no TU, settled before, or below what is settled [T9]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      await deliver(protocol, usd, [receiptOf(job, TU / 2n)]);

      await expectSkipped(protocol, receiptOf(job, 0n), SkipReason.NothingNew);
      await expectSkipped(protocol, receiptOf(job, TU / 2n), SkipReason.NothingNew);
      await expectSkipped(protocol, receiptOf(job, TU / 2n - 1n), SkipReason.NothingNew);
    });
  });
});
