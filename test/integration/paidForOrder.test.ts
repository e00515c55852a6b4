import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { id, MaxUint256, parseUnits } from "ethers";

import { deployProtocolFixture } from "../helpers/fixture";
import { listNode } from "../helpers/market";
import { deliver, expectSoundBooks, openParams, startOf } from "../helpers/orders";

describe("An order that a fiat gateway pays for someone", () => {
  it("runs for the renter, once per invoice, and is refunded to the gateway whatever the renter does [T32]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors } = protocol;
    const { escrow, usd } = contracts;
    const [gateway, accomplice] = actors.renters;
    const renter = actors.stranger; // holds nothing
    const unitPrice = parseUnits("10", 6);
    const nodeId = await listNode(protocol, actors.miners[0], usd, unitPrice);
    const paymentRef = id("invoice 1");
    const params = openParams(usd, renter, {
      nodeId,
      tuAmount: 4n * TU,
      maxUnitPrice: unitPrice,
      refundTo: gateway.address,
      paymentRef,
    });
    await usd.connect(gateway).approve(escrow, MaxUint256);
    const pay = escrow.connect(gateway);

    // the gateway's retry after a lost connection does not pay twice
    const orderId = await pay.openOrder.staticCall(params);
    await expect(pay.openOrder(params)).to.changeTokenBalances(
      usd,
      [gateway, renter, escrow],
      [-4n * unitPrice, 0, 4n * unitPrice],
    );
    await expect(pay.openOrder(params))
      .to.be.revertedWithCustomError(escrow, "Escrow_PaymentRefUsed")
      .withArgs(gateway.address, paymentRef);
    expect(await escrow.isPaymentRefUsed(gateway, paymentRef)).to.equal(true);

    // the renter cannot turn the card payment into cash
    await expect(escrow.connect(renter).transferFrom(renter, accomplice, orderId))
      .to.be.revertedWithCustomError(escrow, "Escrow_NotTransferable")
      .withArgs(orderId, gateway.address);

    // he uses an hour of it and stops
    const startedAt = await startOf(protocol, orderId);
    await time.setNextBlockTimestamp(startedAt + HOUR);
    await escrow.connect(renter).stop(orderId);
    await deliver(protocol, usd, [{ orderId, nodeId, cumulativeTU: TU, measuredAt: startedAt + HOUR }]);
    await time.increaseTo((await escrow.refundable(orderId)).from);
    await expect(escrow.connect(renter).close(orderId)).to.changeTokenBalances(
      usd,
      [escrow, renter, gateway],
      [-3n * unitPrice, 0, 3n * unitPrice],
    );
    await expectSoundBooks(protocol, usd);
  });
});
