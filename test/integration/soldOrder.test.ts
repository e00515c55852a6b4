import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { parseUnits } from "ethers";

import { deployProtocolFixture } from "../helpers/fixture";
import { listNode, openOrder } from "../helpers/market";
import { deliver, expectSoundBooks, startOf } from "../helpers/orders";

describe("An order sold on", () => {
  it("is its buyer's: he alone stops it, and he is refunded [T32]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors } = protocol;
    const { escrow, dai } = contracts;
    const [seller, buyer] = actors.renters;
    const unitPrice = parseUnits("5", 18);
    const nodeId = await listNode(protocol, actors.miners[0], dai, unitPrice);
    const orderId = await openOrder(protocol, seller, dai, { nodeId, tuAmount: 8n * TU, maxUnitPrice: unitPrice });
    const startedAt = await startOf(protocol, orderId);

    // an hour is used, then the rest changes hands
    await time.increaseTo(startedAt + HOUR);
    await escrow.connect(seller).approve(buyer, orderId);
    await escrow.connect(buyer).transferFrom(seller, buyer, orderId);
    await deliver(protocol, dai, [{ orderId, nodeId, cumulativeTU: 2n * TU, measuredAt: startedAt + HOUR }]);

    // the buyer uses some of it too, and stops
    const stoppedAt = startedAt + 10n * HOUR;
    await time.setNextBlockTimestamp(stoppedAt);
    await expect(escrow.connect(seller).stop(orderId))
      .to.be.revertedWithCustomError(escrow, "Escrow_NotHolder")
      .withArgs(orderId, seller.address);
    await escrow.connect(buyer).stop(orderId);
    await deliver(protocol, dai, [{ orderId, nodeId, cumulativeTU: 5n * TU, measuredAt: stoppedAt }]);

    await time.increaseTo((await escrow.refundable(orderId)).from);
    await expect(escrow.connect(seller).close(orderId)).to.changeTokenBalances(
      dai,
      [escrow, seller, buyer],
      [-3n * unitPrice, 0, 3n * unitPrice],
    );
    await expectSoundBooks(protocol, dai);
  });
});
