import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { id, MaxUint256, parseUnits } from "ethers";

import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { type Asset, listNode } from "../helpers/market";
import { expectSoundBooks, listRefusingToken, openParams } from "../helpers/orders";

const UNIT_PRICE = parseUnits("1", 6);

/** The first renter, with an unlimited allowance in an asset. */
async function renterOf({ contracts: { escrow }, actors: { renters } }: Protocol, asset: Asset) {
  const [renter] = renters;
  await asset.connect(renter).approve(escrow, MaxUint256);
  return { renter, escrow: escrow.connect(renter) };
}

describe("ComputeEscrow, opening several orders", () => {
  describe("openOrders", () => {
    it("rejects no orders", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const { escrow } = contracts;

      await expect(escrow.openOrders([])).to.be.revertedWithCustomError(escrow, "Escrow_NoOrders");
    });

    it("rejects an order in another asset than the first", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd, dai } = protocol.contracts;
      const { renter, escrow } = await renterOf(protocol, usd);
      await dai.connect(renter).approve(escrow, MaxUint256);
      const all = [openParams(usd, renter), openParams(usd, renter), openParams(dai, renter)];

      await expect(escrow.openOrders(all))
        .to.be.revertedWithCustomError(escrow, "Escrow_AssetsDiffer")
        .withArgs(dai, usd);
    });

    it("opens all of them with one pull of their sum, as if one by one", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry, usd } = protocol.contracts;
      const { miners, renters } = protocol.actors;
      const { renter, escrow } = await renterOf(protocol, usd);
      const nodeId = await listNode(protocol, miners[0], usd, 2n * UNIT_PRICE);
      await registry.connect(miners[0]).setListing(nodeId, usd, 2n * UNIT_PRICE, 3n * TU);
      const all = [
        openParams(usd, renter, { nodeId, maxUnitPrice: 2n * UNIT_PRICE }),
        openParams(usd, renter, { tuAmount: 3n, duration: HOUR, renter: renters[1], paymentRef: id("reference") }),
        openParams(usd, renter, {
          nodeId,
          maxUnitPrice: 3n * UNIT_PRICE,
          tuAmount: 2n * TU,
          refundTo: renters[2].address,
        }),
      ];
      const expectedIds = await escrow.openOrders.staticCall(all);

      const opening = await escrow.openOrders(all);

      const sum = 2n * UNIT_PRICE + 1n + 4n * UNIT_PRICE;
      const transfers = await usd.queryFilter(usd.filters.Transfer(), opening.blockNumber ?? undefined);
      expect(transfers.map(({ args }) => [...args])).to.deep.equal([[renter.address, escrow.target, sum]]);
      const opened = await escrow.queryFilter(escrow.filters.OrderOpened());
      expect(opened.map(({ args }) => args.orderId)).to.deep.equal(expectedIds);
      expect(opened.map(({ args }) => [args.nodeId, args.payer, args.deposit, args.refundTo])).to.deep.equal([
        [nodeId, renter.address, 2n * UNIT_PRICE, all[0].refundTo],
        [0n, renter.address, 1n, all[1].refundTo],
        [nodeId, renter.address, 4n * UNIT_PRICE, renters[2].address],
      ]);
      const holders = await Promise.all(expectedIds.map((orderId) => escrow.ownerOf(orderId)));
      expect(holders).to.deep.equal([renter.address, renters[1].address, renter.address]);
      expect((await registry.listing(nodeId, usd)).capacityTU).to.equal(0);
      expect(await escrow.isPaymentRefUsed(renter, id("reference"))).to.equal(true);
      await expectSoundBooks(protocol, usd);
    });

    it("opens none if one cannot be opened once those before it are: capacity, reference", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry, usd } = protocol.contracts;
      const { miners } = protocol.actors;
      const { renter, escrow } = await renterOf(protocol, usd);
      const nodeId = await listNode(protocol, miners[0], usd, UNIT_PRICE);
      await registry.connect(miners[0]).setListing(nodeId, usd, UNIT_PRICE, TU + 1n);
      const onNode = openParams(usd, renter, { nodeId });
      const referenced = openParams(usd, renter, { paymentRef: id("reference") });

      await expect(escrow.openOrders([onNode, onNode]))
        .to.be.revertedWithCustomError(registry, "Registry_CapacityExceeded")
        .withArgs(TU, 1n);
      await expect(escrow.openOrders([referenced, referenced]))
        .to.be.revertedWithCustomError(escrow, "Escrow_PaymentRefUsed")
        .withArgs(renter.address, referenced.paymentRef);
      expect(await escrow.liabilities(usd)).to.equal(0);
    });

    it("rejects an asset that keeps a part of the sum", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const token = await listRefusingToken(protocol);
      const { renter, escrow } = await renterOf(protocol, token);
      await token.setFee(1n);

      await expect(escrow.openOrders([openParams(token, renter), openParams(token, renter)]))
        .to.be.revertedWithCustomError(escrow, "Escrow_DepositNotReceived")
        .withArgs(2n * UNIT_PRICE - 1n, 2n * UNIT_PRICE);
    });

    it("rejects everything while frozen, and in an asset that is not listed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { oracle, usd } = protocol.contracts;
      const { renter, escrow } = await renterOf(protocol, usd);
      await expect(escrow.openOrders([{ ...openParams(usd, renter), asset: renter }]))
        .to.be.revertedWithCustomError(escrow, "Escrow_AssetNotListed")
        .withArgs(renter.address);
      await oracle.connect(protocol.actors.guardian).freeze();

      await expect(escrow.openOrders([openParams(usd, renter, { duration: DAY })]))
        .to.be.revertedWithCustomError(escrow, "Escrow_Frozen")
        .withArgs(await oracle.frozenUntil());
    });

    it("refuses to be reentered by the asset", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const token = await listRefusingToken(protocol);
      const { renter, escrow } = await renterOf(protocol, token);
      const params = openParams(token, renter);
      const { data } = await escrow.openOrders.populateTransaction([params]);
      await token.callOnTransfer(escrow, data);

      await expect(escrow.openOrders([params, params])).to.be.revertedWithCustomError(
        escrow,
        "ReentrancyGuardReentrantCall",
      );
    });
  });
});
