import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { attainableTU, DAY, earnedBy, HOUR, SkipReason, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { id, parseUnits, ZeroAddress } from "ethers";
import { ethers } from "hardhat";

import type { OpenParamsStruct } from "../../typechain-types/contracts/ComputeEscrow";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { type Asset, openOrder, registerNode, signByQuorum, submitReceipts } from "../helpers/market";
import { deliver, expectSoundBooks, listRefusingToken, schedule } from "../helpers/orders";

const UNIT_PRICE = parseUnits("1", 6);
const FREEZE_DURATION = 7n * DAY;
const FREEZE_INTERVAL = 30n * DAY;
const MAX_HOLD = 7n * DAY;

/** A joint order of the first renter's, of 1 TU for a day at 1 USD; a node is attested to work on it. */
async function openJob(
  protocol: Protocol,
  asset: Asset,
  terms: Partial<Pick<OpenParamsStruct, "renter" | "refundTo" | "duration">> = {},
) {
  const { contracts, actors } = protocol;
  const nodeId = await registerNode(protocol, actors.miners[0]);
  const orderId = await openOrder(protocol, actors.renters[0], asset, { maxUnitPrice: UNIT_PRICE, ...terms });
  const { startedAt, endsAt } = await contracts.escrow.order(orderId);
  return { orderId, nodeId, startedAt, endsAt };
}

/** Has some TU of an order delivered and settled, within its first hour. */
async function work(protocol: Protocol, asset: Asset, job: Awaited<ReturnType<typeof openJob>>, tu: bigint) {
  await time.increaseTo(job.startedAt + HOUR);
  const { orderId, nodeId, startedAt } = job;
  await deliver(protocol, asset, [{ orderId, nodeId, cumulativeTU: tu, measuredAt: startedAt + HOUR }]);
}

/** Has the guardian veto some root at a given time. */
async function vetoAt(protocol: Protocol, timestamp: bigint) {
  const { contracts, actors } = protocol;
  const receiptsRoot = id(`root vetoed at ${timestamp}`);
  const content = { receiptsRoot, dataHash: id("receipt file") };
  const signatures = await signByQuorum(protocol, "ReceiptBatch", content);
  await time.setNextBlockTimestamp(timestamp - 1n);
  await contracts.oracle.submit(content.receiptsRoot, content.dataHash, signatures);
  await time.setNextBlockTimestamp(timestamp);
  await contracts.oracle.connect(actors.guardian).veto(receiptsRoot);
}

/** Schedules a rotation to the same signers, lets the delay pass, and resolves to what has it done at a given time. */
async function prepareRotation({ contracts, actors, params }: Protocol): Promise<(timestamp: bigint) => Promise<void>> {
  const { oracle, timelock } = contracts;
  const rotation = await oracle.setSigners.populateTransaction([...(await oracle.signers())], await oracle.quorum());
  const execute = await schedule(timelock, actors.admin, rotation);
  await time.increase(params.governor.minDelay);
  return async (timestamp) => {
    await time.setNextBlockTimestamp(timestamp);
    await execute();
  };
}

/** Has the guardian freeze the network at a given time. */
async function freezeAt({ contracts, actors }: Protocol, timestamp: bigint) {
  await time.setNextBlockTimestamp(timestamp);
  await contracts.oracle.connect(actors.guardian).freeze();
}

/** Expects an order to be closable from a given second on, and the view to say so. */
async function expectClosableFrom({ contracts: { escrow } }: Protocol, orderId: bigint, from: bigint) {
  expect((await escrow.refundable(orderId)).from, "from").to.equal(from);
  await time.setNextBlockTimestamp(from - 1n);
  await expect(escrow.close(orderId)).to.be.revertedWithCustomError(escrow, "Escrow_TooEarly").withArgs(orderId, from);
  await time.setNextBlockTimestamp(from);
  await expect(escrow.close(orderId)).to.emit(escrow, "OrderClosed");
}

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

    it("rejects everyone but the holder: payer, refundee, operator, seller", async () => {
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

    it("pays what was measured until its second, and nothing by a receipt measured later", async () => {
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

  describe("close", () => {
    it("rejects an order that was never opened", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);

      await expect(contracts.escrow.close(7))
        .to.be.revertedWithCustomError(contracts.escrow, "Escrow_UnknownOrder")
        .withArgs(7);
    });

    it("takes an order from the end of the grace on", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);

      await expectClosableFrom(protocol, orderId, endsAt + protocol.params.grace);
    });

    it("takes a stopped order a grace after the stop", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { orderId, startedAt } = await openJob(protocol, contracts.usd);
      await time.setNextBlockTimestamp(startedAt + HOUR);
      await contracts.escrow.connect(actors.renters[0]).stop(orderId);

      await expectClosableFrom(protocol, orderId, startedAt + HOUR + params.grace);
    });

    it("is not held up by a veto before the order's end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
      await vetoAt(protocol, endsAt);

      await expectClosableFrom(protocol, orderId, endsAt + protocol.params.grace);
    });

    it("is held up by a veto until a grace after it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
      await vetoAt(protocol, endsAt + DAY);

      await expectClosableFrom(protocol, orderId, endsAt + DAY + protocol.params.grace);
    });

    it("is held up by the last of several vetoes, within seven days of the order's end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
      for (const later of [DAY, 3n * DAY, MAX_HOLD]) await vetoAt(protocol, endsAt + later);

      await expectClosableFrom(protocol, orderId, endsAt + MAX_HOLD + protocol.params.grace);
    });

    it("is held up by vetoes for seven days at most", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
      for (const later of [DAY, 3n * DAY, MAX_HOLD + 1n, MAX_HOLD + DAY]) await vetoAt(protocol, endsAt + later);

      await expectClosableFrom(protocol, orderId, endsAt + MAX_HOLD + protocol.params.grace);
    });

    it("is held up by a veto within seven days of the end though it could be closed already", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { orderId, endsAt } = await openJob(protocol, contracts.usd);
      await time.increaseTo(endsAt + params.grace);
      await contracts.escrow.close.staticCall(orderId);
      await vetoAt(protocol, endsAt + params.grace + DAY);

      await expectClosableFrom(protocol, orderId, endsAt + DAY + 2n * params.grace);
    });

    it("is not held up by a rotation of the signers in the second of the order's end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const rotateAt = await prepareRotation(protocol);
      const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
      await rotateAt(endsAt);

      await expectClosableFrom(protocol, orderId, endsAt + protocol.params.grace);
    });

    it("is held up by a rotation of the signers until a grace after it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const rotateAt = await prepareRotation(protocol);
      const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
      await rotateAt(endsAt + 1n);

      await expectClosableFrom(protocol, orderId, endsAt + 1n + protocol.params.grace);
    });

    for (const [title, after] of [
      ["in the last second of seven days", 0n],
      ["a second after seven days", 1n],
      ["days after that", 2n * DAY],
    ] as const) {
      it(`is held up by a rotation ${title} as by one in that second`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const rotateAt = await prepareRotation(protocol);
        const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
        await rotateAt(endsAt + MAX_HOLD + after);

        await expectClosableFrom(protocol, orderId, endsAt + MAX_HOLD + protocol.params.grace);
      });
    }

    for (const [first, second] of [
      ["veto", "rotation"],
      ["rotation", "veto"],
    ] as const) {
      it(`is held up by a ${second} that follows a ${first}`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const rotateAt = await prepareRotation(protocol);
        const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
        const act = { veto: (at: bigint) => vetoAt(protocol, at), rotation: rotateAt };
        await act[first](endsAt + HOUR);
        await act[second](endsAt + DAY);

        await expectClosableFrom(protocol, orderId, endsAt + DAY + protocol.params.grace);
      });
    }

    it("is held up by a freeze until a grace after a thaw later than it could have been closed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { orderId, endsAt } = await openJob(protocol, contracts.usd);
      await freezeAt(protocol, endsAt + HOUR);
      const thawedAt = endsAt + params.grace + DAY;
      await time.setNextBlockTimestamp(thawedAt);
      await contracts.oracle.connect(actors.guardian).thaw();

      await expectClosableFrom(protocol, orderId, thawedAt + params.grace);
    });

    it("is not held up by a freeze from the second on in which it can be closed, and is closed while frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { escrow, oracle, usd } = contracts;
      const { orderId, endsAt } = await openJob(protocol, usd);
      await freezeAt(protocol, endsAt + params.grace);

      expect((await escrow.refundable(orderId)).from).to.equal(endsAt + params.grace);
      await expect(escrow.close(orderId)).to.changeTokenBalance(usd, escrow, -UNIT_PRICE);
      expect(await oracle.frozenUntil()).to.be.above(await time.latest());
    });

    it("is not held up by a freeze from a grace after a veto on, and is by one a second before that", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { usd, escrow } = contracts;
      const { orderId, endsAt } = await openJob(protocol, usd);
      const held = await openJob(protocol, usd, { duration: DAY + HOUR });
      await vetoAt(protocol, endsAt + MAX_HOLD);
      await vetoAt(protocol, held.endsAt + MAX_HOLD);
      const from = endsAt + MAX_HOLD + params.grace;
      await freezeAt(protocol, from);

      expect((await escrow.refundable(orderId)).from).to.equal(from);
      await expectClosableFrom(protocol, held.orderId, from + FREEZE_DURATION + params.grace);
    });

    it("is not held up on day 103 by a freeze on day 100, though it could be closed since day 3", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { escrow, usd } = contracts;
      const { orderId, endsAt } = await openJob(protocol, usd);
      expect(params.grace).to.equal(3n * DAY);
      await freezeAt(protocol, endsAt + 100n * DAY);
      await time.increaseTo(endsAt + 103n * DAY);

      expect((await escrow.refundable(orderId)).from).to.equal(endsAt + 3n * DAY);
      await expect(escrow.close(orderId)).to.changeTokenBalance(usd, escrow, -UNIT_PRICE);
    });

    it("is not held up by the next freeze after one that held it, as soon as that may begin", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { escrow, usd } = contracts;
      const { orderId, endsAt } = await openJob(protocol, usd);
      const frozenAt = endsAt + params.grace - 1n;
      await freezeAt(protocol, frozenAt);
      await freezeAt(protocol, frozenAt + FREEZE_INTERVAL);

      await expect(escrow.close(orderId)).to.changeTokenBalance(usd, escrow, -UNIT_PRICE);
    });

    it("is held up by a freeze that did not concern it once a veto within the seven days does", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const oracle = contracts.oracle.connect(actors.guardian);
      const { orderId, nodeId, endsAt } = await openJob(protocol, contracts.usd);
      await time.increaseTo(endsAt + params.grace - HOUR);
      const receipt = { orderId, nodeId, cumulativeTU: TU, measuredAt: endsAt };
      const { root } = await submitReceipts(protocol, [receipt]);
      const frozenAt = endsAt + params.grace;
      await freezeAt(protocol, frozenAt);
      await contracts.escrow.close.staticCall(orderId);
      await oracle.veto(root);

      await expectClosableFrom(protocol, orderId, frozenAt + FREEZE_DURATION + params.grace);
    });

    it("is held up by a freeze until a grace after the thaw", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const oracle = contracts.oracle.connect(actors.guardian);
      const { orderId, endsAt } = await openJob(protocol, contracts.usd);
      await time.setNextBlockTimestamp(endsAt + HOUR);
      await oracle.freeze();
      expect((await contracts.escrow.refundable(orderId)).from).to.equal(
        endsAt + HOUR + FREEZE_DURATION + params.grace,
      );
      const thawedAt = endsAt + 2n * DAY;
      await time.setNextBlockTimestamp(thawedAt);
      await oracle.thaw();

      await expectClosableFrom(protocol, orderId, thawedAt + params.grace);
    });

    it("is held up by a freeze that runs out until a grace after that", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { orderId, endsAt } = await openJob(protocol, contracts.usd);
      // in the last second of the grace
      const frozenAt = endsAt + params.grace - 1n;
      await time.setNextBlockTimestamp(frozenAt);
      await contracts.oracle.connect(actors.guardian).freeze();

      await expectClosableFrom(protocol, orderId, frozenAt + FREEZE_DURATION + params.grace);
    });

    it("is held up by whichever is later, a veto or a thaw", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const oracle = contracts.oracle.connect(actors.guardian);
      const { orderId, endsAt } = await openJob(protocol, contracts.usd);
      await time.setNextBlockTimestamp(endsAt + HOUR);
      await oracle.freeze();
      await time.setNextBlockTimestamp(endsAt + 2n * HOUR);
      await oracle.thaw();
      expect((await contracts.escrow.refundable(orderId)).from).to.equal(endsAt + 2n * HOUR + params.grace);
      await vetoAt(protocol, endsAt + 3n * HOUR);

      await expectClosableFrom(protocol, orderId, endsAt + 3n * HOUR + params.grace);
    });

    it("is not held up by a freeze before the order's end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { orderId, endsAt } = await openJob(protocol, contracts.usd, { duration: 8n * DAY });
      await contracts.oracle.connect(actors.guardian).freeze();

      await expectClosableFrom(protocol, orderId, endsAt + params.grace);
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

    it("refunds who bought the order, not its seller", async () => {
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

    it("refunds who was promised the refund, not the holder", async () => {
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

    it("rejects everyone but a holder with code itself: stranger, payer, keeper, the seller of the order", async () => {
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

    it("refunds a contract that closes its order itself, without calling it", async () => {
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

    it("is kept open by a payee who cannot be paid, and no other order is", async () => {
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

    it("keeps what was given to the escrow out of every account", async () => {
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
