import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, RootStatus, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { parseUnits } from "ethers";

import { deployProtocolFixture } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { listNode, openOrder, passVetoWindow, settle, submitReceipts } from "../helpers/market";
import { deliver, expectSoundBooks, startOf } from "../helpers/orders";

describe("A guardian", () => {
  it("vetoes a corrupt root for ever; honest receipts pay, and their orders stay open for them", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors, params } = protocol;
    const { escrow, oracle, usd } = contracts;
    const unitPrice = parseUnits("1", 6);
    const nodeId = await listNode(protocol, actors.miners[0], usd, unitPrice);
    const orderId = await openOrder(protocol, actors.renters[0], usd, {
      nodeId,
      tuAmount: 4n * TU,
      maxUnitPrice: unitPrice,
    });
    const { endsAt } = await escrow.order(orderId);

    // the quorum signs for four times what was done, after the order ended
    await time.increaseTo(endsAt + HOUR);
    const corrupt = await submitReceipts(protocol, [{ orderId, nodeId, cumulativeTU: 4n * TU, measuredAt: endsAt }]);
    const vetoedAt = endsAt + 2n * HOUR;
    await time.setNextBlockTimestamp(vetoedAt);
    await oracle.connect(actors.guardian).veto(corrupt.root);
    await passVetoWindow(protocol);
    await expect(settle(protocol, usd, corrupt))
      .to.be.revertedWithCustomError(oracle, "Oracle_NotFinal")
      .withArgs(corrupt.root, RootStatus.Vetoed);
    await expect(submitReceipts(protocol, [...corrupt.receipts]))
      .to.be.revertedWithCustomError(oracle, "Oracle_KnownRoot")
      .withArgs(corrupt.root, RootStatus.Vetoed);

    // there is a whole grace from the veto on for the right one
    expect((await escrow.refundable(orderId)).from).to.equal(vetoedAt + params.grace);
    await time.increaseTo(vetoedAt + params.grace - DAY);
    const honest = { orderId, nodeId, cumulativeTU: TU, measuredAt: endsAt };
    await expect(deliver(protocol, usd, [honest])).to.changeTokenBalance(usd, escrow, -unitPrice);
    await time.setNextBlockTimestamp(vetoedAt + params.grace);
    await expect(escrow.close(orderId)).to.changeTokenBalances(
      usd,
      [escrow, actors.renters[0]],
      [-3n * unitPrice, 3n * unitPrice],
    );
    await expectSoundBooks(protocol, usd);
  });

  it("gone bad holds up refunds for seven days of vetoes and a grace, and is replaced within it", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors, params } = protocol;
    const { escrow, oracle, timelock, usd } = contracts;
    const bad = oracle.connect(actors.guardian);
    const unitPrice = parseUnits("1", 6);
    const nodeId = await listNode(protocol, actors.miners[0], usd, unitPrice);
    const orderId = await openOrder(protocol, actors.renters[0], usd, { nodeId, maxUnitPrice: unitPrice });
    const startedAt = await startOf(protocol, orderId);
    const { endsAt } = await escrow.order(orderId);

    // he vetoes the receipts as often as they come
    for (let day = 0n; day <= 7n; day++) {
      await time.increaseTo(endsAt + day * DAY);
      const receipt = { orderId, nodeId, cumulativeTU: TU, measuredAt: startedAt + day + 1n };
      const { root } = await submitReceipts(protocol, [receipt]);
      await bad.veto(root);
    }
    const from = endsAt + 7n * DAY + params.grace;
    expect((await escrow.refundable(orderId)).from).to.equal(from);

    // the governor's delay and two veto windows fit into the grace: the miner is paid after all
    await asGovernor(timelock, actors.admin, await oracle.setGuardian.populateTransaction(actors.admin));
    const receipt = { orderId, nodeId, cumulativeTU: TU, measuredAt: endsAt };
    const { root } = await submitReceipts(protocol, [receipt]);
    await expect(bad.veto(root))
      .to.be.revertedWithCustomError(oracle, "Oracle_NotGuardian")
      .withArgs(actors.guardian.address);
    await passVetoWindow(protocol);
    expect(await time.latest()).to.be.lessThan(from);
  });

  it("gone bad adds a freeze and another grace to that, and no more", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors, params } = protocol;
    const { escrow, oracle, usd } = contracts;
    const bad = oracle.connect(actors.guardian);
    const unitPrice = parseUnits("1", 6);
    const nodeId = await listNode(protocol, actors.miners[0], usd, unitPrice);
    const orderId = await openOrder(protocol, actors.renters[0], usd, { nodeId, maxUnitPrice: unitPrice });
    const { startedAt, endsAt } = await escrow.order(orderId);
    await time.increaseTo(endsAt + 7n * DAY);
    const receipt = { orderId, nodeId, cumulativeTU: TU, measuredAt: startedAt + 1n };
    await bad.veto((await submitReceipts(protocol, [receipt])).root);
    await time.setNextBlockTimestamp(endsAt + 7n * DAY + params.grace - 1n);
    await bad.freeze();

    const frozenUntil = await oracle.frozenUntil();
    expect((await escrow.refundable(orderId)).from).to.equal(frozenUntil + params.grace);
    await time.increaseTo(frozenUntil + params.grace - 1n);
    await expect(bad.freeze()).to.be.revertedWithCustomError(oracle, "Oracle_FreezeTooSoon");
    await time.increase(1);
    await expect(escrow.close(orderId)).to.changeTokenBalances(
      usd,
      [escrow, actors.renters[0]],
      [-unitPrice, unitPrice],
    );
  });
});
