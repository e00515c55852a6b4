import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { ethers } from "hardhat";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { type Asset, openOrder } from "../helpers/market";
import { deliver, expectSoundBooks, listRefusingToken } from "../helpers/orders";
import { UNIT_PRICE, openJob, expectClosableFrom } from "../helpers/closing";

/** Has some TU of an order delivered and settled, within its first hour. */
async function work(protocol: Protocol, asset: Asset, job: Awaited<ReturnType<typeof openJob>>, tu: bigint) {
  await time.increaseTo(job.startedAt + HOUR);
  const { orderId, nodeId, startedAt } = job;
  await deliver(protocol, asset, [{ orderId, nodeId, cumulativeTU: tu, measuredAt: startedAt + HOUR }]);
}

describe("ComputeEscrow, closing", () => {
  describe("close", () => {
    it("rejects an order that was never opened", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);

      await expect(contracts.escrow.close(7))
        .to.be.revertedWithCustomError(contracts.escrow, "Escrow_UnknownOrder")
        .withArgs(7);
    });

    it("takes a fully delivered order at once", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const job = await openJob(protocol, usd);
      await work(protocol, usd, job, TU);
      expect(await escrow.refundable(job.orderId)).to.deep.equal([0n, 0n]);

      const closing = escrow.close(job.orderId);

      await expect(closing).to.emit(escrow, "OrderClosed").withArgs(job.orderId, actors.renters[0].address, 0);
      await expect(closing).to.not.emit(usd, "Transfer");
      await expectSoundBooks(protocol, usd);
    });

    it("takes an order that lacks one unit of its TU after the grace only", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const job = await openJob(protocol, contracts.usd);
      await work(protocol, contracts.usd, job, TU - 1n);

      await expectClosableFrom(protocol, job.orderId, job.endsAt + protocol.params.grace);
    });

    it("takes a fully delivered order while frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, oracle, usd } = contracts;
      const job = await openJob(protocol, usd);
      await work(protocol, usd, job, TU);
      await oracle.connect(actors.guardian).freeze();

      expect(await escrow.refundable(job.orderId)).to.deep.equal([0n, 0n]);
      await expect(escrow.close(job.orderId))
        .to.emit(escrow, "OrderClosed")
        .withArgs(job.orderId, actors.renters[0].address, 0);
    });

    it("lets receipts be settled until the order is closed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { escrow, usd } = contracts;
      const { orderId, nodeId, endsAt } = await openJob(protocol, usd);
      await time.increaseTo(endsAt + params.grace + DAY);

      const receipt = { orderId, nodeId, cumulativeTU: TU, measuredAt: endsAt };
      await expect(deliver(protocol, usd, [receipt])).to.emit(escrow, "ReceiptSettled");
      await expect(escrow.close(orderId)).to.changeTokenBalance(usd, escrow, 0);
      await expectSoundBooks(protocol, usd);
    });

    it("refunds the holder the deposit less what was earned, whoever calls", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { escrow, usd } = contracts;
      const [renter] = actors.renters;
      const job = await openJob(protocol, usd);
      await work(protocol, usd, job, TU / 4n);
      await time.increaseTo(job.endsAt + params.grace);
      const refund = (3n * UNIT_PRICE) / 4n;
      expect((await escrow.refundable(job.orderId)).amount).to.equal(refund);

      const closing = escrow.connect(actors.stranger).close(job.orderId);

      await expect(closing)
        .to.emit(escrow, "OrderClosed")
        .withArgs(job.orderId, renter.address, refund)
        .and.to.emit(escrow, "Transfer")
        .withArgs(renter.address, ZeroAddress, job.orderId);
      await expect(closing).to.changeTokenBalances(usd, [escrow, renter], [-refund, refund]);
      await expectSoundBooks(protocol, usd);
    });

    it("refunds who bought the order, not its seller [T32]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { escrow, usd } = contracts;
      const [seller, buyer] = actors.renters;
      const { orderId, endsAt } = await openJob(protocol, usd);
      await escrow.connect(seller).transferFrom(seller, buyer, orderId);
      await time.increaseTo(endsAt + params.grace);

      await expect(escrow.connect(seller).close(orderId)).to.changeTokenBalances(
        usd,
        [escrow, seller, buyer],
        [-UNIT_PRICE, 0, UNIT_PRICE],
      );
    });

    it("refunds who was promised the refund, not the holder [T15]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { escrow, usd } = contracts;
      const [gateway, renter] = actors.renters;
      const { orderId, endsAt } = await openJob(protocol, usd, { renter, refundTo: gateway.address });
      await time.increaseTo(endsAt + params.grace);

      const closing = escrow.connect(renter).close(orderId);

      await expect(closing).to.emit(escrow, "OrderClosed").withArgs(orderId, gateway.address, UNIT_PRICE);
      await expect(closing).to.changeTokenBalances(usd, [escrow, gateway, renter], [-UNIT_PRICE, UNIT_PRICE, 0]);
    });

    it("rejects everyone but a holder with code itself: stranger, payer, keeper, the seller of the order [T4]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { escrow, usd } = contracts;
      const [payer] = actors.renters;
      const vault = await ethers.deployContract("RefusingRenter");
      const { orderId, endsAt } = await openJob(protocol, usd);
      await escrow.connect(payer).approve(actors.bidder, orderId);
      await escrow.connect(payer).transferFrom(payer, vault, orderId);
      await time.increaseTo(endsAt + params.grace);

      for (const caller of [actors.stranger, payer, actors.bidder, actors.admin, actors.guardian]) {
        await expect(escrow.connect(caller).close(orderId))
          .to.be.revertedWithCustomError(escrow, "Escrow_NotHolder")
          .withArgs(orderId, caller.address);
      }
      expect((await escrow.refundable(orderId)).amount).to.equal(UNIT_PRICE);
      await expectSoundBooks(protocol, usd);
    });

    it("refunds a contract that closes its order itself, without calling it [T4]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { escrow, usd } = contracts;
      const renter = await ethers.deployContract("RefusingRenter");
      const { orderId, endsAt } = await openJob(protocol, usd, { renter });
      await time.increaseTo(endsAt + params.grace);

      const closing = renter.act(escrow, escrow.interface.encodeFunctionData("close", [orderId]));

      await expect(closing).to.changeTokenBalances(usd, [escrow, renter], [-UNIT_PRICE, UNIT_PRICE]);
    });

    it("refunds a contract whose order is closed by whom it has approved, for it or for all", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { escrow, usd } = contracts;
      const renter = await ethers.deployContract("RefusingRenter");
      const first = await openJob(protocol, usd, { renter });
      const second = await openJob(protocol, usd, { renter });
      await renter.act(
        escrow,
        escrow.interface.encodeFunctionData("approve", [actors.stranger.address, first.orderId]),
      );
      const all = [actors.bidder.address, true] as const;
      await renter.act(escrow, escrow.interface.encodeFunctionData("setApprovalForAll", [...all]));
      await time.increaseTo(second.endsAt + params.grace);

      await expect(escrow.connect(actors.stranger).close(second.orderId))
        .to.be.revertedWithCustomError(escrow, "Escrow_NotHolder")
        .withArgs(second.orderId, actors.stranger.address);
      for (const [closer, { orderId }] of [
        [actors.stranger, first],
        [actors.bidder, second],
      ] as const) {
        await expect(escrow.connect(closer).close(orderId)).to.changeTokenBalance(usd, renter, UNIT_PRICE);
      }
    });

    it("takes from anyone an order whose refund is promised to a contract", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { actors, contracts } = protocol;
      const { escrow, usd, timelock } = contracts;
      const refundTo = await timelock.getAddress();
      const { orderId, endsAt } = await openJob(protocol, usd, { refundTo });
      await time.increaseTo(endsAt + protocol.params.grace);

      await expect(escrow.connect(actors.stranger).close(orderId)).to.changeTokenBalance(usd, refundTo, UNIT_PRICE);
    });

    it("takes from anyone an order whose refund is promised, though its holder has code", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { escrow, usd } = contracts;
      const renter = await ethers.deployContract("RefusingRenter");
      const refundTo = actors.renters[1].address;
      const { orderId, endsAt } = await openJob(protocol, usd, { renter, refundTo });
      await time.increaseTo(endsAt + params.grace);

      await expect(escrow.connect(actors.stranger).close(orderId)).to.changeTokenBalance(usd, refundTo, UNIT_PRICE);
    });

    const target = "11".repeat(20);

    for (const [title, code, isOwn] of [
      ["an EIP-7702 delegation", `0xef0100${target}`, false],
      ["23 bytes of code that are no delegation", `0x600100${target}`, true],
      ["a byte of code", "0x00", true],
      ["24 bytes of code", `0x600100${target}00`, true],
    ] as const) {
      it(`${isOwn ? "rejects a stranger's close" : "takes from anyone an order"} of a holder with ${title}`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { contracts, actors, params } = protocol;
        const { escrow, usd } = contracts;
        const renter = actors.renters[1];
        const { orderId, endsAt } = await openJob(protocol, usd, { renter });
        await ethers.provider.send("hardhat_setCode", [renter.address, code]);
        expect(await ethers.provider.getCode(renter)).to.equal(code);
        await time.increaseTo(endsAt + params.grace);

        const closing = () => escrow.connect(actors.stranger).close(orderId);

        if (isOwn) {
          await expect(closing())
            .to.be.revertedWithCustomError(escrow, "Escrow_NotHolder")
            .withArgs(orderId, actors.stranger.address);
        } else await expect(closing()).to.changeTokenBalance(usd, renter, UNIT_PRICE);
      });
    }

    it("leaves nothing of the order", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { escrow, usd } = contracts;
      const { orderId, nodeId, endsAt } = await openJob(protocol, usd);
      await time.increaseTo(endsAt + params.grace);
      await escrow.close(orderId);

      for (const call of [
        () => escrow.order(orderId),
        () => escrow.refundable(orderId),
        () => escrow.settledTU(orderId, nodeId),
        () => escrow.close(orderId),
      ]) {
        await expect(call()).to.be.revertedWithCustomError(escrow, "Escrow_UnknownOrder").withArgs(orderId);
      }
      await expect(escrow.ownerOf(orderId))
        .to.be.revertedWithCustomError(escrow, "ERC721NonexistentToken")
        .withArgs(orderId);
    });

    it("is kept open by a payee who cannot be paid, and no other order is [T4] [T7]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { escrow } = contracts;
      const [blocked, other] = actors.renters;
      const token = await listRefusingToken(protocol);
      const job = await openJob(protocol, token);
      const otherId = await openOrder(protocol, other, token, { maxUnitPrice: UNIT_PRICE });
      await work(protocol, token, job, TU / 4n);
      await token.setRefused(blocked, true);
      await time.increase(DAY + params.grace);

      await expect(escrow.close(job.orderId))
        .to.be.revertedWithCustomError(token, "RefusingToken_Refused")
        .withArgs(blocked.address);
      await expect(escrow.close(otherId)).to.changeTokenBalances(token, [escrow, other], [-UNIT_PRICE, UNIT_PRICE]);
      await expectSoundBooks(protocol, token);

      // he may still earn out, or be paid once he can be
      const { orderId, nodeId, startedAt } = job;
      const receipt = { orderId, nodeId, cumulativeTU: TU / 2n, measuredAt: startedAt + 2n * HOUR };
      await expect(deliver(protocol, token, [receipt])).to.changeTokenBalance(token, escrow, -UNIT_PRICE / 4n);
      await token.setRefused(blocked, false);
      await expect(escrow.close(orderId)).to.changeTokenBalance(token, blocked, UNIT_PRICE / 2n);
      await expectSoundBooks(protocol, token);
    });

    it("refuses to be reentered by the asset", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { escrow } = contracts;
      const token = await listRefusingToken(protocol);
      const job = await openJob(protocol, token);
      const other = await openJob(protocol, token);
      await time.increaseTo(other.endsAt + params.grace);
      await token.callOnTransfer(escrow, escrow.interface.encodeFunctionData("close", [other.orderId]));

      await expect(escrow.close(job.orderId)).to.be.revertedWithCustomError(escrow, "ReentrancyGuardReentrantCall");
    });

    it("goes on in a delisted asset", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { escrow, timelock, usd } = contracts;
      const { orderId } = await openJob(protocol, usd);
      await asGovernor(timelock, actors.admin, await escrow.delistAsset.populateTransaction(usd));
      await time.increase(DAY + params.grace);

      await expect(escrow.close(orderId)).to.changeTokenBalance(usd, actors.renters[0], UNIT_PRICE);
    });

    it("keeps what was given to the escrow out of every account [T25]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { escrow, usd } = contracts;
      const { orderId, endsAt } = await openJob(protocol, usd);
      await usd.connect(actors.renters[1]).transfer(escrow, 77n);
      await time.increaseTo(endsAt + params.grace);

      expect(await escrow.liabilities(usd)).to.equal(UNIT_PRICE);
      await expect(escrow.close(orderId)).to.changeTokenBalances(
        usd,
        [escrow, actors.renters[0]],
        [-UNIT_PRICE, UNIT_PRICE],
      );
      expect(await escrow.liabilities(usd)).to.equal(0);
      expect(await usd.balanceOf(escrow)).to.equal(77);
    });
  });
});
