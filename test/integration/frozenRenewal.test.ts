import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { parseUnits } from "ethers";

import { deployProtocolFixture } from "../helpers/fixture";
import {
  attestNode,
  listNode,
  openOrder,
  passVetoWindow,
  settle,
  signByQuorum,
  submitReceipts,
} from "../helpers/market";

describe("A freeze over the end of an attestation", () => {
  it("costs a node nothing of what it did before, though it cannot renew in time and its order has ended", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors } = protocol;
    const { escrow, oracle, registry, usd, controller } = contracts;
    const unitPrice = parseUnits("1", 6);
    const nodeId = await listNode(protocol, actors.miners[0], usd, unitPrice);
    const { attestedUntil } = await registry.node(nodeId);
    await time.increaseTo(attestedUntil - 2n * DAY);
    const orderId = await openOrder(protocol, actors.renters[0], usd, {
      nodeId,
      tuAmount: TU,
      duration: DAY,
      maxUnitPrice: unitPrice,
    });
    const { endsAt } = await escrow.order(orderId);
    await time.increaseTo(endsAt + 1n);
    const tree = await submitReceipts(protocol, [{ orderId, nodeId, cumulativeTU: TU, measuredAt: endsAt }]);

    await oracle.connect(actors.guardian).freeze();
    const frozenUntil = await oracle.frozenUntil();
    const renewal = { nodeId, validUntil: attestedUntil + DAY, evidence: tree.root };
    const signatures = await signByQuorum(protocol, "NodeAttestation", renewal);
    await expect(registry.attestNode(nodeId, renewal.validUntil, renewal.evidence, signatures))
      .to.be.revertedWithCustomError(oracle, "Oracle_Frozen")
      .withArgs(frozenUntil);
    await time.increaseTo(frozenUntil);
    await attestNode(protocol, nodeId);
    await passVetoWindow(protocol);

    await expect(settle(protocol, usd, tree)).to.changeTokenBalances(
      usd,
      [escrow, controller],
      [-unitPrice, unitPrice],
    );
    expect((await escrow.order(orderId)).earned).to.equal(unitPrice);
  });
});
