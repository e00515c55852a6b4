import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, TU } from "@turingfog/sdk";
import { signPermit } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { MaxUint256, parseUnits } from "ethers";

import { deployProtocolFixture } from "../helpers/fixture";
import { listNode, startEpoch } from "../helpers/market";
import { deliver, expectSoundBooks, openParams, startOf } from "../helpers/orders";

describe("An order paid in a stablecoin, with a permit", () => {
  it("is settled, auctioned for TFT, and its miner paid in TFT", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors } = protocol;
    const { controller, escrow, pool, tft, usd, vault } = contracts;
    const [miner] = actors.miners;
    const [renter] = actors.renters;
    const { bidder } = actors;
    const unitPrice = parseUnits("2.5", 6);

    // no approval goes before it
    const nodeId = await listNode(protocol, miner, usd, unitPrice);
    const params = openParams(usd, renter, { nodeId, tuAmount: 400n * TU, maxUnitPrice: unitPrice });
    const deposit = parseUnits("1000", 6);
    const permit = await signPermit(renter, usd, escrow, deposit, MaxUint256);
    const orderId = await escrow.connect(renter).openOrderWithPermit.staticCall(params, permit);
    await expect(escrow.connect(renter).openOrderWithPermit(params, permit)).to.changeTokenBalances(
      usd,
      [renter, escrow],
      [-deposit, deposit],
    );

    // all of it is delivered, so the order closes at once and refunds nothing
    const measuredAt = (await startOf(protocol, orderId)) + 6n * HOUR;
    await time.increaseTo(measuredAt);
    const receipt = { orderId, nodeId, cumulativeTU: 400n * TU, measuredAt };
    await expect(deliver(protocol, usd, [receipt])).to.changeTokenBalances(
      usd,
      [escrow, controller],
      [-deposit, deposit],
    );
    await expect(escrow.close(orderId)).to.changeTokenBalance(usd, escrow, 0);
    await expectSoundBooks(protocol, usd);

    // a day after its round closed the lot costs a quarter of the reference
    const round = await pool.openRound(usd);
    const ended = await startEpoch(protocol);
    const quarter = parseUnits("5", 18);
    await tft.connect(bidder).approve(controller, MaxUint256);
    await time.setNextBlockTimestamp((ended + 1n) * DAY);
    const owed = 1_000n * quarter;
    const bought = controller.connect(bidder).buy(usd, round, deposit, quarter, bidder, "0x");
    await expect(bought).to.changeTokenBalances(usd, [controller, bidder], [-deposit, deposit]);
    const released = (owed * 4n) / 5n;
    const reward = (released * 9n) / 10n;
    await expect(bought).to.changeTokenBalances(tft, [bidder, controller, vault, pool], [-owed, 0, -reward, reward]);

    // the miner claims
    const bucketId = await pool.bucketId(round, await usd.getAddress());
    expect(await pool.claimable(miner, [bucketId])).to.equal(reward);
    await expect(pool.claimFor(miner, [bucketId])).to.changeTokenBalances(tft, [pool, miner], [-reward, reward]);
  });
});
