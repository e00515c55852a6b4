import { loadFixture, setStorageAt, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, decodeOrderId, HOUR, SkipReason, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { AbiCoder, concat, dataSlice, keccak256, MaxUint256, parseUnits, toBeHex, ZeroAddress } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { listNode, openOrder, passVetoWindow, settle, stopAndClose, submitReceipts } from "../helpers/market";
import { acknowledge, deliver, expectSoundBooks, openParams, startOf } from "../helpers/orders";

const UNIT_PRICE = parseUnits("1", 6);

/** Slot of the escrow's places, by the storage layout: after OpenZeppelin's and the assets. */
const PLACES_SLOT = 11;

/** Generations of a place are counted in 16 bits. */
const LAST_GENERATION = 2n ** 16n - 1n;

/** An order in dollars of the first renter that is closed, so that its place is free. */
async function vacate(protocol: Protocol): Promise<bigint> {
  const { contracts, actors } = protocol;
  const orderId = await openOrder(protocol, actors.renters[0], contracts.usd, { maxUnitPrice: UNIT_PRICE });
  await stopAndClose(protocol, actors.renters[0], orderId);
  return orderId;
}

/** Opens an order of the first renter in dollars, at 1 USD per TU, with a place to take over. */
async function openReusing(protocol: Protocol, reuse: bigint): Promise<bigint> {
  const { contracts, actors } = protocol;
  return openOrder(protocol, actors.renters[0], contracts.usd, { maxUnitPrice: UNIT_PRICE, reuse });
}

/** The words in an order's place: terms, state, holder. */
async function wordsOf({ contracts: { escrow } }: Protocol, orderId: bigint): Promise<string[]> {
  const place = slotOf(orderId);
  return Promise.all([0n, 1n, 2n].map((i) => ethers.provider.getStorage(escrow, place + i)));
}

function slotOf(orderId: bigint): bigint {
  const key = [decodeOrderId(orderId).place, PLACES_SLOT];
  return BigInt(keccak256(AbiCoder.defaultAbiCoder().encode(["uint256", "uint256"], key)));
}

const ZERO_WORD = toBeHex(0, 32);

describe("ComputeEscrow, places", () => {
  describe("reuse", () => {
    it("of a closed order takes its place over: the next generation, and no new slot", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const closed = await vacate(protocol);
      expect(await wordsOf(protocol, closed)).to.not.include(ZERO_WORD);

      const orderId = await openReusing(protocol, closed);
      expect(orderId).to.equal(closed + 1n);
      expect(decodeOrderId(orderId)).to.deep.equal({ ...decodeOrderId(closed), generation: 2n });
    });

    it("takes over whatever the node, the asset and the price of either", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const closed = await vacate(protocol);
      const nodeId = await listNode(protocol, actors.miners[0], contracts.dai, 7n);
      const terms = { nodeId, maxUnitPrice: 9n, tuAmount: 3n * TU, duration: 2n * DAY, reuse: closed };
      const orderId = await openOrder(protocol, actors.renters[1], contracts.dai, terms);

      expect(decodeOrderId(orderId)).to.deep.equal({ ...decodeOrderId(closed), assetIndex: 3n, generation: 2n });
      const startedAt = BigInt(await time.latest());
      expect(await contracts.escrow.order(orderId)).to.deep.equal([
        ...[nodeId, await contracts.dai.getAddress(), 7n, 3n * TU, 0n, 21n, 0n],
        ...[startedAt, startedAt + 2n * DAY, ZeroAddress],
      ]);
      expect(await contracts.escrow.ownerOf(orderId)).to.equal(actors.renters[1].address);
      await expectSoundBooks(protocol, contracts.usd);
      await expectSoundBooks(protocol, contracts.dai);
    });

    it("leaves the serial number to the next new place", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const closed = await vacate(protocol);
      await openReusing(protocol, closed);

      expect(decodeOrderId(await openReusing(protocol, 0n)).place).to.equal(decodeOrderId(closed).place + 1n);
    });

    it("of anything else means a new place", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const open = await openReusing(protocol, 0n);
      const first = await vacate(protocol);
      const second = await openReusing(protocol, first);
      await stopAndClose(protocol, protocol.actors.renters[0], second);
      const places = new Set([open, first].map((id) => decodeOrderId(id).place));
      const others = [
        0n,
        open,
        open + 1n, // a generation never given, of a place that holds an order
        first, // closed, but not the latest of its place
        second + 1n, // a generation never given, of a place that is free
        second - 2n, // generation 0
        second + (1n << 16n), // the place and the generation under another asset
        second + (1n << 88n), // above the bits of an id
        second + (1n << 40n), // a place never taken
        MaxUint256,
      ];

      for (const reuse of others) {
        const { place, generation } = decodeOrderId(await openReusing(protocol, reuse));
        expect(places, `place for ${reuse}`).to.not.include(place);
        expect(generation).to.equal(1n);
        places.add(place);
      }
      expect(await openReusing(protocol, second)).to.equal(second + 1n);
    });

    it("by two openers of one place gives it to the first, in one call too", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const [renter] = actors.renters;
      const closed = await vacate(protocol);
      const params = openParams(contracts.usd, renter, { maxUnitPrice: UNIT_PRICE, reuse: closed });
      const opened = await contracts.escrow.connect(renter).openOrders.staticCall([params, params]);
      await contracts.escrow.connect(renter).openOrders([params, params]);

      expect(opened[0]).to.equal(closed + 1n);
      expect(decodeOrderId(opened[1])).to.deep.equal({
        ...decodeOrderId(closed),
        place: decodeOrderId(closed).place + 1n,
      });
      expect(await openReusing(protocol, closed)).to.not.equal(closed + 1n);
    });

    it("of a place whose generations are used up means a new one", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const closed = await vacate(protocol);
      const [, state] = await wordsOf(protocol, closed);
      const [tag, rest] = [dataSlice(state, 0, 2), toBeHex(0, 28)]; // the asset, and what is behind the generation
      expect(state).to.equal(concat([tag, toBeHex(1, 2), rest]));
      const beforeLast = closed - 1n + LAST_GENERATION - 1n;
      const { escrow } = protocol.contracts;
      const word = concat([tag, toBeHex(LAST_GENERATION - 1n, 2), rest]);
      await setStorageAt(await escrow.getAddress(), slotOf(closed) + 1n, word);

      const last = await openReusing(protocol, beforeLast);
      expect(last).to.equal(beforeLast + 1n);
      await stopAndClose(protocol, protocol.actors.renters[0], last);
      const next = await openReusing(protocol, last);
      expect(decodeOrderId(next)).to.deep.equal({
        place: decodeOrderId(closed).place + 1n,
        assetIndex: 2n,
        generation: 1n,
      });
      await expect(escrow.order(last)).to.be.revertedWithCustomError(escrow, "Escrow_UnknownOrder").withArgs(last);
    });
  });

  describe("an order in a place taken over", () => {
    it("begins with nothing of the one before: TU, rounding, promise of the refund", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const [renter, gateway] = actors.renters;
      const nodeIds = [
        await listNode(protocol, actors.miners[0], usd, 1n),
        await listNode(protocol, actors.miners[1], usd, 1n),
      ];
      // two nodes that lose half a unit each, and a refund that is promised
      const terms = { maxUnitPrice: 1n, tuAmount: 4n * TU, refundTo: gateway.address, renter, duration: 3n * DAY };
      const old = await openOrder(protocol, gateway, usd, terms);
      const start = await startOf(protocol, old);
      const half = (nodeId: bigint) => ({
        ...{ orderId: old, nodeId, cumulativeTU: TU / 2n, measuredAt: start + 23n * HOUR },
      });
      await time.increaseTo(start + 23n * HOUR);
      await deliver(protocol, usd, nodeIds.map(half));
      expect(await escrow.settledTU(old, nodeIds[0])).to.equal(TU / 2n);
      await stopAndClose(protocol, renter, old);

      const orderId = await openReusing(protocol, old);
      const order = await escrow.order(orderId);
      expect([order.tuSettled, order.earned, order.refundTo]).to.deep.equal([0n, 0n, ZeroAddress]);
      expect(await escrow.settledTU(orderId, nodeIds[0])).to.equal(0n);
      expect((await escrow.refundable(orderId)).amount).to.equal(UNIT_PRICE);
      await escrow.connect(renter).transferFrom(renter, gateway, orderId);
      expect(await escrow.ownerOf(orderId)).to.equal(gateway.address);
      await expectSoundBooks(protocol, usd);
    });

    it("promises its refund though the one before did not", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const [renter, gateway] = actors.renters;
      const reuse = await vacate(protocol);
      const terms = { maxUnitPrice: UNIT_PRICE, refundTo: gateway.address, reuse };
      const orderId = await openOrder(protocol, renter, contracts.usd, terms);

      await expect(contracts.escrow.connect(renter).transferFrom(renter, gateway, orderId))
        .to.be.revertedWithCustomError(contracts.escrow, "Escrow_NotTransferable")
        .withArgs(orderId, gateway.address);
    });

    it("cannot be reached by the id of the one before", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const [renter, approved] = actors.renters;
      const nodeId = await listNode(protocol, actors.miners[0], usd, UNIT_PRICE);
      const old = await openOrder(protocol, renter, usd, { nodeId, maxUnitPrice: UNIT_PRICE });
      await escrow.connect(renter).approve(approved, old);
      const word = await acknowledge(protocol, renter, old, TU);
      await stopAndClose(protocol, renter, old);
      const orderId = await openOrder(protocol, renter, usd, { nodeId, maxUnitPrice: UNIT_PRICE, reuse: old });
      expect(orderId).to.equal(old + 1n);

      const held = escrow.connect(renter);
      for (const call of [
        () => escrow.order(old),
        () => escrow.refundable(old),
        () => escrow.settledTU(old, nodeId),
        () => escrow.getStateFingerprint(old),
        () => escrow.tokenURI(old),
        () => held.stop(old),
        () => held.close(old),
      ]) {
        await expect(call()).to.be.revertedWithCustomError(escrow, "Escrow_UnknownOrder").withArgs(old);
      }
      for (const call of [
        () => escrow.ownerOf(old),
        () => escrow.getApproved(old),
        () => held.approve(approved, old),
        () => held.transferFrom(renter, approved, old),
        () => escrow.connect(approved).transferFrom(renter, approved, old),
        () => escrow.connect(approved).transferFrom(ZeroAddress, approved, old),
      ]) {
        await expect(call()).to.be.revertedWithCustomError(escrow, "ERC721NonexistentToken").withArgs(old);
      }
      await expect(escrow.connect(approved).transferFrom(renter, approved, orderId))
        .to.be.revertedWithCustomError(escrow, "ERC721InsufficientApproval")
        .withArgs(approved.address, orderId);

      await expect(escrow.settleAcknowledged(usd, [word]))
        .to.emit(escrow, "AcknowledgementSkipped")
        .withArgs(old, SkipReason.UnknownOrder);
      const measuredAt = BigInt(await time.latest());
      const receipt = { orderId: old, nodeId, cumulativeTU: TU, measuredAt };
      const tree = await submitReceipts(protocol, [receipt]);
      await passVetoWindow(protocol);
      await expect(settle(protocol, usd, tree))
        .to.emit(escrow, "ReceiptSkipped")
        .withArgs(old, nodeId, SkipReason.UnknownOrder);
      expect((await escrow.order(orderId)).tuSettled).to.equal(0n);
    });

    it("is found under its own asset alone", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd, dai } = contracts;
      const orderId = await openReusing(protocol, await vacate(protocol));
      const inDai = orderId + (1n << 16n);
      expect(decodeOrderId(inDai).assetIndex).to.equal(3n);

      await expect(escrow.order(inDai)).to.be.revertedWithCustomError(escrow, "Escrow_UnknownOrder").withArgs(inDai);
      const word = await acknowledge(protocol, actors.renters[0], inDai, TU);
      await expect(escrow.settleAcknowledged(dai, [word]))
        .to.emit(escrow, "AcknowledgementSkipped")
        .withArgs(inDai, SkipReason.UnknownOrder);
      expect((await escrow.order(orderId)).asset).to.equal(await usd.getAddress());
    });
  });

  describe("transferFrom", () => {
    it("takes an order's approval from it without an event, as OpenZeppelin's does", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow } = protocol.contracts;
      const [renter, other, approved] = protocol.actors.renters;
      const orderId = await openReusing(protocol, 0n);
      await escrow.connect(renter).approve(approved, orderId);

      const transfer = escrow.connect(approved).transferFrom(renter, other, orderId);

      await expect(transfer).to.emit(escrow, "Transfer").withArgs(renter.address, other.address, orderId);
      await expect(transfer).not.to.emit(escrow, "Approval");
      expect(await escrow.getApproved(orderId)).to.equal(ZeroAddress);
    });
  });

  describe("balanceOf", () => {
    it("rejects the zero address", async () => {
      const { escrow } = (await loadFixture(deployProtocolFixture)).contracts;
      await expect(escrow.balanceOf(ZeroAddress))
        .to.be.revertedWithCustomError(escrow, "ERC721InvalidOwner")
        .withArgs(ZeroAddress);
    });

    it("counts what is held, down to none and up again", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow } = contracts;
      const [renter, other] = actors.renters;
      const balances = async () => [await escrow.balanceOf(renter), await escrow.balanceOf(other)];
      expect(await balances()).to.deep.equal([0n, 0n]);

      const first = await openReusing(protocol, 0n);
      const second = await openReusing(protocol, 0n);
      expect(await balances()).to.deep.equal([2n, 0n]);
      await escrow.connect(renter).transferFrom(renter, other, first);
      expect(await balances()).to.deep.equal([1n, 1n]);
      await escrow.connect(other).transferFrom(other, other, first);
      expect(await balances()).to.deep.equal([1n, 1n]);
      await stopAndClose(protocol, renter, second);
      expect(await balances()).to.deep.equal([0n, 1n]);
      await openReusing(protocol, second);
      expect(await balances()).to.deep.equal([1n, 1n]);
    });
  });
});
