import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { type Addressable, parseUnits, ZeroAddress } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { listNode, openOrder, startEpoch } from "../helpers/market";
import { deliver, startOf } from "../helpers/orders";

const REFERENCE_PRICE = parseUnits("20", 18);
const MIN_REFERENCE_PRICE = 10n ** 9n;
const MAX_REFERENCE_PRICE = parseUnits("1000000000", 18);
const MAX_GRACE = 21n * DAY;

async function listAsset({ contracts, actors }: Protocol, asset: Addressable, referencePrice: bigint) {
  const call = await contracts.escrow.listAsset.populateTransaction(asset, referencePrice);
  return asGovernor(contracts.timelock, actors.admin, call);
}

async function delistAsset({ contracts, actors }: Protocol, asset: Addressable) {
  const call = await contracts.escrow.delistAsset.populateTransaction(asset);
  return asGovernor(contracts.timelock, actors.admin, call);
}

async function deployToken(decimals = 18) {
  return ethers.deployContract("TestToken", ["Other", "OTHER", decimals]);
}

describe("ComputeEscrow, governance", () => {
  describe("constructor", () => {
    /** An escrow beside the deployed one. */
    async function deploy(
      { contracts: { genesis, timelock, renderer } }: Protocol,
      grace: bigint,
      rendering: Addressable | string = renderer,
    ) {
      const { governor, tft, vault, oracle, registry, pool, controller, escrow } = await genesis.system(timelock);
      return ethers.deployContract("ComputeEscrow", [
        { governor, tft, vault, oracle, registry, pool, controller, escrow },
        grace,
        rendering,
        [],
      ]);
    }

    it("rejects a grace below the governor's delay and two veto windows, or above 21 days", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const minGrace = params.governor.minDelay + 2n * params.vetoWindow;

      for (const grace of [minGrace - 1n, MAX_GRACE + 1n]) {
        await expect(deploy(protocol, grace))
          .to.be.revertedWithCustomError(contracts.escrow, "Escrow_GraceOutOfBounds")
          .withArgs(grace, minGrace, MAX_GRACE);
      }
    });

    it("takes a grace at either bound", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { params } = protocol;

      for (const grace of [params.governor.minDelay + 2n * params.vetoWindow, MAX_GRACE]) {
        expect(await (await deploy(protocol, grace)).GRACE()).to.equal(grace);
      }
    });

    it("rejects a renderer without code", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;

      for (const renderer of [ZeroAddress, actors.stranger.address]) {
        await expect(deploy(protocol, params.grace, renderer))
          .to.be.revertedWithCustomError(contracts.escrow, "Escrow_InvalidRenderer")
          .withArgs(renderer);
      }
    });

    it("lists TFT first", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft } = protocol.contracts;

      const escrow = await deploy(protocol, protocol.params.grace);

      await expect(escrow.deploymentTransaction())
        .to.emit(escrow, "AssetListed")
        .withArgs(await tft.getAddress(), 1);
    });

    it("leaves the deployed escrow as its parameters say", async () => {
      const { contracts, params } = await loadFixture(deployProtocolFixture);
      const { escrow, timelock, oracle, registry, controller, pool, tft, usd, dai } = contracts;

      expect(await escrow.GRACE()).to.equal(params.grace);
      expect(await escrow.RENDERER()).to.equal(await contracts.renderer.getAddress());
      expect(await escrow.GOVERNOR()).to.equal(await timelock.getAddress());
      expect(await escrow.ORACLE()).to.equal(await oracle.getAddress());
      expect(await escrow.REGISTRY()).to.equal(await registry.getAddress());
      expect(await escrow.CONTROLLER()).to.equal(await controller.getAddress());
      expect(await escrow.POOL()).to.equal(await pool.getAddress());
      for (const asset of [tft, usd, dai]) expect(await escrow.isListed(asset)).to.equal(true);
      expect(await escrow.isListed(escrow)).to.equal(false);
    });
  });

  describe("listAsset", () => {
    it("rejects everyone but the governor", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { escrow } = contracts;
      const token = await deployToken();

      for (const caller of [actors.admin, actors.guardian, actors.deployer]) {
        await expect(escrow.connect(caller).listAsset(token, REFERENCE_PRICE))
          .to.be.revertedWithCustomError(escrow, "Escrow_NotGovernor")
          .withArgs(caller.address);
      }
    });

    it("rejects an asset that is listed, TFT too", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd, tft } = protocol.contracts;

      for (const asset of [usd, tft]) {
        await expect(listAsset(protocol, asset, 0n))
          .to.be.revertedWithCustomError(escrow, "Escrow_AssetListed")
          .withArgs(await asset.getAddress());
      }
    });

    it("rejects a reference price for an asset that has had one, and for TFT", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd, tft } = protocol.contracts;

      for (const asset of [usd, tft]) {
        await delistAsset(protocol, asset);
        await expect(listAsset(protocol, asset, REFERENCE_PRICE))
          .to.be.revertedWithCustomError(escrow, "Escrow_ReferenceAlreadySet")
          .withArgs(await asset.getAddress(), REFERENCE_PRICE);
      }
    });

    it("rejects a first reference price of zero, one below a billion units, and one above the highest", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller } = protocol.contracts;
      const token = await deployToken();

      for (const referencePrice of [0n, MIN_REFERENCE_PRICE - 1n, MAX_REFERENCE_PRICE + 1n]) {
        await expect(listAsset(protocol, token, referencePrice))
          .to.be.revertedWithCustomError(controller, "Controller_ReferenceOutOfBounds")
          .withArgs(referencePrice, MIN_REFERENCE_PRICE, MAX_REFERENCE_PRICE);
      }
    });

    it("rejects an asset of more than 24 decimals", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const token = await deployToken(25);

      await expect(listAsset(protocol, token, REFERENCE_PRICE))
        .to.be.revertedWithCustomError(protocol.contracts.controller, "Controller_TooManyDecimals")
        .withArgs(await token.getAddress(), 25, 24);
    });

    it("lists a new asset under the next index and creates its auction", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, controller } = protocol.contracts;
      const token = await deployToken(24);
      const address = await token.getAddress();

      const listing = listAsset(protocol, token, REFERENCE_PRICE);

      await expect(listing)
        .to.emit(escrow, "AssetListed")
        .withArgs(address, 4)
        .and.to.emit(controller, "AuctionCreated")
        .withArgs(address, 24, REFERENCE_PRICE);
      expect(await escrow.isListed(token)).to.equal(true);
    });

    it("lists a delisted asset again, under its index and with its auction as it was", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, controller, usd } = protocol.contracts;
      await delistAsset(protocol, usd);

      const listing = listAsset(protocol, usd, 0n);

      await expect(listing)
        .to.emit(escrow, "AssetListed")
        .withArgs(await usd.getAddress(), 2);
      await expect(listing).to.not.emit(controller, "AuctionCreated");
      expect(await escrow.isListed(usd)).to.equal(true);
    });

    it("numbers orders in an asset on after it was listed again", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const [renter] = actors.renters;
      const before = await openOrder(protocol, renter, contracts.usd, { maxUnitPrice: 1n });
      await delistAsset(protocol, contracts.usd);
      await listAsset(protocol, contracts.usd, 0n);

      expect(await openOrder(protocol, renter, contracts.usd, { maxUnitPrice: 1n })).to.equal(before + 2n ** 32n);
    });
  });

  describe("delistAsset", () => {
    it("rejects everyone but the governor", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = contracts;

      for (const caller of [actors.admin, actors.guardian]) {
        await expect(escrow.connect(caller).delistAsset(usd))
          .to.be.revertedWithCustomError(escrow, "Escrow_NotGovernor")
          .withArgs(caller.address);
      }
    });

    it("rejects an asset that was never listed, and one that is delisted", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const token = await deployToken();
      await delistAsset(protocol, usd);

      for (const asset of [token, usd]) {
        await expect(delistAsset(protocol, asset))
          .to.be.revertedWithCustomError(escrow, "Escrow_AssetNotListed")
          .withArgs(await asset.getAddress());
      }
    });

    it("delists an asset and no other", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd, dai } = protocol.contracts;

      await expect(delistAsset(protocol, usd))
        .to.emit(escrow, "AssetDelisted")
        .withArgs(await usd.getAddress());

      expect([await escrow.isListed(usd), await escrow.isListed(dai)]).to.deep.equal([false, true]);
    });

    it("stops new orders on nodes that offered the asset before", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const nodeId = await listNode(protocol, actors.miners[0], contracts.usd, TU);
      await delistAsset(protocol, contracts.usd);

      await expect(openOrder(protocol, actors.renters[0], contracts.usd, { nodeId, maxUnitPrice: TU }))
        .to.be.revertedWithCustomError(contracts.escrow, "Escrow_AssetNotListed")
        .withArgs(await contracts.usd.getAddress());
    });

    it("leaves open orders and lots as they are", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { controller, escrow, pool, usd, tft } = contracts;
      const [renter] = actors.renters;
      const unitPrice = parseUnits("1000", 6);
      const nodeId = await listNode(protocol, actors.miners[0], usd, unitPrice);
      const orderId = await openOrder(protocol, renter, usd, { nodeId, maxUnitPrice: unitPrice });
      const measuredAt = (await startOf(protocol, orderId)) + HOUR;
      await time.increaseTo(measuredAt);
      await delistAsset(protocol, usd);

      await deliver(protocol, usd, [{ orderId, nodeId, cumulativeTU: TU / 2n, measuredAt }]);
      const round = await pool.openRound(usd);
      await startEpoch(protocol);
      await time.increase(params.auctionPeriod);
      await tft.connect(actors.bidder).approve(controller, parseUnits("1000000", 18));
      const bid = controller.connect(actors.bidder);
      await expect(bid.buy(usd, round, unitPrice, parseUnits("5", 18), actors.bidder, "0x")).to.changeTokenBalance(
        usd,
        actors.bidder,
        unitPrice / 2n,
      );
      await time.increase(params.grace);
      await expect(escrow.close(orderId)).to.changeTokenBalance(usd, renter, unitPrice / 2n);
    });
  });

  describe("setFreeze", () => {
    it("rejects everyone but the oracle", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);

      for (const account of [actors.stranger, actors.guardian, actors.admin]) {
        await expect(contracts.escrow.connect(account).setFreeze(1n, 2n))
          .to.be.revertedWithCustomError(contracts.escrow, "Escrow_NotOracle")
          .withArgs(account.address);
      }
    });
  });
});
