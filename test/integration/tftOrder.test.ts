import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { attainableTU, HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { parseUnits } from "ethers";

import { deployProtocolFixture } from "../helpers/fixture";
import { listNode, openOrder, startEpoch } from "../helpers/market";
import { deliver, expectSoundBooks, startOf } from "../helpers/orders";

describe("An order paid in TFT", () => {
  it("is worked, settled, burned for and mined, and its rest refunded", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors } = protocol;
    const { controller, escrow, pool, registry, tft, vault } = contracts;
    const [miner] = actors.miners;
    const [renter] = actors.renters;
    const unitPrice = parseUnits("100", 18);
    const hardware = { gpuModel: "RTX 2080 Ti", gpuCount: 8n };

    // a node is listed, an order opened on it
    const nodeId = await listNode(protocol, miner, tft, unitPrice, hardware);
    const orderId = await openOrder(protocol, renter, tft, { nodeId, tuAmount: 10n * TU, maxUnitPrice: unitPrice });
    expect(await tft.balanceOf(escrow)).to.equal(10n * unitPrice);
    await expectSoundBooks(protocol, tft);

    // it delivers for 6 hours, as fast as it is rated and a little more
    const rate = parseUnits("10.8", 18);
    expect(await registry.ratePerDay(nodeId)).to.equal(rate);
    const measuredAt = (await startOf(protocol, orderId)) + 6n * HOUR;
    await time.increaseTo(measuredAt);
    const delivered = attainableTU(rate, 6n * HOUR);
    expect(delivered).to.equal(parseUnits("2.97", 18));
    const earned = parseUnits("297", 18);
    const receipt = { orderId, nodeId, cumulativeTU: 3n * TU, measuredAt };
    await expect(deliver(protocol, tft, [receipt])).to.changeTokenBalances(
      tft,
      [escrow, controller],
      [-earned, earned],
    );
    await expectSoundBooks(protocol, tft);

    // the round closes with the epoch, what it earned is burned and four fifths are released, a tenth of them to operations
    const round = await pool.openRound(tft);
    await startEpoch(protocol);
    const released = (earned * 4n) / 5n;
    const reward = (released * 9n) / 10n;
    await expect(controller.burn(round)).to.changeTokenBalances(
      tft,
      [controller, vault, pool],
      [-earned, -reward, reward],
    );
    expect(await tft.totalSupply()).to.equal(parseUnits("1000000000", 18) - earned);

    await expect(vault.payOperations()).to.changeTokenBalances(
      tft,
      [vault, actors.operations],
      [reward - released, released - reward],
    );

    // the miner claims all of it
    const bucketId = await pool.bucketId(round, await tft.getAddress());
    await expect(pool.connect(miner).claim([bucketId], miner)).to.changeTokenBalances(
      tft,
      [pool, miner],
      [-reward, reward],
    );

    // the renter gets back what was not worked
    await time.increaseTo((await escrow.refundable(orderId)).from);
    const refund = 10n * unitPrice - earned;
    await expect(escrow.close(orderId)).to.changeTokenBalances(tft, [escrow, renter], [-refund, refund]);
    await expectSoundBooks(protocol, tft);
  });
});
