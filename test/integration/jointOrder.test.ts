import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { attainableTU, claimShare, earnedBy, HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { parseUnits } from "ethers";

import { deployProtocolFixture } from "../helpers/fixture";
import { openOrder, passVetoWindow, registerNode, settle, startEpoch, submitReceipts } from "../helpers/market";
import { expectSoundBooks, startOf } from "../helpers/orders";

describe("A joint order", () => {
  it("is worked by several nodes, who share the round's reward by what their own sales earned", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors } = protocol;
    const { controller, escrow, pool, tft } = contracts;
    const unitPrice = parseUnits("3", 18) + 1n; // so that everyone's part is rounded
    const models = ["GTX 1080 Ti", "Titan V", "RTX 2080"];
    const rates = ["4", "5.64", "3.96"].map((rate) => parseUnits(rate, 18));
    const nodeIds: bigint[] = [];
    for (const [i, gpuModel] of models.entries()) {
      nodeIds.push(await registerNode(protocol, actors.miners[i], { gpuModel, gpuCount: 4n }));
    }
    const orderId = await openOrder(protocol, actors.renters[0], tft, { tuAmount: 100n * TU, maxUnitPrice: unitPrice });
    const startedAt = await startOf(protocol, orderId);

    // one root carries all three, each claiming more than it can have done in its time
    const times = [5n * HOUR, 3n * HOUR, 4n * HOUR];
    await time.increaseTo(startedAt + 5n * HOUR);
    const tree = await submitReceipts(
      protocol,
      nodeIds.map((nodeId, i) => ({ orderId, nodeId, cumulativeTU: 2n * TU, measuredAt: startedAt + times[i] })),
    );
    await passVetoWindow(protocol);
    await startEpoch(protocol);
    const round = await pool.openRound(tft);

    // each settles for himself
    const parts = rates.map((rate, i) => earnedBy(attainableTU(rate, times[i]), unitPrice));
    for (const [i, receipt] of [...tree.receipts].entries()) {
      await expect(settle(protocol, tft, tree, [receipt])).to.changeTokenBalance(tft, controller, parts[i]);
      await expectSoundBooks(protocol, tft);
    }
    const earned = parts[0] + parts[1] + parts[2];
    expect((await escrow.order(orderId)).earned).to.equal(earned);

    await startEpoch(protocol);
    await controller.burn(round);
    const bucketId = await pool.bucketId(round, await tft.getAddress());
    const { reward } = await pool.bucket(bucketId);
    for (const [i, miner] of actors.miners.entries()) {
      const share = claimShare(reward, parts[i], earned);
      await expect(pool.connect(miner).claim([bucketId], miner)).to.changeTokenBalance(tft, miner, share);
    }
    expect(await tft.balanceOf(pool)).to.be.lessThan(3n);

    await time.increaseTo((await escrow.refundable(orderId)).from);
    const refund = 100n * unitPrice - earned;
    await expect(escrow.close(orderId)).to.changeTokenBalances(tft, [escrow, actors.renters[0]], [-refund, refund]);
    expect(await tft.balanceOf(escrow)).to.equal(0);
  });
});
