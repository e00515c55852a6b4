import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { HOUR, SkipReason, TU } from "@turingfog/sdk";
import { expect } from "chai";

import { deployProtocolFixture } from "../helpers/fixture";
import { listNode, openOrder, registerNode } from "../helpers/market";
import { acknowledge, deliver, expectSoundBooks, startOf } from "../helpers/orders";
import { Purse } from "./ledger";
import { USD } from "./predictions";

const PRICE = 2n * USD;

describe("A renter who acknowledges falsely", () => {
  it("a friend's node on a joint order takes nothing of what a rival has earned there [T15]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const [friend, rival] = miners;
    await registerNode(protocol, friend);
    const rivalNode = await registerNode(protocol, rival);
    const purse = await Purse.of([tft, usd], renters[0]);
    const orderId = await openOrder(protocol, renters[0], usd, { maxUnitPrice: PRICE });
    await time.increase(HOUR);
    const receipt = {
      orderId,
      nodeId: rivalNode,
      cumulativeTU: TU,
      measuredAt: (await startOf(protocol, orderId)) + HOUR,
    };

    const signed = await acknowledge(protocol, renters[0], orderId, TU);
    await expect(escrow.connect(renters[0]).settleAcknowledged(usd, [signed]))
      .to.emit(escrow, "AcknowledgementSkipped")
      .withArgs(orderId, SkipReason.JointOrder);
    await expect(deliver(protocol, usd, [receipt]))
      .to.emit(escrow, "ReceiptSettled")
      .withArgs(orderId, rivalNode, rival.address, TU, PRICE);

    await purse.expectOutcome({
      adversary: "false acknowledger",
      scenario: "a friend's node on a joint order",
      paid: { USD: PRICE },
      predicted: {},
    });
    await expectSoundBooks(protocol, usd);
  });

  it("away the refund of a gateway that has paid for them cannot, by key or by calling [T32]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const [customer, gateway] = renters;
    const nodeId = await listNode(protocol, miners[0], usd, PRICE);
    const terms = { nodeId, maxUnitPrice: PRICE, renter: customer, refundTo: gateway.address };
    const purse = await Purse.of([tft, usd], gateway);
    const orderId = await openOrder(protocol, gateway, usd, terms);

    const signed = await acknowledge(protocol, customer, orderId, TU);
    await expect(escrow.connect(customer).settleAcknowledged(usd, [signed, { ...signed, signature: "0x" }]))
      .to.emit(escrow, "AcknowledgementSkipped")
      .withArgs(orderId, SkipReason.NotAcknowledged);
    await time.increaseTo((await escrow.refundable(orderId)).from);
    await escrow.close(orderId);

    await purse.expectOutcome({
      adversary: "false acknowledger",
      scenario: "a customer acknowledges away the gateway's refund",
      paid: { USD: PRICE },
      predicted: { USD: PRICE },
    });
  });

  it("after having sold the order takes nothing of the buyer's refund [T32]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const [seller, buyer] = renters;
    const nodeId = await listNode(protocol, miners[0], usd, PRICE);
    const orderId = await openOrder(protocol, seller, usd, { nodeId, maxUnitPrice: PRICE });
    const signed = await acknowledge(protocol, seller, orderId, TU);
    const purse = await Purse.of([tft, usd], buyer);
    await escrow.connect(seller).transferFrom(seller, buyer, orderId);

    await expect(escrow.connect(seller).settleAcknowledged(usd, [signed]))
      .to.emit(escrow, "AcknowledgementSkipped")
      .withArgs(orderId, SkipReason.NotAcknowledged);
    await time.increaseTo((await escrow.refundable(orderId)).from);
    await escrow.close(orderId);

    await purse.expectOutcome({
      adversary: "false acknowledger",
      scenario: "the seller of an order, afterwards",
      paid: {},
      predicted: { USD: PRICE },
    });
  });

  it("by an old acknowledgement once more pays once [T9]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { usd, escrow, controller } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const nodeId = await listNode(protocol, miners[0], usd, PRICE);
    const orderId = await openOrder(protocol, renters[0], usd, { nodeId, maxUnitPrice: PRICE });
    const old = await acknowledge(protocol, renters[0], orderId, TU / 2n);
    await escrow.settleAcknowledged(usd, [old]);

    await expect(escrow.settleAcknowledged(usd, [old, old])).to.changeTokenBalances(usd, [escrow, controller], [0, 0]);
    await expectSoundBooks(protocol, usd);
  });
});
