import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { attainableTU, earnedBy, HOUR, MINUTE, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { parseUnits } from "ethers";

import { deployProtocolFixture } from "../helpers/fixture";
import { listNode, openOrder } from "../helpers/market";
import { deliver, expectSoundBooks, startOf } from "../helpers/orders";

describe("An order stopped early", () => {
  it("pays what ran until the stop, though it was measured after it, and refunds the rest", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors, params } = protocol;
    const { escrow, usd } = contracts;
    const [miner] = actors.miners;
    const [renter] = actors.renters;
    const unitPrice = parseUnits("24", 6);
    const nodeId = await listNode(protocol, miner, usd, unitPrice, { gpuModel: "GTX 1080 Ti", gpuCount: 1n });
    const orderId = await openOrder(protocol, renter, usd, { nodeId, maxUnitPrice: unitPrice });

    // a minute before the hourly measurement
    const startedAt = await startOf(protocol, orderId);
    const stoppedAt = startedAt + 6n * HOUR - MINUTE;
    await time.setNextBlockTimestamp(stoppedAt);
    await escrow.connect(renter).stop(orderId);
    await time.increaseTo(startedAt + 6n * HOUR);
    const receipt = { orderId, nodeId, cumulativeTU: TU, measuredAt: startedAt + 6n * HOUR };
    await deliver(protocol, usd, [receipt]);
    const earned = earnedBy(attainableTU(TU, stoppedAt - startedAt), unitPrice);
    expect((await escrow.order(orderId)).earned).to.equal(earned);

    await time.setNextBlockTimestamp(stoppedAt + params.grace - 1n);
    await expect(escrow.close(orderId))
      .to.be.revertedWithCustomError(escrow, "Escrow_TooEarly")
      .withArgs(orderId, stoppedAt + params.grace);
    await expect(escrow.close(orderId)).to.changeTokenBalances(
      usd,
      [escrow, renter],
      [earned - unitPrice, unitPrice - earned],
    );
    await expectSoundBooks(protocol, usd);
  });

  it("does not hold the node's capacity against its owner", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors } = protocol;
    const { escrow, registry, usd } = contracts;
    const [miner] = actors.miners;
    const [griefer, renter] = actors.renters;
    const unitPrice = parseUnits("1", 6);
    const nodeId = await listNode(protocol, miner, usd, unitPrice);
    await registry.connect(miner).setListing(nodeId, usd, unitPrice, 5n * TU);

    const orderId = await openOrder(protocol, griefer, usd, { nodeId, tuAmount: 5n * TU, maxUnitPrice: unitPrice });
    await escrow.connect(griefer).stop(orderId);
    expect(await registry.listing(nodeId, usd)).to.deep.equal([unitPrice, 0n]);

    await registry.connect(miner).setListing(nodeId, usd, unitPrice, 5n * TU);
    await openOrder(protocol, renter, usd, { nodeId, tuAmount: 5n * TU, maxUnitPrice: unitPrice });
    expect(await registry.listing(nodeId, usd)).to.deep.equal([unitPrice, 0n]);
  });
});
