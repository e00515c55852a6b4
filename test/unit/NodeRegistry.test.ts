import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, MAX_RATING, NETWORKS, ratingOf, REFERENCE_IMAGES_PER_SECOND, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { id, parseUnits, ZeroAddress, ZeroHash } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { attestNode, listNode, openOrder, registerNode, signByQuorum } from "../helpers/market";

const MAX_ATTESTATION = 90n * DAY;
const UNATTESTED = 0n;

const EVIDENCE = id("benchmark log");
const MODEL = id("A100");
const METADATA = "ipfs://node";

const GENESIS_RATINGS: [name: string, rating: string][] = [
  ["GTX 1080 Ti", "1"],
  ["Titan XP", "1.11"],
  ["V100", "1.85"],
  ["Titan V", "1.41"],
  ["Titan RTX", "1.55"],
  ["RTX 2080", "0.99"],
  ["RTX 2080 Ti", "1.35"],
];

type Images = [bigint, bigint, bigint, bigint, bigint, bigint, bigint];

/** Seven throughputs, in thousandths of images per second, that are some multiple of the reference. */
function multipleOfReference(numerator: bigint, denominator = 1n): Images {
  return NETWORKS.map((network) => (REFERENCE_IMAGES_PER_SECOND[network] * 1_000n * numerator) / denominator) as Images;
}

async function signRating(protocol: Protocol, imagesPerSecondE3: Images, gpuModel = MODEL) {
  return signByQuorum(protocol, "RatingAttestation", { gpuModel, imagesPerSecondE3, evidence: EVIDENCE });
}

async function attestRating(protocol: Protocol, images: Images, gpuModel = MODEL) {
  const { registry } = protocol.contracts;
  return registry.attestRating(gpuModel, images, EVIDENCE, await signRating(protocol, images, gpuModel));
}

/** Registers a node and leaves it unattested. */
async function registerOnly({ contracts }: Protocol, miner: HardhatEthersSigner, gpuModel = "V100", gpuCount = 8n) {
  const registry = contracts.registry.connect(miner);
  const nodeId = await registry.registerNode.staticCall(id(gpuModel), gpuCount, miner, METADATA);
  await registry.registerNode(id(gpuModel), gpuCount, miner, METADATA);
  return nodeId;
}

async function signNode(protocol: Protocol, nodeId: bigint, validUntil: bigint) {
  return signByQuorum(protocol, "NodeAttestation", { nodeId, validUntil, evidence: EVIDENCE });
}

/** Attests a node in a block of a given time. */
async function attestAt(protocol: Protocol, timestamp: bigint, nodeId: bigint, validUntil: bigint) {
  const signatures = await signNode(protocol, nodeId, validUntil);
  await time.setNextBlockTimestamp(timestamp);
  return protocol.contracts.registry.attestNode(nodeId, validUntil, EVIDENCE, signatures);
}

describe("NodeRegistry", () => {
  describe("constructor", () => {
    it("rates the seven models of genesis", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);

      for (const [name, rating] of GENESIS_RATINGS) {
        expect(await contracts.registry.ratingOf(id(name)), name).to.equal(parseUnits(rating, 18));
      }
    });

    it("tells of each rating", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const { governor, tft, vault, oracle, registry, pool, controller, escrow } = await contracts.genesis.system(
        contracts.timelock,
      );

      const twin = await ethers.deployContract("NodeRegistry", [
        { governor, tft, vault, oracle, registry, pool, controller, escrow },
      ]);

      for (const [name, rating] of GENESIS_RATINGS) {
        await expect(twin.deploymentTransaction())
          .to.emit(twin, "ModelRated")
          .withArgs(id(name), parseUnits(rating, 18), ZeroHash);
      }
    });

    it("refers to the oracle and the escrow", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const { registry, oracle, escrow } = contracts;

      expect(await registry.ORACLE()).to.equal(await oracle.getAddress());
      expect(await registry.ESCROW()).to.equal(await escrow.getAddress());
    });

    it("states its limits", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const { registry } = contracts;

      expect(await registry.MAX_GPU_COUNT()).to.equal(1_024);
      expect(await registry.MAX_RATING()).to.equal(parseUnits("1000", 18));
      expect(await registry.MAX_ATTESTATION()).to.equal(MAX_ATTESTATION);
    });
  });

  describe("attestRating", () => {
    it("rejects a model that genesis has rated", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const model = id("GTX 1080 Ti");

      await expect(attestRating(protocol, multipleOfReference(2n), model))
        .to.be.revertedWithCustomError(protocol.contracts.registry, "Registry_AlreadyRated")
        .withArgs(model);
    });

    it("rejects a model the second time", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      await attestRating(protocol, multipleOfReference(2n));

      await expect(attestRating(protocol, multipleOfReference(3n)))
        .to.be.revertedWithCustomError(protocol.contracts.registry, "Registry_AlreadyRated")
        .withArgs(MODEL);
    });

    it("rejects a throughput of zero, whichever it is", async () => {
      const protocol = await loadFixture(deployProtocolFixture);

      for (let network = 0; network < 7; network++) {
        const images = multipleOfReference(1n);
        images[network] = 0n;
        await expect(attestRating(protocol, images))
          .to.be.revertedWithCustomError(protocol.contracts.registry, "Registry_ZeroThroughput")
          .withArgs(network);
      }
    });

    it("rejects a rating above 1,000", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const images = multipleOfReference(1_000n);
      images[0] += 1n;

      await expect(attestRating(protocol, images))
        .to.be.revertedWithCustomError(protocol.contracts.registry, "Registry_RatingOutOfBounds")
        .withArgs(MAX_RATING + TU / 209n / 7_000n, MAX_RATING);
    });

    it("rejects measurements that no quorum has signed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { oracle, registry } = protocol.contracts;
      const images = multipleOfReference(2n);
      const signatures = await signRating(protocol, images);
      const better = [...images] as Images;
      better[6] += 1n;

      await expect(registry.attestRating(MODEL, images, EVIDENCE, signatures.slice(1)))
        .to.be.revertedWithCustomError(oracle, "Oracle_TooFewSignatures")
        .withArgs(2, 3);
      for (const attempt of [
        () => registry.attestRating(MODEL, better, EVIDENCE, signatures),
        () => registry.attestRating(id("H100"), images, EVIDENCE, signatures),
        () => registry.attestRating(MODEL, images, id("another log"), signatures),
      ]) {
        await expect(attempt())
          .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
          .withArgs(signatures[0].signer);
      }
    });

    it("rejects signatures of an older set of signers", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle, registry, timelock } = contracts;
      const images = multipleOfReference(2n);
      const signatures = await signRating(protocol, images);
      await asGovernor(
        timelock,
        actors.admin,
        await oracle.setSigners.populateTransaction([...(await oracle.signers())], 3),
      );

      await expect(registry.attestRating(MODEL, images, EVIDENCE, signatures))
        .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
        .withArgs(signatures[0].signer);
    });

    it("rejects everything while frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { oracle } = protocol.contracts;
      await oracle.connect(protocol.actors.guardian).freeze();

      await expect(attestRating(protocol, multipleOfReference(2n)))
        .to.be.revertedWithCustomError(oracle, "Oracle_Frozen")
        .withArgs(await oracle.frozenUntil());
    });

    const measured: [title: string, images: Images][] = [
      ["the reference itself", multipleOfReference(1n)],
      ["1,000 times the reference, the highest", multipleOfReference(1_000n)],
      ["a thousandth of an image per second everywhere, the lowest", [1n, 1n, 1n, 1n, 1n, 1n, 1n]],
      [
        "figures that divide into nothing round",
        [304_817n, 110_333n, 190_101n, 81_007n, 191_919n, 3_893_771n, 151_313n],
      ],
      [
        "figures whose mean is just below the next unit",
        [210_076n, 81_083n, 136_000n, 58_000n, 134_000n, 2_762_000n, 108_000n],
      ],
    ];
    for (const [title, images] of measured) {
      it(`rates ${title}, exactly`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { registry } = protocol.contracts;
        const rating = ratingOf(images);

        await expect(attestRating(protocol, images)).to.emit(registry, "ModelRated").withArgs(MODEL, rating, EVIDENCE);

        expect(await registry.ratingOf(MODEL)).to.equal(rating);
      });
    }

    it("makes nodes of the model possible", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      await attestRating(protocol, multipleOfReference(5n, 2n));

      const nodeId = await registerOnly(protocol, actors.miners[0], "A100", 3n);

      expect(await contracts.registry.ratePerDay(nodeId)).to.equal(parseUnits("7.5", 18));
    });
  });

  describe("registerNode", () => {
    it("rejects a model without a rating", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { registry } = contracts;

      await expect(registry.registerNode(MODEL, 1, actors.miners[0], METADATA))
        .to.be.revertedWithCustomError(registry, "Registry_UnratedModel")
        .withArgs(MODEL);
    });

    for (const gpuCount of [0n, 1_025n, 65_537n]) {
      it(`rejects ${gpuCount} GPUs`, async () => {
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
      it(`registers a node of ${gpuCount} GPUs, unattested`, async () => {
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

    it("gives every node an id of its own", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const [first, second] = protocol.actors.miners;

      const ids = [
        await registerOnly(protocol, first, "V100"),
        await registerOnly(protocol, first, "V100"),
        await registerOnly(protocol, second, "Titan V"),
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

    it("changes the payout and nothing else", async () => {
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

    it("gives back capacity that orders have taken, and says what was left", async () => {
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
      const nodeId = await registerOnly(protocol, actors.miners[0]);

      await contracts.registry.connect(actors.miners[0]).setListing(nodeId, contracts.usd, 5, TU);

      expect(await contracts.registry.listing(nodeId, contracts.usd)).to.deep.equal([5n, TU]);
    });
  });

  describe("attestNode", () => {
    it("rejects a node that was never registered", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const now = BigInt(await time.latest());

      await expect(attestAt(protocol, now + 10n, 7n, now + DAY))
        .to.be.revertedWithCustomError(protocol.contracts.registry, "Registry_UnknownNode")
        .withArgs(7);
    });

    it("rejects an attestation that ends in the past or above 90 days ahead", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const nodeId = await registerOnly(protocol, protocol.actors.miners[0]);
      const now = BigInt(await time.latest());

      for (const [at, validUntil] of [
        [now + 10n, now + 9n],
        [now + 20n, now + 20n + MAX_ATTESTATION + 1n],
      ]) {
        await expect(attestAt(protocol, at, nodeId, validUntil))
          .to.be.revertedWithCustomError(registry, "Registry_ValidityOutOfBounds")
          .withArgs(validUntil, at, at + MAX_ATTESTATION);
      }
    });

    it("rejects a renewal that does not go beyond the attestation in force", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const nodeId = await registerOnly(protocol, protocol.actors.miners[0]);
      const now = BigInt(await time.latest());
      const until = now + 10n * DAY;
      await attestAt(protocol, now + 10n, nodeId, until);

      for (const [at, validUntil] of [
        [now + 20n, until],
        [now + 30n, until - 1n],
        [until, until], // in its last second
      ]) {
        await expect(attestAt(protocol, at, nodeId, validUntil))
          .to.be.revertedWithCustomError(registry, "Registry_ValidityOutOfBounds")
          .withArgs(validUntil, until + 1n, at + MAX_ATTESTATION);
      }
    });

    it("rejects what no quorum has signed for this node, this time and this log", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, oracle } = contracts;
      const nodeId = await registerOnly(protocol, actors.miners[0]);
      const larger = await registerOnly(protocol, actors.miners[0], "V100", 1_024n);
      const otherModel = await registerOnly(protocol, actors.miners[0], "Titan V");
      const until = BigInt(await time.latest()) + 10n * DAY;
      const signatures = await signNode(protocol, nodeId, until);

      await expect(registry.attestNode(nodeId, until, EVIDENCE, signatures.slice(1)))
        .to.be.revertedWithCustomError(oracle, "Oracle_TooFewSignatures")
        .withArgs(2, 3);
      for (const attempt of [
        () => registry.attestNode(larger, until, EVIDENCE, signatures),
        () => registry.attestNode(otherModel, until, EVIDENCE, signatures),
        () => registry.attestNode(nodeId, until + 1n, EVIDENCE, signatures),
        () => registry.attestNode(nodeId, until, id("another log"), signatures),
      ]) {
        await expect(attempt())
          .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
          .withArgs(signatures[0].signer);
      }
    });

    it("rejects signatures of an older set of signers", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle, registry, timelock } = contracts;
      const nodeId = await registerOnly(protocol, actors.miners[0]);
      const until = BigInt(await time.latest()) + 10n * DAY;
      const signatures = await signNode(protocol, nodeId, until);
      await asGovernor(
        timelock,
        actors.admin,
        await oracle.setSigners.populateTransaction([...(await oracle.signers())], 3),
      );

      await expect(registry.attestNode(nodeId, until, EVIDENCE, signatures))
        .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
        .withArgs(signatures[0].signer);
    });

    it("rejects the same attestation again, while it lasts and after", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const nodeId = await registerOnly(protocol, protocol.actors.miners[0]);
      const now = BigInt(await time.latest());
      const until = now + 10n * DAY;
      await attestAt(protocol, now + 10n, nodeId, until);

      await expect(attestAt(protocol, now + DAY, nodeId, until))
        .to.be.revertedWithCustomError(registry, "Registry_ValidityOutOfBounds")
        .withArgs(until, until + 1n, now + DAY + MAX_ATTESTATION);
      await expect(attestAt(protocol, until + 1n, nodeId, until))
        .to.be.revertedWithCustomError(registry, "Registry_ValidityOutOfBounds")
        .withArgs(until, until + 1n, until + 1n + MAX_ATTESTATION);
    });

    it("rejects everything while frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle } = contracts;
      const nodeId = await registerOnly(protocol, actors.miners[0]);
      await oracle.connect(actors.guardian).freeze();

      await expect(attestNode(protocol, nodeId))
        .to.be.revertedWithCustomError(oracle, "Oracle_Frozen")
        .withArgs(await oracle.frozenUntil());
    });

    for (const [title, ahead] of [
      ["for this very second", 0n],
      ["for 90 days", MAX_ATTESTATION],
    ] as const) {
      it(`attests a node from now on ${title}`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { contracts, actors } = protocol;
        const { registry } = contracts;
        const nodeId = await registerOnly(protocol, actors.miners[0]);
        const now = BigInt(await time.latest()) + 10n;

        await expect(attestAt(protocol, now, nodeId, now + ahead))
          .to.emit(registry, "NodeAttested")
          .withArgs(nodeId, now, now + ahead, EVIDENCE);

        const { attestedFrom, attestedUntil } = await registry.node(nodeId);
        expect([attestedFrom, attestedUntil]).to.deep.equal([now, now + ahead]);
      });
    }

    it("keeps the start when renewed in the last second", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const nodeId = await registerOnly(protocol, actors.miners[0]);
      const start = BigInt(await time.latest()) + 10n;
      await attestAt(protocol, start, nodeId, start + DAY);

      await expect(attestAt(protocol, start + DAY, nodeId, start + DAY + 1n))
        .to.emit(contracts.registry, "NodeAttested")
        .withArgs(nodeId, start, start + DAY + 1n, EVIDENCE);
    });

    it("starts anew when renewed a second too late", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const nodeId = await registerOnly(protocol, actors.miners[0]);
      const start = BigInt(await time.latest()) + 10n;
      await attestAt(protocol, start, nodeId, start + DAY);

      await expect(attestAt(protocol, start + DAY + 1n, nodeId, start + 2n * DAY))
        .to.emit(contracts.registry, "NodeAttested")
        .withArgs(nodeId, start + DAY + 1n, start + 2n * DAY, EVIDENCE);
    });

    it("takes a quorum's signatures from anyone", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const nodeId = await registerOnly(protocol, actors.miners[0]);
      const until = BigInt(await time.latest()) + DAY;
      const signatures = await signNode(protocol, nodeId, until);

      await expect(contracts.registry.connect(actors.stranger).attestNode(nodeId, until, EVIDENCE, signatures)).to.emit(
        contracts.registry,
        "NodeAttested",
      );
    });
  });

  describe("reserve", () => {
    it("rejects everyone but the escrow", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, usd } = contracts;
      const [miner] = actors.miners;
      const nodeId = await listNode(protocol, miner, usd, 5n);

      for (const caller of [miner, actors.admin]) {
        await expect(registry.connect(caller).reserve(nodeId, usd, TU))
          .to.be.revertedWithCustomError(registry, "Registry_NotEscrow")
          .withArgs(caller.address);
      }
    });

    it("rejects a node that was never attested", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, usd } = contracts;
      const nodeId = await registerOnly(protocol, actors.miners[0]);
      await registry.connect(actors.miners[0]).setListing(nodeId, usd, 5, TU);

      await expect(openOrder(protocol, actors.renters[0], usd, { nodeId, maxUnitPrice: 5n }))
        .to.be.revertedWithCustomError(registry, "Registry_NotAttested")
        .withArgs(nodeId);
    });
  });

  describe("views", () => {
    it("are zero for a model without a rating and a node that was never registered", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const { registry, usd } = contracts;
      const unknown = (1n << 32n) | 1n;

      expect(await registry.ratingOf(MODEL)).to.equal(0);
      expect(await registry.ratePerDay(unknown)).to.equal(0);
      expect(await registry.node(unknown)).to.deep.equal([ZeroAddress, ZeroAddress, ZeroHash, 0n, 0n, 0n]);
      expect(await registry.standing(unknown)).to.deep.equal([ZeroAddress, 0n, 0n, 0n]);
      expect(await registry.listing(unknown, usd)).to.deep.equal([0n, 0n]);
    });
  });

  describe("standings", () => {
    it("are two words for each node, in the order asked for, and zero for a node that does not exist", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const [first, second] = protocol.actors.miners;
      const nodeIds = [
        await registerNode(protocol, second, { gpuModel: "Titan V", gpuCount: 3n }),
        2n ** 48n - 1n,
        await registerNode(protocol, first, { gpuModel: "V100", gpuCount: 1n }),
      ];

      const expected: bigint[] = [];
      for (const nodeId of nodeIds) {
        const { payout, attestedFrom, attestedUntil, rate } = await registry.standing(nodeId);
        expected.push((attestedUntil << 200n) | (attestedFrom << 160n) | BigInt(payout), rate);
      }
      expect(await registry.standings(nodeIds)).to.deep.equal(expected);
      expect(expected.map((word) => word === 0n)).to.deep.equal([false, false, true, true, false, false]);
      expect(await registry.standings([])).to.deep.equal([]);
    });
  });

  describe("wasAttested", () => {
    it("is false of a node that never lapsed, and of one that does not exist", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const nodeId = await registerNode(protocol, protocol.actors.miners[0]);
      const now = await time.latest();

      expect(await registry.wasAttested(nodeId, now)).to.equal(false);
      expect(await registry.wasAttested(nodeId + 1n, now)).to.equal(false);
    });

    it("is true from the first to the last second of the attestation that lapsed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const nodeId = await registerNode(protocol, protocol.actors.miners[0]);
      const { attestedFrom, attestedUntil } = await registry.node(nodeId);
      await time.increaseTo(attestedUntil + 1n);
      await attestNode(protocol, nodeId);

      for (const [at, answer] of [
        [attestedFrom - 1n, false],
        [attestedFrom, true],
        [attestedUntil, true],
        [attestedUntil + 1n, false],
      ] as const) {
        expect(await registry.wasAttested(nodeId, at)).to.equal(answer);
      }
    });
  });
});
