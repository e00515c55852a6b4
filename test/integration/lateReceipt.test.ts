import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { parseUnits } from "ethers";

import { deployProtocolFixture } from "../helpers/fixture";
import { listNode, openOrder, settle, startEpoch, submitReceipts } from "../helpers/market";
import { deliver, expectSoundBooks, startOf } from "../helpers/orders";

describe("A late receipt", () => {
  it("stands for all before it and earns in the open round; a final bucket stays as it is [T18]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors } = protocol;
    const { controller, pool, tft } = contracts;
    const [punctual, late] = actors.miners;
    const unitPrice = parseUnits("10", 18);
    const asset = await tft.getAddress();
    await startEpoch(protocol);

    const jobs: { orderId: bigint; nodeId: bigint; startedAt: bigint }[] = [];
    for (const miner of [punctual, late]) {
      const nodeId = await listNode(protocol, miner, tft, unitPrice);
      const terms = { nodeId, tuAmount: 4n * TU, maxUnitPrice: unitPrice, duration: 3n * DAY };
      const orderId = await openOrder(protocol, actors.renters[0], tft, terms);
      jobs.push({ orderId, nodeId, startedAt: await startOf(protocol, orderId) });
    }
    const receiptOf = (job: (typeof jobs)[number], cumulativeTU: bigint, after: bigint) => ({
      orderId: job.orderId,
      nodeId: job.nodeId,
      cumulativeTU,
      measuredAt: job.startedAt + after,
    });

    // both have their first hour signed, one of them settles it
    await time.increase(2n * HOUR);
    const first = await submitReceipts(protocol, [receiptOf(jobs[0], TU, HOUR), receiptOf(jobs[1], TU, HOUR)]);
    await startEpoch(protocol);
    const round = await pool.openRound(tft);
    await settle(protocol, tft, first, [first.receipts.at(0)]);
    await startEpoch(protocol);
    await controller.burn(round);
    const bucketId = await pool.bucketId(round, asset);
    const sealed = await pool.bucket(bucketId);
    expect(sealed.isFinal).to.equal(true);

    // the other comes days later, with a receipt that covers three hours
    await startEpoch(protocol);
    const settledIn = await pool.openRound(tft);
    expect(settledIn).to.equal(round + 1n);
    const receipt = receiptOf(jobs[1], 3n * TU, 3n * HOUR);
    await expect(deliver(protocol, tft, [receipt])).to.changeTokenBalance(tft, controller, 3n * unitPrice);
    // the earlier one has nothing to add
    await expect(settle(protocol, tft, first, [first.receipts.at(1)])).to.changeTokenBalance(tft, controller, 0);

    expect(await pool.bucket(bucketId)).to.deep.equal(sealed);
    expect(await pool.weightOf(bucketId, late)).to.equal(0);
    expect(await pool.weightOf(await pool.bucketId(settledIn, asset), late)).to.equal(3n * unitPrice);
    await expectSoundBooks(protocol, tft);

    // each mines in the round that their own receipt was settled in
    await startEpoch(protocol);
    await controller.burn(settledIn);
    for (const [miner, id] of [
      [punctual, bucketId],
      [late, await pool.bucketId(settledIn, asset)],
    ] as const) {
      const { reward } = await pool.bucket(id);
      await expect(pool.connect(miner).claim([id], miner)).to.changeTokenBalance(tft, miner, reward);
    }
  });
});
