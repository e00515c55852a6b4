import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { TU } from "@turingfog/sdk";
import { expect } from "chai";
import { id, parseUnits, ZeroAddress } from "ethers";
import { ethers } from "hardhat";
import { deployProtocolFixture } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { listNode, openOrder, registerNode, registerUnattested } from "../helpers/market";
import { MODEL, multipleOfReference, attestRating, latest } from "../helpers/nodes";

const UNATTESTED = 0n;

const METADATA = "ipfs://node";

describe("NodeRegistry", () => {
  describe("registerNode", () => {
    it("rejects a model whose rating is pending", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      await attestRating(protocol, multipleOfReference(2n));
      const from = (await latest()) + protocol.params.vetoWindow;
      const register = () => registry.registerNode(MODEL, 1, protocol.actors.miners[0], METADATA);

      await time.setNextBlockTimestamp(from - 1n);
      await expect(register()).to.be.revertedWithCustomError(registry, "Registry_UnratedModel").withArgs(MODEL);
      await time.setNextBlockTimestamp(from);
      await expect(register()).to.emit(registry, "NodeRegistered");
    });

    it("rejects a model without a rating", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { registry } = contracts;

      await expect(registry.registerNode(MODEL, 1, actors.miners[0], METADATA))
        .to.be.revertedWithCustomError(registry, "Registry_UnratedModel")
        .withArgs(MODEL);
    });

    for (const gpuCount of [0n, 1_025n, 65_537n]) {
      it(`rejects ${gpuCount} GPUs [T14]`, async () => {
        const { contracts, actors } = await loadFixture(deployProtocolFixture);
        const { registry } = contracts;

        await expect(registry.registerNode(id("V100"), gpuCount, actors.miners[0], METADATA))
          .to.be.revertedWithCustomError(registry, "Registry_GpuCountOutOfBounds")
          .withArgs(gpuCount, 1_024);
      });
    }

    it("rejects a payout of zero", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const { registry } = contracts;

      await expect(registry.registerNode(id("V100"), 1, ZeroAddress, METADATA)).to.be.revertedWithCustomError(
        registry,
        "Registry_ZeroPayout",
      );
    });

    for (const gpuCount of [1n, 1_024n]) {
      it(`registers a node of ${gpuCount} GPUs, unattested [T13]`, async () => {
        const { contracts, actors } = await loadFixture(deployProtocolFixture);
        const [owner, payout] = actors.miners;
        const registry = contracts.registry.connect(owner);
        const nodeId = await registry.registerNode.staticCall(id("V100"), gpuCount, payout, METADATA);

        await expect(registry.registerNode(id("V100"), gpuCount, payout, METADATA))
          .to.emit(registry, "NodeRegistered")
          .withArgs(nodeId, owner.address, id("V100"), gpuCount, payout.address, METADATA);

        expect(await registry.node(nodeId)).to.deep.equal([
          owner.address,
          payout.address,
          id("V100"),
          gpuCount,
          UNATTESTED,
          UNATTESTED,
        ]);
        const rate = parseUnits("1.85", 18) * gpuCount;
        expect(await registry.ratePerDay(nodeId)).to.equal(rate);
        expect(await registry.standing(nodeId)).to.deep.equal([payout.address, UNATTESTED, UNATTESTED, rate]);
      });
    }

    it("gives every node an id of its own [T31]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const [first, second] = protocol.actors.miners;

      const ids = [
        await registerUnattested(protocol, first, { gpuModel: "V100" }),
        await registerUnattested(protocol, first, { gpuModel: "V100" }),
        await registerUnattested(protocol, second, { gpuModel: "Titan V" }),
      ];

      expect(new Set(ids).size).to.equal(3);
      expect(ids).to.not.include(0n);
    });
  });

  describe("setPayout", () => {
    it("rejects everyone but the node's owner, its payout too", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const [owner, payout] = actors.miners;
      const registry = contracts.registry.connect(owner);
      const nodeId = await registry.registerNode.staticCall(id("V100"), 1, payout, METADATA);
      await registry.registerNode(id("V100"), 1, payout, METADATA);

      await expect(registry.connect(payout).setPayout(nodeId, payout))
        .to.be.revertedWithCustomError(registry, "Registry_NotNodeOwner")
        .withArgs(nodeId, payout.address);
    });

    it("rejects a node that was never registered", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const [miner] = actors.miners;
      const registry = contracts.registry.connect(miner);

      await expect(registry.setPayout(7, miner))
        .to.be.revertedWithCustomError(registry, "Registry_NotNodeOwner")
        .withArgs(7, miner.address);
    });

    it("rejects a payout of zero", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const [miner] = protocol.actors.miners;
      const nodeId = await registerNode(protocol, miner);
      const registry = protocol.contracts.registry.connect(miner);

      await expect(registry.setPayout(nodeId, ZeroAddress)).to.be.revertedWithCustomError(
        registry,
        "Registry_ZeroPayout",
      );
    });

    it("changes the payout and nothing else [T31]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const [miner, heir] = protocol.actors.miners;
      const nodeId = await registerNode(protocol, miner);
      const registry = protocol.contracts.registry.connect(miner);
      const before = await registry.node(nodeId);

      await expect(registry.setPayout(nodeId, heir))
        .to.emit(registry, "PayoutSet")
        .withArgs(nodeId, miner.address, heir.address);

      const { owner, gpuModel, gpuCount, attestedFrom, attestedUntil } = before;
      expect(await registry.node(nodeId)).to.deep.equal([
        owner,
        heir.address,
        gpuModel,
        gpuCount,
        attestedFrom,
        attestedUntil,
      ]);
    });
  });

  describe("setListing", () => {
    it("rejects everyone but the node's owner", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const nodeId = await registerNode(protocol, actors.miners[0]);

      await expect(contracts.registry.connect(actors.miners[1]).setListing(nodeId, contracts.usd, 1, TU))
        .to.be.revertedWithCustomError(contracts.registry, "Registry_NotNodeOwner")
        .withArgs(nodeId, actors.miners[1].address);
    });

    it("rejects an asset that was never listed, and one that is delisted", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, escrow, timelock, usd } = contracts;
      const [miner] = actors.miners;
      const nodeId = await registerNode(protocol, miner);
      const other = await ethers.deployContract("TestToken", ["Other", "OTHER", 18]);
      const rejects = async (asset: typeof usd) =>
        expect(registry.connect(miner).setListing(nodeId, asset, 1, TU))
          .to.be.revertedWithCustomError(registry, "Registry_AssetNotListed")
          .withArgs(await asset.getAddress());

      await rejects(other);
      await asGovernor(timelock, actors.admin, await escrow.delistAsset.populateTransaction(usd));
      await rejects(usd);
    });

    it("withdraws an offer in a delisted asset", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, escrow, timelock, usd } = contracts;
      const [miner] = actors.miners;
      const nodeId = await listNode(protocol, miner, usd, 5n);
      await asGovernor(timelock, actors.admin, await escrow.delistAsset.populateTransaction(usd));

      await expect(registry.connect(miner).setListing(nodeId, usd, 0, 0))
        .to.emit(registry, "ListingSet")
        .withArgs(nodeId, await usd.getAddress(), 5, 2n ** 128n - 1n, 0, 0);

      expect(await registry.listing(nodeId, usd)).to.deep.equal([0n, 0n]);
    });

    it("overwrites the offer in one asset and leaves the others", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, usd, dai } = contracts;
      const [miner] = actors.miners;
      const nodeId = await listNode(protocol, miner, dai, 7n);
      const owned = registry.connect(miner);
      await owned.setListing(nodeId, usd, 5, 3n * TU);

      await expect(owned.setListing(nodeId, usd, 6, 2n * TU))
        .to.emit(registry, "ListingSet")
        .withArgs(nodeId, await usd.getAddress(), 5, 3n * TU, 6, 2n * TU);

      expect(await registry.listing(nodeId, usd)).to.deep.equal([6n, 2n * TU]);
      expect(await registry.listing(nodeId, dai)).to.deep.equal([7n, 2n ** 128n - 1n]);
    });

    it("gives back capacity that orders have taken, and says what was left [T34]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, usd } = contracts;
      const [miner] = actors.miners;
      const nodeId = await listNode(protocol, miner, usd, 5n);
      const owned = registry.connect(miner);
      await owned.setListing(nodeId, usd, 5, 3n * TU);
      await openOrder(protocol, actors.renters[0], usd, { nodeId, maxUnitPrice: 5n });

      await expect(owned.setListing(nodeId, usd, 5, 3n * TU))
        .to.emit(registry, "ListingSet")
        .withArgs(nodeId, await usd.getAddress(), 5, 2n * TU, 5, 3n * TU);
    });

    it("takes an offer of a node that is not attested", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const nodeId = await registerUnattested(protocol, actors.miners[0]);

      await contracts.registry.connect(actors.miners[0]).setListing(nodeId, contracts.usd, 5, TU);

      expect(await contracts.registry.listing(nodeId, contracts.usd)).to.deep.equal([5n, TU]);
    });
  });

  describe("setMetadataURI", () => {
    it("rejects everyone but the node's owner", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const [owner, other] = protocol.actors.miners;
      const nodeId = await registerUnattested(protocol, owner);

      await expect(registry.connect(other).setMetadataURI(nodeId, METADATA))
        .to.be.revertedWithCustomError(registry, "Registry_NotNodeOwner")
        .withArgs(nodeId, other.address);
    });

    it("tells the new URI and changes nothing", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const [owner] = protocol.actors.miners;
      const nodeId = await registerUnattested(protocol, owner);
      const before = await registry.node(nodeId);

      await expect(registry.connect(owner).setMetadataURI(nodeId, "https://node.example/keys"))
        .to.emit(registry, "MetadataURISet")
        .withArgs(nodeId, "https://node.example/keys");

      expect(await registry.node(nodeId)).to.deep.equal(before);
    });
  });

  describe("transferNode", () => {
    it("rejects everyone but the node's owner, the pending one too", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const [owner, buyer] = protocol.actors.miners;
      const nodeId = await registerUnattested(protocol, owner);
      await registry.connect(owner).transferNode(nodeId, buyer);

      await expect(registry.connect(buyer).transferNode(nodeId, buyer))
        .to.be.revertedWithCustomError(registry, "Registry_NotNodeOwner")
        .withArgs(nodeId, buyer.address);
    });

    it("names the pending owner and leaves the owner", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const [owner, buyer] = protocol.actors.miners;
      const nodeId = await registerUnattested(protocol, owner);

      await expect(registry.connect(owner).transferNode(nodeId, buyer))
        .to.emit(registry, "NodeTransferStarted")
        .withArgs(nodeId, owner.address, buyer.address);

      expect(await registry.pendingOwnerOf(nodeId)).to.equal(buyer.address);
      expect((await registry.node(nodeId)).owner).to.equal(owner.address);
    });

    it("is taken back with zero", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const [owner, buyer] = protocol.actors.miners;
      const nodeId = await registerUnattested(protocol, owner);
      await registry.connect(owner).transferNode(nodeId, buyer);

      await expect(registry.connect(owner).transferNode(nodeId, ZeroAddress))
        .to.emit(registry, "NodeTransferStarted")
        .withArgs(nodeId, owner.address, ZeroAddress);

      await expect(registry.connect(buyer).acceptNode(nodeId))
        .to.be.revertedWithCustomError(registry, "Registry_NotPendingOwner")
        .withArgs(nodeId, buyer.address);
    });
  });

  describe("acceptNode", () => {
    it("rejects everyone but the pending owner, the owner too", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const [owner, buyer] = protocol.actors.miners;
      const nodeId = await registerUnattested(protocol, owner);
      await registry.connect(owner).transferNode(nodeId, buyer);

      for (const caller of [owner, protocol.actors.stranger]) {
        await expect(registry.connect(caller).acceptNode(nodeId))
          .to.be.revertedWithCustomError(registry, "Registry_NotPendingOwner")
          .withArgs(nodeId, caller.address);
      }
    });

    it("changes the owner once, and leaves payout, listing and attestation", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry, usd } = protocol.contracts;
      const [owner, buyer] = protocol.actors.miners;
      const nodeId = await listNode(protocol, owner, usd, 5n);
      const [, ...before] = await registry.node(nodeId);
      await registry.connect(owner).transferNode(nodeId, buyer);

      await expect(registry.connect(buyer).acceptNode(nodeId))
        .to.emit(registry, "NodeTransferred")
        .withArgs(nodeId, owner.address, buyer.address);

      expect(await registry.node(nodeId)).to.deep.equal([buyer.address, ...before]);
      expect(await registry.listing(nodeId, usd)).to.deep.equal([5n, 2n ** 128n - 1n]);
      expect(await registry.pendingOwnerOf(nodeId)).to.equal(ZeroAddress);
      await expect(registry.connect(buyer).acceptNode(nodeId))
        .to.be.revertedWithCustomError(registry, "Registry_NotPendingOwner")
        .withArgs(nodeId, buyer.address);
      await expect(registry.connect(owner).setPayout(nodeId, owner))
        .to.be.revertedWithCustomError(registry, "Registry_NotNodeOwner")
        .withArgs(nodeId, owner.address);
      await registry.connect(buyer).setPayout(nodeId, buyer);
      expect((await registry.node(nodeId)).payout).to.equal(buyer.address);
    });
  });
});
