import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, MINUTE, RootStatus, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { id, parseUnits } from "ethers";

import { deployProtocolFixture } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import {
  attestNode,
  listNode,
  openOrder,
  passVetoWindow,
  settle,
  signByQuorum,
  submitReceipts,
} from "../helpers/market";
import { byAddress, expectSoundBooks, openParams, schedule, startOf } from "../helpers/orders";

describe("In the middle of a job", () => {
  it("the signers are rotated: pending roots die, final ones live, work goes on under the new set [T33]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors } = protocol;
    const { escrow, oracle, timelock, usd } = contracts;
    const unitPrice = parseUnits("1", 6);
    const nodeId = await listNode(protocol, actors.miners[0], usd, unitPrice);
    const terms = { nodeId, tuAmount: 10n * TU, maxUnitPrice: unitPrice, duration: 10n * DAY };
    const orderId = await openOrder(protocol, actors.renters[0], usd, terms);
    const startedAt = await startOf(protocol, orderId);
    const receiptAfter = (hours: bigint) => ({
      orderId,
      nodeId,
      cumulativeTU: hours * TU,
      measuredAt: startedAt + hours * HOUR,
    });

    // one root becomes final, one is pending when two signers are replaced
    await time.increaseTo(startedAt + HOUR);
    const settledLater = await submitReceipts(protocol, [receiptAfter(1n)]);
    const signers = await byAddress([...actors.oracleSigners.slice(2), actors.miners[1], actors.miners[2]]);
    const rotation = await oracle.setSigners.populateTransaction(signers, 3);
    await time.increaseTo(startedAt + 3n * DAY);
    const frozenOut = await submitReceipts(protocol, [receiptAfter(2n)]);
    await oracle.connect(actors.guardian).freeze(); // so that it is still pending after the governor's delay
    await asGovernor(timelock, actors.admin, rotation);
    await oracle.connect(actors.guardian).thaw();

    const [status] = await oracle.status(settledLater.root);
    expect(status).to.equal(RootStatus.Final);
    await expect(settle(protocol, usd, settledLater)).to.changeTokenBalance(usd, escrow, -unitPrice);
    await passVetoWindow(protocol);
    await expect(settle(protocol, usd, frozenOut))
      .to.be.revertedWithCustomError(oracle, "Oracle_NotFinal")
      .withArgs(frozenOut.root, RootStatus.Expired);

    // the new set signs the same root, and attests the node further
    const renewed = { ...protocol, actors: { ...actors, oracleSigners: signers } };
    await submitReceipts(renewed, [receiptAfter(2n)]);
    await attestNode(renewed, nodeId);
    await passVetoWindow(protocol);
    await expect(settle(protocol, usd, frozenOut)).to.changeTokenBalance(usd, escrow, -unitPrice);
    expect((await escrow.order(orderId)).tuSettled).to.equal(2n * TU);
    await expectSoundBooks(protocol, usd);
  });

  it("the signers are rotated after it: a root that expires, final again at 74 h, is paid though 72 h have passed [T33]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors, params } = protocol;
    const { escrow, oracle, timelock, usd } = contracts;
    const unitPrice = parseUnits("1", 6);
    const nodeId = await listNode(protocol, actors.miners[0], usd, unitPrice);
    const orderId = await openOrder(protocol, actors.renters[0], usd, { nodeId, maxUnitPrice: unitPrice });
    const { endsAt } = await escrow.order(orderId);
    expect([params.grace, params.vetoWindow]).to.deep.equal([72n * HOUR, 6n * HOUR]);

    // submitted in time to be final at 71 h; the rotation makes it expire, and it is signed again at once
    const rotation = await oracle.setSigners.populateTransaction([...(await oracle.signers())], await oracle.quorum());
    const rotate = await schedule(timelock, actors.admin, rotation);
    const receipt = { orderId, nodeId, cumulativeTU: TU, measuredAt: endsAt };
    await time.increaseTo(endsAt + 65n * HOUR);
    const { root } = await submitReceipts(protocol, [receipt]);
    const rotatedAt = endsAt + 68n * HOUR - MINUTE;
    await time.setNextBlockTimestamp(rotatedAt);
    await rotate();
    expect(await oracle.status(root)).to.deep.equal([RootStatus.Expired, 0n]);
    await time.increaseTo(endsAt + 68n * HOUR);
    const again = await submitReceipts(protocol, [receipt]);

    // nobody can close it before it can be settled
    await time.increaseTo(endsAt + 72n * HOUR);
    await expect(escrow.close(orderId))
      .to.be.revertedWithCustomError(escrow, "Escrow_TooEarly")
      .withArgs(orderId, rotatedAt + params.grace);
    await time.increaseTo(endsAt + 74n * HOUR + MINUTE);
    await expect(settle(protocol, usd, again)).to.changeTokenBalance(usd, escrow, -unitPrice);
    await expectSoundBooks(protocol, usd);
  });

  it("the network is frozen: everything but stopping, claiming and burning waits, and nobody loses their time", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors, params } = protocol;
    const { controller, escrow, oracle, pool, tft } = contracts;
    const [miner] = actors.miners;
    const [renter] = actors.renters;
    const unitPrice = parseUnits("10", 18);
    const nodeId = await listNode(protocol, miner, tft, unitPrice);
    const terms = { nodeId, tuAmount: 4n * TU, maxUnitPrice: unitPrice };
    const orderId = await openOrder(protocol, renter, tft, terms);
    const startedAt = await startOf(protocol, orderId);
    const receiptOf = (tu: bigint) => ({ orderId, nodeId, cumulativeTU: tu, measuredAt: startedAt + HOUR });
    await time.increaseTo(startedAt + HOUR);
    const early = await submitReceipts(protocol, [receiptOf(TU)]);
    await passVetoWindow(protocol);
    await settle(protocol, tft, early);
    const round = await pool.openRound(tft);
    const pending = await submitReceipts(protocol, [receiptOf(2n * TU)]);

    await oracle.connect(actors.guardian).freeze();
    const until = await oracle.frozenUntil();
    const another = { receiptsRoot: id("another root"), dataHash: id("its file") };
    const signatures = await signByQuorum(protocol, "ReceiptBatch", another);
    for (const call of [
      () => oracle.submit(another.receiptsRoot, another.dataHash, signatures),
      () => attestNode(protocol, nodeId),
      () => settle(protocol, tft, early),
    ]) {
      await expect(call()).to.be.revertedWithCustomError(oracle, "Oracle_Frozen").withArgs(until);
    }
    await expect(escrow.connect(renter).openOrder(openParams(tft, renter)))
      .to.be.revertedWithCustomError(escrow, "Escrow_Frozen")
      .withArgs(until);

    // what was earned is burned and claimed all the same
    await time.increase(DAY);
    await expect(controller.burn(round)).to.changeTokenBalance(tft, controller, -unitPrice);
    const bucketId = await pool.bucketId(round, await tft.getAddress());
    const reward = await pool.claimable(miner, [bucketId]);
    await expect(pool.connect(miner).claim([bucketId], miner)).to.changeTokenBalance(tft, miner, reward);

    // the order ended meanwhile; it cannot be closed before its receipts can be settled
    await time.increaseTo(until);
    expect(await escrow.refundable(orderId)).to.deep.equal([3n * unitPrice, until + params.grace]);
    expect(await oracle.status(pending.root)).to.deep.equal([RootStatus.Pending, until + params.vetoWindow]);
    await time.increaseTo(until + params.vetoWindow);
    await expect(settle(protocol, tft, pending)).to.changeTokenBalance(tft, escrow, -unitPrice);
    await time.setNextBlockTimestamp(until + params.grace);
    await expect(escrow.close(orderId)).to.changeTokenBalances(
      tft,
      [escrow, renter],
      [-2n * unitPrice, 2n * unitPrice],
    );
    await expectSoundBooks(protocol, tft);
  });
});
