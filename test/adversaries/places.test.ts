import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { loadFixture, mine, time } from "@nomicfoundation/hardhat-network-helpers";
import { decodeOrderId, HOUR, SkipReason, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { AbiCoder, keccak256, toBeHex, ZeroAddress } from "ethers";
import { ethers, network } from "hardhat";

import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import {
  listNode,
  openOrder,
  passVetoWindow,
  settle,
  startEpoch,
  stopAndClose,
  submitReceipts,
} from "../helpers/market";
import { acknowledge, deliver, expectSoundBooks, openParams, startOf } from "../helpers/orders";
import { Purse } from "./ledger";
import { destroy, divide, TFT, USD } from "./predictions";

const PRICE = 2n * USD;

/** One more order in the place, in the same asset. */
const NEXT = 1n;

/** In another place, of a new serial number. */
const NEXT_PLACE = 2n ** 32n;

const LAST_GENERATION = 65_535n;

/** A new slot instead of one that is written again, for each of terms, state and holder. */
const GAS_OF_NEW_PLACE = 3n * 17_100n;

/** The state of the place that was taken, and the first access to that of the new one. */
const GAS_OF_LOOKING = 6_000n;

/** An order of the first renter's, closed, whose place the second one's order has taken over, on the same terms. */
async function takenOver(protocol: Protocol) {
  const { usd } = protocol.contracts;
  const [former, present] = protocol.actors.renters;
  const nodeId = await listNode(protocol, protocol.actors.miners[0], usd, PRICE);
  const terms = { nodeId, maxUnitPrice: PRICE };
  const before = await openOrder(protocol, former, usd, terms);
  const takeOver = async () => {
    await stopAndClose(protocol, former, before);
    return openOrder(protocol, present, usd, { ...terms, reuse: before });
  };
  return { former, present, nodeId, before, takeOver };
}

/** Where the state of an order's place is stored: the only mapping to a word that begins with the order's tag. */
async function stateSlotOf({ contracts: { escrow } }: Protocol, orderId: bigint): Promise<string> {
  const { place } = decodeOrderId(orderId);
  const tag = BigInt.asUintN(32, orderId);
  for (let slot = 0; slot < 32; ++slot) {
    const terms = keccak256(AbiCoder.defaultAbiCoder().encode(["uint256", "uint256"], [place, slot]));
    const state = toBeHex(BigInt(terms) + 1n, 32);
    if (BigInt(await ethers.provider.getStorage(escrow, state)) >> 224n === tag) return state;
  }
  throw new Error(`No mapping of the escrow has the tag of order ${orderId}`);
}

async function refund({ contracts: { escrow } }: Protocol, orderId: bigint): Promise<void> {
  await time.increaseTo((await escrow.refundable(orderId)).from);
  await escrow.close(orderId);
}

describe("A place that a new order takes over", () => {
  it("earns nothing by a receipt or an acknowledgement of the former order [T38]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow } = protocol.contracts;
    const { former, present, nodeId, before, takeOver } = await takenOver(protocol);
    await time.increase(HOUR);
    const measuredAt = (await startOf(protocol, before)) + HOUR;
    const tree = await submitReceipts(protocol, [{ orderId: before, nodeId, cumulativeTU: TU, measuredAt }]);
    await passVetoWindow(protocol);
    const signed = await acknowledge(protocol, former, before, TU);
    const signedByPresent = await acknowledge(protocol, present, before, TU);
    const orderId = await takeOver();
    expect(orderId).to.equal(before + NEXT);
    const purse = await Purse.of([tft, usd], former);

    await expect(settle(protocol, usd, tree))
      .to.emit(escrow, "ReceiptSkipped")
      .withArgs(before, nodeId, SkipReason.UnknownOrder);
    await expect(escrow.settleAcknowledged(usd, [signed]))
      .to.emit(escrow, "AcknowledgementSkipped")
      .withArgs(before, SkipReason.UnknownOrder);
    await expect(escrow.connect(present).settleAcknowledged(usd, [signedByPresent, { ...signed, signature: "0x" }]))
      .to.emit(escrow, "AcknowledgementSkipped")
      .withArgs(before, SkipReason.UnknownOrder);
    // what was signed for the former order is no signature for the present one
    await expect(escrow.settleAcknowledged(usd, [{ ...signedByPresent, orderId }]))
      .to.emit(escrow, "AcknowledgementSkipped")
      .withArgs(orderId, SkipReason.NotAcknowledged);

    expect((await escrow.order(orderId)).earned).to.equal(0n);
    expect((await escrow.refundable(orderId)).amount).to.equal(PRICE);
    await purse.expectOutcome({
      adversary: "former order",
      scenario: "its receipt and its acknowledgement",
      paid: {},
      predicted: {},
    });
    await expectSoundBooks(protocol, usd);
  });

  it("is moved by no approval of the former order, not even for the same holder [T38]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { usd, escrow } = protocol.contracts;
    const { stranger, renters } = protocol.actors;
    const [former, present] = renters;
    const before = await openOrder(protocol, former, usd, { maxUnitPrice: PRICE });
    await escrow.connect(former).approve(stranger, before);
    await stopAndClose(protocol, former, before);
    const moving = escrow.connect(stranger);
    // an order that nobody holds is not the zero address' to give
    await expect(moving.transferFrom(ZeroAddress, stranger, before))
      .to.be.revertedWithCustomError(escrow, "ERC721NonexistentToken")
      .withArgs(before);

    const others = await openOrder(protocol, present, usd, { maxUnitPrice: PRICE, reuse: before });
    expect(others).to.equal(before + NEXT);
    for (const from of [ZeroAddress, former.address, present.address]) {
      await expect(moving.transferFrom(from, stranger, before))
        .to.be.revertedWithCustomError(escrow, "ERC721NonexistentToken")
        .withArgs(before);
      await expect(moving.transferFrom(from, stranger, others))
        .to.be.revertedWithCustomError(escrow, "ERC721InsufficientApproval")
        .withArgs(stranger.address, others);
    }

    await stopAndClose(protocol, present, others);
    const own = await openOrder(protocol, former, usd, { maxUnitPrice: PRICE, reuse: others });
    expect(own).to.equal(others + NEXT);
    expect(await escrow.getApproved(own)).to.equal(ZeroAddress);
    await expect(moving.transferFrom(former, stranger, own))
      .to.be.revertedWithCustomError(escrow, "ERC721InsufficientApproval")
      .withArgs(stranger.address, own);
    await expect(moving.stop(before)).to.be.revertedWithCustomError(escrow, "Escrow_UnknownOrder").withArgs(before);
    expect(await escrow.balanceOf(stranger)).to.equal(0n);
    expect(await escrow.balanceOf(former)).to.equal(1n);
  });

  it("is not sold by an offer for the order that its seller has closed [T38]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { usd, escrow } = protocol.contracts;
    const { renters, stranger: marketplace } = protocol.actors;
    const [seller, buyer] = renters;
    const offered = await openOrder(protocol, seller, usd, { maxUnitPrice: PRICE });
    const fingerprint = await escrow.getStateFingerprint(offered);
    // the marketplace may move all that the seller holds, and does so for an id whose fingerprint is still the offer's
    await escrow.connect(seller).setApprovalForAll(marketplace, true);
    await stopAndClose(protocol, seller, offered);
    const lesser = await openOrder(protocol, seller, usd, { maxUnitPrice: 1n, reuse: offered });
    expect(lesser).to.equal(offered + NEXT);

    await expect(escrow.getStateFingerprint(offered))
      .to.be.revertedWithCustomError(escrow, "Escrow_UnknownOrder")
      .withArgs(offered);
    expect(await escrow.getStateFingerprint(lesser)).not.to.equal(fingerprint);
    await expect(escrow.connect(marketplace).transferFrom(seller, buyer, offered))
      .to.be.revertedWithCustomError(escrow, "ERC721NonexistentToken")
      .withArgs(offered);
    expect(await escrow.ownerOf(lesser)).to.equal(seller.address);
  });

  it("goes to the first of two who name it in one block, or in one call, and the second has a new one [T38]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow } = protocol.contracts;
    const [first, second, third] = protocol.actors.renters;
    const before = await openOrder(protocol, first, usd, { maxUnitPrice: PRICE });
    await stopAndClose(protocol, first, before);
    const purse = await Purse.of([tft, usd], second);
    const paramsOf = (renter: HardhatEthersSigner, reuse: bigint) =>
      openParams(usd, renter, { maxUnitPrice: PRICE, reuse });
    for (const renter of [second, third]) await usd.connect(renter).approve(escrow, 10n * PRICE);

    const options = { gasLimit: 500_000 };
    await network.provider.send("evm_setAutomine", [false]);
    const sent = [
      await escrow.connect(first).openOrder(paramsOf(first, before), options),
      await escrow.connect(second).openOrder(paramsOf(second, before), options),
    ];
    await mine();
    await network.provider.send("evm_setAutomine", [true]);
    const receipts = await Promise.all(sent.map((response) => response.wait()));
    expect(new Set(receipts.map((receipt) => receipt?.blockNumber)).size).to.equal(1);
    const holders = await Promise.all([before + NEXT, before + NEXT_PLACE].map((id) => escrow.ownerOf(id)));
    expect([...holders].sort()).to.deep.equal([first.address, second.address].sort());

    const own = holders[0] === second.address ? before + NEXT : before + NEXT_PLACE;
    await stopAndClose(protocol, second, own);
    await purse.expectOutcome({
      adversary: "second in a place",
      scenario: "named by another in the same block",
      paid: { USD: PRICE },
      predicted: { USD: PRICE },
    });

    const both = [paramsOf(third, own), paramsOf(third, own)];
    const opened = await escrow.connect(third).openOrders.staticCall(both);
    await escrow.connect(third).openOrders(both);
    expect(opened).to.deep.equal([own + NEXT, before + 2n * NEXT_PLACE]);
    for (const id of opened) expect(await escrow.ownerOf(id)).to.equal(third.address);
    expect(await escrow.balanceOf(third)).to.equal(2n);
    await expectSoundBooks(protocol, usd);
  });

  it("is left for a new one after its last generation [T38]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { usd, escrow } = protocol.contracts;
    const [renter] = protocol.actors.renters;
    const first = await openOrder(protocol, renter, usd, { maxUnitPrice: PRICE });
    await stopAndClose(protocol, renter, first);
    const lastButOne = first - NEXT + LAST_GENERATION - 1n;
    const state = BigInt.asUintN(32, lastButOne) << 224n;
    const slot = await stateSlotOf(protocol, first);
    await network.provider.send("hardhat_setStorageAt", [await escrow.getAddress(), slot, toBeHex(state, 32)]);

    const last = await openOrder(protocol, renter, usd, { maxUnitPrice: PRICE, reuse: lastButOne });
    expect(last).to.equal(lastButOne + NEXT);
    expect(decodeOrderId(last)).to.include({
      generation: LAST_GENERATION,
      assetIndex: decodeOrderId(first).assetIndex,
    });
    await stopAndClose(protocol, renter, last);
    const next = await openOrder(protocol, renter, usd, { maxUnitPrice: PRICE, reuse: last });
    expect(next).to.equal(first + NEXT_PLACE);
    // nor has the count begun again
    await expect(escrow.order(last - LAST_GENERATION)).to.be.revertedWithCustomError(escrow, "Escrow_UnknownOrder");
    expect(await openOrder(protocol, renter, usd, { maxUnitPrice: PRICE, reuse: last - LAST_GENERATION })).to.equal(
      first + 2n * NEXT_PLACE,
    );
    await expectSoundBooks(protocol, usd);
  });

  it("brings a stranger nothing of the former order, and takes nothing of it [T38]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow, pool } = protocol.contracts;
    const { miners, renters, stranger } = protocol.actors;
    const [customer, gateway] = renters;
    const nodeId = await listNode(protocol, miners[0], usd, PRICE);
    // half of a joint order is delivered, and the rest is the gateway's
    const promised = { maxUnitPrice: PRICE, renter: customer, refundTo: gateway.address };
    const before = await openOrder(protocol, gateway, usd, promised);
    const round = await pool.openRound(usd);
    await time.increase(HOUR);
    const measuredAt = (await startOf(protocol, before)) + HOUR;
    await deliver(protocol, usd, [{ orderId: before, nodeId, cumulativeTU: TU / 2n, measuredAt }]);
    await usd.mint(stranger, PRICE);
    const purse = await Purse.of([tft, usd], stranger);
    const others = await Purse.of([tft, usd], customer, gateway);
    await stopAndClose(protocol, customer, before);
    const orderId = await openOrder(protocol, stranger, usd, { maxUnitPrice: PRICE, reuse: before });
    expect(orderId).to.equal(before + NEXT);

    expect(await escrow.settledTU(orderId, nodeId)).to.equal(0n);
    expect((await escrow.order(orderId)).refundTo).to.equal(ZeroAddress);
    expect((await escrow.refundable(orderId)).amount).to.equal(PRICE);
    expect(await pool.weightOf(await pool.bucketId(round, usd), miners[0])).to.equal(PRICE / 2n);
    await expect(escrow.connect(customer).stop(orderId))
      .to.be.revertedWithCustomError(escrow, "Escrow_NotHolder")
      .withArgs(orderId, customer.address);
    await expect(escrow.connect(gateway).close(before))
      .to.be.revertedWithCustomError(escrow, "Escrow_UnknownOrder")
      .withArgs(before);
    await refund(protocol, orderId);

    await purse.expectOutcome({
      adversary: "stranger in a place",
      scenario: "after a joint order with a promised refund",
      paid: { USD: PRICE },
      predicted: { USD: PRICE },
    });
    await others.expectOutcome({
      adversary: "former order",
      scenario: "its refund, half delivered",
      paid: {},
      predicted: { USD: PRICE / 2n },
    });
    await expectSoundBooks(protocol, usd);
  });

  it("costs those who find it taken by a stranger the gas of a new one, and nothing else [T38]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow } = protocol.contracts;
    const [victim, , runner] = protocol.actors.renters;
    const before = await openOrder(protocol, victim, usd, { maxUnitPrice: PRICE });
    await stopAndClose(protocol, victim, before);
    // so that the escrow's balance is no new slot to either
    await openOrder(protocol, runner, usd, { maxUnitPrice: PRICE });
    const purse = await Purse.of([tft, usd], victim);
    const params = openParams(usd, victim, { maxUnitPrice: PRICE, reuse: before });
    const foreseen = await escrow.connect(victim).openOrder.estimateGas(params);

    await openOrder(protocol, runner, usd, { maxUnitPrice: PRICE, reuse: before });
    const orderId = await escrow.connect(victim).openOrder.staticCall(params);
    const gas = await escrow.connect(victim).openOrder.estimateGas(params);
    await escrow.connect(victim).openOrder(params);
    expect(orderId).to.equal(before + 2n * NEXT_PLACE);
    expect(gas - foreseen).to.be.within(GAS_OF_NEW_PLACE, GAS_OF_NEW_PLACE + GAS_OF_LOOKING);

    await stopAndClose(protocol, victim, orderId);
    await purse.expectOutcome({
      adversary: "front runner",
      scenario: "takes over another's closed order",
      paid: { USD: PRICE },
      predicted: { USD: PRICE },
    });
    await expectSoundBooks(protocol, usd);
  });
});

describe("A miner who claims late", () => {
  it("has each of 400 rounds in the end, in one claim [T38]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, escrow, controller, pool } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const [miner] = miners;
    const [renter] = renters;
    const rounds = 400n;
    const price = 3n * TFT + 7n;
    const nodeId = await listNode(protocol, miner, tft, price);
    const terms = { nodeId, tuAmount: rounds * TU, maxUnitPrice: price };
    const orderId = await openOrder(protocol, renter, tft, terms);
    const purse = await Purse.of([tft], miner);

    let burned = 0n;
    let predicted = 0n;
    for (let round = 1n; round <= rounds; ++round) {
      await escrow.connect(renter).settleAcknowledged(tft, [{ orderId, cumulativeTU: round * TU, signature: "0x" }]);
      await startEpoch(protocol);
      await controller.burn(round);
      const split = destroy(price, burned);
      burned += split.burned;
      predicted += divide(split).reward;
    }
    const ids = Array.from(
      { length: Number(rounds) },
      (_, i) => (BigInt(i + 1) << 160n) | BigInt(tft.target as string),
    );
    await pool.connect(miner).claim(ids, miner);
    await pool.connect(miner).claim([...ids].reverse(), miner);

    for (const id of ids) expect(await pool.weightOf(id, miner)).to.equal(0n);
    await purse.expectOutcome({
      adversary: "late miner",
      scenario: `claims ${rounds} rounds at once`,
      paid: {},
      predicted: { TFT: predicted },
    });
  }).timeout(300_000);
});
