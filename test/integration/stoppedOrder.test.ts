import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { attainableTU, DAY, earnedBy, HOUR, MINUTE, SkipReason, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { parseUnits } from "ethers";

import { deployProtocolFixture } from "../helpers/fixture";
import { listNode, openOrder } from "../helpers/market";
import { deliver, expectSoundBooks, startOf } from "../helpers/orders";

describe("An order stopped early", () => {
  it("pays what was read before the stop, and refunds the rest and the time since that reading", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors, params } = protocol;
    const { escrow, usd } = contracts;
    const [miner] = actors.miners;
    const [renter] = actors.renters;
    const unitPrice = parseUnits("24", 6);
    const nodeId = await listNode(protocol, miner, usd, unitPrice, { gpuModel: "GTX 1080 Ti", gpuCount: 1n });
    const orderId = await openOrder(protocol, renter, usd, { nodeId, maxUnitPrice: unitPrice });

    // a minute before the hourly reading
    const startedAt = await startOf(protocol, orderId);
    const stoppedAt = startedAt + 6n * HOUR - MINUTE;
    await time.setNextBlockTimestamp(stoppedAt);
    await escrow.connect(renter).stop(orderId);
    await time.increaseTo(startedAt + 6n * HOUR);
    const readings = [5n, 6n].map((hours) => ({
      orderId,
      nodeId,
      cumulativeTU: TU,
      measuredAt: startedAt + hours * HOUR,
    }));
    await expect(deliver(protocol, usd, readings))
      .to.emit(escrow, "ReceiptSkipped")
      .withArgs(orderId, nodeId, SkipReason.AfterEnd);
    const earned = earnedBy(attainableTU(TU, 5n * HOUR), unitPrice);
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

  it("pays 100 USD for the TU before the stop, not 2,100 USD with the 20 TU of the two days after it [T34]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors, params } = protocol;
    const { escrow, usd } = contracts;
    const [renter] = actors.renters;
    const unitPrice = parseUnits("100", 6);
    const nodeId = await listNode(protocol, actors.miners[0], usd, unitPrice);
    const terms = { nodeId, tuAmount: 50n * TU, maxUnitPrice: unitPrice, duration: 10n * DAY };
    const orderId = await openOrder(protocol, renter, usd, terms);
    const stoppedAt = (await startOf(protocol, orderId)) + DAY;
    await time.setNextBlockTimestamp(stoppedAt);
    await escrow.connect(renter).stop(orderId);

    await time.increaseTo(stoppedAt + 2n * DAY);
    const before = { orderId, nodeId, cumulativeTU: TU, measuredAt: stoppedAt };
    const after = { orderId, nodeId, cumulativeTU: 21n * TU, measuredAt: stoppedAt + 2n * DAY };
    await expect(deliver(protocol, usd, [before, after]))
      .to.emit(escrow, "ReceiptSkipped")
      .withArgs(orderId, nodeId, SkipReason.AfterEnd);

    await time.increaseTo(stoppedAt + params.grace);
    const left = 49n * unitPrice;
    await expect(escrow.close(orderId)).to.changeTokenBalances(usd, [escrow, renter], [-left, left]);
    await expectSoundBooks(protocol, usd);
  });

  it("does not hold the node's capacity against its owner [T34]", async () => {
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
