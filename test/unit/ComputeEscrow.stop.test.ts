import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { attainableTU, earnedBy, HOUR, SkipReason, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { ethers } from "hardhat";
import { deployProtocolFixture } from "../helpers/fixture";
import { registerNode } from "../helpers/market";
import { deliver, expectSoundBooks } from "../helpers/orders";
import { UNIT_PRICE, openJob } from "../helpers/closing";

describe("ComputeEscrow, closing", () => {
  describe("stop", () => {
    it("rejects an order that was never opened, and one that is closed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const { orderId } = await openJob(protocol, usd);
      const held = escrow.connect(actors.renters[0]);
      await held.stop(orderId);
      await time.increase(protocol.params.grace);
      await escrow.close(orderId);

      for (const unknown of [orderId, orderId + 1n, 0n]) {
        await expect(held.stop(unknown)).to.be.revertedWithCustomError(escrow, "Escrow_UnknownOrder").withArgs(unknown);
      }
    });

    it("rejects everyone but the holder: payer, refundee, operator, seller [T2]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const [payer, renter, buyer] = actors.renters;
      const paidFor = await openJob(protocol, usd, { renter, refundTo: payer.address });
      const sold = await openJob(protocol, usd, { renter });
      await escrow.connect(renter).setApprovalForAll(actors.stranger, true);
      await escrow.connect(renter).transferFrom(renter, buyer, sold.orderId);

      for (const [caller, orderId] of [
        [payer, paidFor.orderId],
        [actors.stranger, paidFor.orderId],
        [actors.admin, paidFor.orderId],
        [renter, sold.orderId],
      ] as const) {
        await expect(escrow.connect(caller).stop(orderId))
          .to.be.revertedWithCustomError(escrow, "Escrow_NotHolder")
          .withArgs(orderId, caller.address);
      }
    });

    it("rejects an order that has ended, from the second of its end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const { orderId, endsAt } = await openJob(protocol, usd);

      await time.setNextBlockTimestamp(endsAt);
      await expect(escrow.connect(actors.renters[0]).stop(orderId))
        .to.be.revertedWithCustomError(escrow, "Escrow_OrderEnded")
        .withArgs(orderId, endsAt);
    });

    it("rejects a second stop", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const { orderId } = await openJob(protocol, usd);
      await escrow.connect(actors.renters[0]).stop(orderId);
      const stoppedAt = await time.latest();

      await expect(escrow.connect(actors.renters[0]).stop(orderId))
        .to.be.revertedWithCustomError(escrow, "Escrow_OrderEnded")
        .withArgs(orderId, stoppedAt);
    });

    it("ends the order now, in its last second too, and moves no money", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const { orderId, endsAt } = await openJob(protocol, usd);
      await time.setNextBlockTimestamp(endsAt - 1n);

      const stopping = escrow.connect(actors.renters[0]).stop(orderId);

      await expect(stopping)
        .to.emit(escrow, "OrderStopped")
        .withArgs(orderId, endsAt - 1n);
      await expect(stopping).to.changeTokenBalance(usd, escrow, 0);
      expect((await escrow.order(orderId)).endsAt).to.equal(endsAt - 1n);
      await expectSoundBooks(protocol, usd);
    });

    it("works while frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, oracle, usd } = contracts;
      const { orderId } = await openJob(protocol, usd);
      await oracle.connect(actors.guardian).freeze();

      await expect(escrow.connect(actors.renters[0]).stop(orderId)).to.emit(escrow, "OrderStopped");
    });

    it("works for who bought the order, and for a contract that holds it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const [renter, buyer] = actors.renters;
      const contract = await ethers.deployContract("RefusingRenter");
      const sold = await openJob(protocol, usd);
      const held = await openJob(protocol, usd, { renter: contract });
      await escrow.connect(renter).transferFrom(renter, buyer, sold.orderId);

      await expect(escrow.connect(buyer).stop(sold.orderId)).to.emit(escrow, "OrderStopped");
      await expect(contract.act(escrow, escrow.interface.encodeFunctionData("stop", [held.orderId]))).to.emit(
        escrow,
        "OrderStopped",
      );
    });

    it("pays what was measured until its second, and nothing by a receipt measured later [T15] [T34]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const hardware = { gpuModel: "GTX 1080 Ti", gpuCount: 1n };
      const nodeId = await registerNode(protocol, actors.miners[0], hardware);
      const { orderId, startedAt } = await openJob(protocol, usd);
      const stoppedAt = startedAt + 5n * HOUR;
      await time.setNextBlockTimestamp(stoppedAt);
      await escrow.connect(actors.renters[0]).stop(orderId);
      await time.increase(HOUR);

      const receipt = { orderId, nodeId, cumulativeTU: TU, measuredAt: stoppedAt + 1n };
      await expect(deliver(protocol, usd, [receipt]))
        .to.emit(escrow, "ReceiptSkipped")
        .withArgs(orderId, nodeId, SkipReason.AfterEnd);
      expect((await escrow.order(orderId)).tuSettled).to.equal(0);
      await deliver(protocol, usd, [{ ...receipt, measuredAt: stoppedAt }]);

      const ran = attainableTU(TU, 5n * HOUR);
      const { tuSettled, earned } = await escrow.order(orderId);
      expect([tuSettled, earned]).to.deep.equal([ran, earnedBy(ran, UNIT_PRICE)]);
      await expectSoundBooks(protocol, usd);
    });
  });
});
