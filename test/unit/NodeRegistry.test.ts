import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, MAX_RATING, NETWORKS, ratingOf, REFERENCE_IMAGES_PER_SECOND, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { id, parseUnits, ZeroAddress, ZeroHash } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import {
  attestNode,
  listNode,
  openOrder,
  passVetoWindow,
  registerNode,
  registerUnattested,
  signByQuorum,
  submitAttestation,
} from "../helpers/market";

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

async function signNode(protocol: Protocol, nodeId: bigint, validUntil: bigint) {
  return signByQuorum(protocol, "NodeAttestation", { nodeId, validUntil, evidence: EVIDENCE });
}

/** Rotates the signers to the same ones, so that signatures and whatever is pending die. */
async function rotateSigners({ contracts: { oracle, timelock }, actors }: Protocol) {
  const signers = [...(await oracle.signers())];
  await asGovernor(timelock, actors.admin, await oracle.setSigners.populateTransaction(signers, 3));
}

/** All that the views tell of a node's attestations. */
async function traceOf({ contracts: { registry } }: Protocol, nodeId: bigint) {
  const { attestedFrom, attestedUntil } = await registry.node(nodeId);
  const edges = [attestedFrom - 7n * DAY, attestedFrom - DAY, attestedFrom - 1n, attestedFrom, attestedUntil];
  return [
    await registry.standing(nodeId),
    await registry.standings([nodeId]),
    await registry.pendingAttestation(nodeId),
    await Promise.all(edges.map((t) => registry.isAttested(nodeId, t))),
  ];
}

/** Makes a freeze or a rotation one transaction away. */
async function prepareDisturbance({ contracts, actors }: Protocol, disturbance: "freeze" | "rotation") {
  const { oracle, timelock } = contracts;
  if (disturbance === "freeze") return { disturb: () => oracle.connect(actors.guardian).freeze() };

  const { to, data } = await oracle.setSigners.populateTransaction([...(await oracle.signers())], 3);
  const delay = await timelock.getMinDelay();
  await timelock.connect(actors.admin).schedule(to, 0, data, ZeroHash, ZeroHash, delay);
  await time.increase(delay);
  return { disturb: () => timelock.connect(actors.admin).execute(to, 0, data, ZeroHash, ZeroHash) };
}

/** Mines transactions together, in the given order. */
async function inOneBlock(timestamp: bigint, send: () => Promise<unknown>): Promise<void> {
  await ethers.provider.send("evm_setAutomine", [false]);
  try {
    await send();
    await time.increaseTo(timestamp);
  } finally {
    await ethers.provider.send("evm_setAutomine", [true]);
  }
}

async function latest(): Promise<bigint> {
  return BigInt(await time.latest());
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
      const deployedAt = await latest();

      for (const [name, rating] of GENESIS_RATINGS) {
        await expect(twin.deploymentTransaction())
          .to.emit(twin, "ModelRated")
          .withArgs(id(name), parseUnits(rating, 18), deployedAt, ZeroHash);
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

    it("rejects a model the second time, while its rating is pending and after", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      await attestRating(protocol, multipleOfReference(2n));
      const rejects = () =>
        expect(attestRating(protocol, multipleOfReference(3n)))
          .to.be.revertedWithCustomError(protocol.contracts.registry, "Registry_AlreadyRated")
          .withArgs(MODEL);

      await rejects();
      await passVetoWindow(protocol);
      await rejects();
    });

    it("rejects every rating that was vetoed, so that no signatures are of use again", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      for (const multiple of [2n, 3n]) {
        await attestRating(protocol, multipleOfReference(multiple));
        await registry.connect(protocol.actors.guardian).vetoRating(MODEL);
      }

      for (const multiple of [2n, 3n]) {
        await expect(attestRating(protocol, multipleOfReference(multiple)))
          .to.be.revertedWithCustomError(registry, "Registry_VetoedRating")
          .withArgs(MODEL, multiple * TU);
      }
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

        const attested = attestRating(protocol, images);
        await attested;
        const from = (await latest()) + protocol.params.vetoWindow;
        await expect(attested).to.emit(registry, "ModelRated").withArgs(MODEL, rating, from, EVIDENCE);

        await time.increaseTo(from);
        expect(await registry.ratingOf(MODEL)).to.equal(rating);
      });
    }

    it("counts from one veto window later, and is pending until then", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      await attestRating(protocol, multipleOfReference(2n));
      const from = (await latest()) + protocol.params.vetoWindow;

      await time.increaseTo(from - 1n);
      expect(await registry.ratingOf(MODEL)).to.equal(0);
      expect(await registry.pendingRating(MODEL)).to.deep.equal([2n * TU, from]);
      await time.increaseTo(from);
      expect(await registry.ratingOf(MODEL)).to.equal(2n * TU);
      expect(await registry.pendingRating(MODEL)).to.deep.equal([0n, 0n]);
    });

    it("is undone by a freeze or a rotation before it counts, and may then be attested again", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, oracle } = contracts;
      const images = multipleOfReference(2n);
      const undone = async () => {
        expect(await registry.pendingRating(MODEL)).to.deep.equal([0n, 0n]);
        await passVetoWindow(protocol);
        expect(await registry.ratingOf(MODEL)).to.equal(0);
      };

      await attestRating(protocol, images);
      await oracle.connect(actors.guardian).freeze();
      await oracle.connect(actors.guardian).thaw();
      await undone();
      const rotation = await prepareDisturbance(protocol, "rotation");
      await attestRating(protocol, images);
      await rotation.disturb();
      await undone();
      await attestRating(protocol, images);
      await passVetoWindow(protocol);
      expect(await registry.ratingOf(MODEL)).to.equal(2n * TU);
    });

    it("counts permanently, whatever freeze or rotation comes later", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      await attestRating(protocol, multipleOfReference(2n));
      await passVetoWindow(protocol);

      await contracts.oracle.connect(actors.guardian).freeze();
      await rotateSigners(protocol);

      expect(await contracts.registry.ratingOf(MODEL)).to.equal(2n * TU);
    });

    it("makes nodes of the model possible", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      await attestRating(protocol, multipleOfReference(5n, 2n));
      await passVetoWindow(protocol);

      const nodeId = await registerUnattested(protocol, actors.miners[0], { gpuModel: "A100", gpuCount: 3n });

      expect(await contracts.registry.ratePerDay(nodeId)).to.equal(parseUnits("7.5", 18));
    });
  });

  describe("vetoRating", () => {
    it("rejects everyone but the oracle's guardian", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const { admin } = protocol.actors;
      await attestRating(protocol, multipleOfReference(2n));

      await expect(registry.connect(admin).vetoRating(MODEL))
        .to.be.revertedWithCustomError(registry, "Registry_NotGuardian")
        .withArgs(admin.address);
    });

    it("rejects a model without a rating, a rating of genesis and one that counts", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const registry = protocol.contracts.registry.connect(protocol.actors.guardian);
      const rejects = (model: string) =>
        expect(registry.vetoRating(model))
          .to.be.revertedWithCustomError(registry, "Registry_RatingNotPending")
          .withArgs(model);

      await rejects(MODEL);
      await rejects(id("V100"));
      await attestRating(protocol, multipleOfReference(2n));
      await time.increaseTo((await latest()) + protocol.params.vetoWindow - 1n);
      await rejects(MODEL); // mined in the second from which it counts
    });

    it("rejects a rating that a freeze has undone, and one that is vetoed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { oracle } = protocol.contracts;
      const registry = protocol.contracts.registry.connect(protocol.actors.guardian);
      const rejects = () =>
        expect(registry.vetoRating(MODEL))
          .to.be.revertedWithCustomError(registry, "Registry_RatingNotPending")
          .withArgs(MODEL);
      await attestRating(protocol, multipleOfReference(2n));
      await oracle.connect(protocol.actors.guardian).freeze();
      await rejects();

      await oracle.connect(protocol.actors.guardian).thaw();
      await attestRating(protocol, multipleOfReference(2n));
      await registry.vetoRating(MODEL);
      await rejects();
    });

    it("takes a pending rating back, and lets the model be rated again under the same index", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry } = contracts;
      await attestRating(protocol, multipleOfReference(2n));

      await expect(registry.connect(actors.guardian).vetoRating(MODEL))
        .to.emit(registry, "RatingVetoed")
        .withArgs(MODEL, 2n * TU);

      await passVetoWindow(protocol);
      expect(await registry.ratingOf(MODEL)).to.equal(0);
      await attestRating(protocol, multipleOfReference(3n));
      await passVetoWindow(protocol);
      expect(await registry.ratingOf(MODEL)).to.equal(3n * TU);
      const nodeId = await registerUnattested(protocol, actors.miners[0], { gpuModel: "A100", gpuCount: 1n });
      expect(nodeId >> 32n).to.equal(8n);
      expect(await registry.ratePerDay(nodeId)).to.equal(3n * TU);
      expect((await registry.node(nodeId)).gpuModel).to.equal(MODEL);
    });

    it("works in the last second before the rating counts", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const registry = protocol.contracts.registry.connect(protocol.actors.guardian);
      await attestRating(protocol, multipleOfReference(2n));
      await time.setNextBlockTimestamp((await latest()) + protocol.params.vetoWindow - 1n);

      await registry.vetoRating(MODEL);
      await passVetoWindow(protocol);

      expect(await registry.ratingOf(MODEL)).to.equal(0);
    });
  });

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

  describe("attestNode", () => {
    it("rejects a node that was never registered", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const now = BigInt(await time.latest());

      await expect(attestAt(protocol, now + 10n, 7n, now + DAY))
        .to.be.revertedWithCustomError(protocol.contracts.registry, "Registry_UnknownNode")
        .withArgs(7);
    });

    it("rejects a first attestation that ends before it would count, or above 90 days ahead", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const nodeId = await registerUnattested(protocol, protocol.actors.miners[0]);
      const now = BigInt(await time.latest());

      const { vetoWindow } = protocol.params;
      for (const [at, validUntil] of [
        [now + 10n, now + 10n + vetoWindow - 1n],
        [now + 20n, now + 20n + MAX_ATTESTATION + 1n],
      ]) {
        await expect(attestAt(protocol, at, nodeId, validUntil))
          .to.be.revertedWithCustomError(registry, "Registry_ValidityOutOfBounds")
          .withArgs(validUntil, at + vetoWindow, at + MAX_ATTESTATION);
      }
    });

    it("rejects what does not go beyond the attestation in force or pending", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const nodeId = await registerUnattested(protocol, protocol.actors.miners[0]);
      const now = BigInt(await time.latest());
      const until = now + 10n * DAY;
      await attestAt(protocol, now + 10n, nodeId, until);

      for (const [at, validUntil] of [
        [now + 20n, until], // while pending
        [now + DAY, until],
        [now + DAY + 10n, until - 1n],
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
      const nodeId = await registerUnattested(protocol, actors.miners[0]);
      const larger = await registerUnattested(protocol, actors.miners[0], { gpuModel: "V100", gpuCount: 1_024n });
      const otherModel = await registerUnattested(protocol, actors.miners[0], { gpuModel: "Titan V" });
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
      const nodeId = await registerUnattested(protocol, actors.miners[0]);
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
      const nodeId = await registerUnattested(protocol, protocol.actors.miners[0]);
      const now = BigInt(await time.latest());
      const until = now + 10n * DAY;
      await attestAt(protocol, now + 10n, nodeId, until);

      await expect(attestAt(protocol, now + DAY, nodeId, until))
        .to.be.revertedWithCustomError(registry, "Registry_ValidityOutOfBounds")
        .withArgs(until, until + 1n, now + DAY + MAX_ATTESTATION);
      await expect(attestAt(protocol, until + 1n, nodeId, until))
        .to.be.revertedWithCustomError(registry, "Registry_ValidityOutOfBounds")
        .withArgs(until, until + 1n + protocol.params.vetoWindow, until + 1n + MAX_ATTESTATION);
    });

    it("rejects signatures for one that was revoked, in force or pending", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const guarded = registry.connect(protocol.actors.guardian);
      const nodeId = await registerUnattested(protocol, protocol.actors.miners[0]);
      const until = (await latest()) + 10n * DAY;
      const rejects = async (validUntil: bigint) => {
        const at = (await latest()) + 10n;
        await expect(attestAt(protocol, at, nodeId, validUntil))
          .to.be.revertedWithCustomError(registry, "Registry_ValidityOutOfBounds")
          .withArgs(validUntil, validUntil + 1n, at + MAX_ATTESTATION);
      };

      await submitAttestation(protocol, nodeId, until);
      await guarded.revokeNode(nodeId);
      await rejects(until);
      await attestNode(protocol, nodeId, until + DAY);
      await guarded.revokeNode(nodeId);
      await rejects(until + DAY);
      await submitAttestation(protocol, nodeId, until + DAY + 1n);
    });

    it("does not renew one that was revoked in the same second", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { registry } = contracts;
      const nodeId = await registerNode(protocol, actors.miners[0]);
      const at = (await latest()) + 10n;
      const until = at + MAX_ATTESTATION;
      const signatures = await signNode(protocol, nodeId, until);
      const before = await registry.node(nodeId);

      await inOneBlock(at, async () => [
        await registry.connect(actors.guardian).revokeNode(nodeId, { gasLimit: 1_000_000 }),
        await registry.attestNode(nodeId, until, EVIDENCE, signatures, { gasLimit: 1_000_000 }),
      ]);

      expect(await registry.pendingAttestation(nodeId)).to.deep.equal([at + params.vetoWindow, until]);
      const { attestedFrom, attestedUntil } = await registry.node(nodeId);
      expect([attestedFrom, attestedUntil]).to.deep.equal([before.attestedFrom, at - 1n]);
    });

    it("rejects everything while frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle } = contracts;
      const nodeId = await registerUnattested(protocol, actors.miners[0]);
      await oracle.connect(actors.guardian).freeze();

      await expect(attestNode(protocol, nodeId))
        .to.be.revertedWithCustomError(oracle, "Oracle_Frozen")
        .withArgs(await oracle.frozenUntil());
    });

    for (const [title, beyond] of [
      ["for the very second from which it counts", 0n],
      ["for 90 days", null],
    ] as const) {
      it(`attests a node ${title}`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { registry } = protocol.contracts;
        const nodeId = await registerUnattested(protocol, protocol.actors.miners[0]);
        const now = (await latest()) + 10n;
        const from = now + protocol.params.vetoWindow;
        const until = beyond === null ? now + MAX_ATTESTATION : from + beyond;

        await expect(attestAt(protocol, now, nodeId, until))
          .to.emit(registry, "NodeAttested")
          .withArgs(nodeId, from, until, EVIDENCE);

        await time.increaseTo(from);
        const { attestedFrom, attestedUntil } = await registry.node(nodeId);
        expect([attestedFrom, attestedUntil]).to.deep.equal([from, until]);
      });
    }

    it("counts from one veto window later without a transaction, and is pending until then", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const nodeId = await registerUnattested(protocol, miner);
      const until = (await latest()) + 10n * DAY;
      await submitAttestation(protocol, nodeId, until);
      const from = (await latest()) + protocol.params.vetoWindow;
      const rate = await registry.ratePerDay(nodeId);

      await time.increaseTo(from - 1n);
      expect(await registry.standing(nodeId)).to.deep.equal([miner.address, 0n, 0n, rate]);
      expect(await registry.pendingAttestation(nodeId)).to.deep.equal([from, until]);
      expect(await registry.isAttested(nodeId, from)).to.equal(false);
      await time.increaseTo(from);
      expect(await registry.standing(nodeId)).to.deep.equal([miner.address, from, until, rate]);
      expect(await registry.pendingAttestation(nodeId)).to.deep.equal([0n, 0n]);
      expect(await registry.isAttested(nodeId, from)).to.equal(true);
      const word = (until << 200n) | (from << 160n) | BigInt(miner.address);
      expect(await registry.standings([nodeId])).to.deep.equal([word, rate]);
    });

    it("prolongs a pending attestation and keeps its start", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const nodeId = await registerUnattested(protocol, protocol.actors.miners[0]);
      const now = (await latest()) + 10n;
      const from = now + protocol.params.vetoWindow;
      await attestAt(protocol, now, nodeId, from);

      await expect(attestAt(protocol, from - 1n, nodeId, from + DAY))
        .to.emit(registry, "NodeAttested")
        .withArgs(nodeId, from, from + DAY, EVIDENCE);

      await time.increaseTo(from);
      const { attestedFrom, attestedUntil } = await registry.node(nodeId);
      expect([attestedFrom, attestedUntil]).to.deep.equal([from, from + DAY]);
    });

    for (const disturbance of ["freeze", "rotation"] as const) {
      it(`is undone by a ${disturbance} just before it counts, and not by one in the second from which it does`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { contracts, actors, params } = protocol;
        const { registry, oracle } = contracts;
        const [early, late] = actors.miners;
        const nodeIds = [await registerUnattested(protocol, early), await registerUnattested(protocol, late)];
        const { disturb } = await prepareDisturbance(protocol, disturbance);
        const now = (await latest()) + 10n;
        const from = now + params.vetoWindow;
        // the second one is attested a second before the first
        await attestAt(protocol, now - 1n, nodeIds[1], from + DAY);
        await attestAt(protocol, now, nodeIds[0], from + DAY);

        await time.setNextBlockTimestamp(from - 1n);
        await disturb();

        expect(await registry.pendingAttestation(nodeIds[0])).to.deep.equal([0n, 0n]);
        expect((await registry.node(nodeIds[1])).attestedFrom).to.equal(from - 1n);
        await time.increaseTo(from);
        expect((await registry.node(nodeIds[0])).attestedFrom).to.equal(0n);
        expect(await registry.isAttested(nodeIds[0], from)).to.equal(false);

        // it is replaced, and waits from then on
        if (disturbance === "freeze") await oracle.connect(actors.guardian).thaw();
        const again = (await latest()) + 10n;
        await attestAt(protocol, again, nodeIds[0], from + DAY);
        expect(await registry.pendingAttestation(nodeIds[0])).to.deep.equal([again + params.vetoWindow, from + DAY]);
      });
    }

    it("rejects a renewal that ends no later than the one before, though later than what that had renewed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const nodeId = await registerUnattested(protocol, protocol.actors.miners[0]);
      const now = await latest();
      await attestNode(protocol, nodeId, now + 20n * DAY);
      await attestAt(protocol, now + 2n * DAY, nodeId, now + 40n * DAY);

      const at = now + 3n * DAY;
      for (const validUntil of [now + 30n * DAY, now + 40n * DAY]) {
        await expect(attestAt(protocol, at + validUntil / DAY, nodeId, validUntil))
          .to.be.revertedWithCustomError(registry, "Registry_ValidityOutOfBounds")
          .withArgs(validUntil, now + 40n * DAY + 1n, at + validUntil / DAY + MAX_ATTESTATION);
      }
    });

    it("keeps the start when renewed in the last second", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const nodeId = await registerUnattested(protocol, protocol.actors.miners[0]);
      const now = (await latest()) + 10n;
      const from = now + protocol.params.vetoWindow;
      await attestAt(protocol, now, nodeId, now + DAY);

      await expect(attestAt(protocol, now + DAY, nodeId, now + DAY + 1n))
        .to.emit(registry, "NodeAttested")
        .withArgs(nodeId, from, now + DAY + 1n, EVIDENCE);

      const { attestedFrom, attestedUntil } = await registry.node(nodeId);
      expect([attestedFrom, attestedUntil]).to.deep.equal([from, now + DAY + 1n]);
    });

    it("starts again when renewed a second too late, one veto window later", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const { vetoWindow } = protocol.params;
      const nodeId = await registerUnattested(protocol, protocol.actors.miners[0]);
      const now = (await latest()) + 10n;
      const until = now + DAY;
      await attestAt(protocol, now, nodeId, until);

      await expect(attestAt(protocol, until + 1n, nodeId, until + DAY))
        .to.emit(registry, "NodeAttested")
        .withArgs(nodeId, until + 1n + vetoWindow, until + DAY, EVIDENCE);

      // the lapsed one stands until the other counts
      const { attestedFrom, attestedUntil } = await registry.node(nodeId);
      expect([attestedFrom, attestedUntil]).to.deep.equal([now + vetoWindow, until]);
    });

    it("takes a quorum's signatures from anyone", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const nodeId = await registerUnattested(protocol, actors.miners[0]);
      const until = BigInt(await time.latest()) + DAY;
      const signatures = await signNode(protocol, nodeId, until);

      await expect(contracts.registry.connect(actors.stranger).attestNode(nodeId, until, EVIDENCE, signatures)).to.emit(
        contracts.registry,
        "NodeAttested",
      );
    });
  });

  describe("revokeNode", () => {
    it("rejects everyone but the oracle's guardian, the governor's admin and the node's owner too", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const { miners, admin } = protocol.actors;
      const nodeId = await registerNode(protocol, miners[0]);

      for (const caller of [miners[0], admin]) {
        await expect(registry.connect(caller).revokeNode(nodeId))
          .to.be.revertedWithCustomError(registry, "Registry_NotGuardian")
          .withArgs(caller.address);
      }
    });

    it("rejects a node that is unknown, was never attested, has lapsed, is revoked or whose attestation is undone", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const registry = contracts.registry.connect(actors.guardian);
      const rejects = (nodeId: bigint) =>
        expect(registry.revokeNode(nodeId))
          .to.be.revertedWithCustomError(registry, "Registry_NothingToRevoke")
          .withArgs(nodeId);
      const fresh = await registerUnattested(protocol, actors.miners[0]);
      const lapsing = await registerUnattested(protocol, actors.miners[0]);
      const revoked = await registerNode(protocol, actors.miners[0]);
      await attestNode(protocol, lapsing, (await latest()) + DAY);

      await rejects(7n);
      await rejects(fresh);
      await registry.revokeNode(revoked);
      await rejects(revoked);
      await time.increase(DAY);
      await rejects(lapsing);
      await submitAttestation(protocol, fresh);
      await registry.revokeNode(fresh);
      await rejects(fresh);
      await submitAttestation(protocol, lapsing);
      await contracts.oracle.connect(actors.guardian).freeze();
      await rejects(lapsing);
    });

    it("ends the attestation in force with the second before, also while frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, oracle } = contracts;
      const nodeId = await registerNode(protocol, actors.miners[0]);
      const { attestedFrom, attestedUntil } = await registry.node(nodeId);
      await oracle.connect(actors.guardian).freeze();
      const at = (await latest()) + 10n;
      await time.setNextBlockTimestamp(at);

      await expect(registry.connect(actors.guardian).revokeNode(nodeId))
        .to.emit(registry, "NodeRevoked")
        .withArgs(nodeId, attestedFrom, attestedUntil);

      const after = await registry.node(nodeId);
      expect([after.attestedFrom, after.attestedUntil]).to.deep.equal([attestedFrom, at - 1n]);
      expect(await registry.isAttested(nodeId, at - 1n)).to.equal(true);
      expect(await registry.isAttested(nodeId, at)).to.equal(false);
    });

    it("ends a renewal, and lets nothing be attested again that ends no later", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry } = contracts;
      const nodeId = await registerUnattested(protocol, actors.miners[0]);
      const now = await latest();
      await attestNode(protocol, nodeId, now + 20n * DAY);
      const { attestedFrom } = await registry.node(nodeId);
      await attestAt(protocol, now + 2n * DAY, nodeId, now + 40n * DAY);

      await expect(registry.connect(actors.guardian).revokeNode(nodeId))
        .to.emit(registry, "NodeRevoked")
        .withArgs(nodeId, attestedFrom, now + 40n * DAY);
      const at = now + 3n * DAY;
      await expect(attestAt(protocol, at, nodeId, now + 40n * DAY))
        .to.be.revertedWithCustomError(registry, "Registry_ValidityOutOfBounds")
        .withArgs(now + 40n * DAY, now + 40n * DAY + 1n, at + MAX_ATTESTATION);
    });

    it("undoes a pending attestation without a trace, in the last second before it counts", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry } = contracts;
      const nodeId = await registerUnattested(protocol, actors.miners[0]);
      await attestNode(protocol, nodeId, (await latest()) + DAY);
      await time.increase(DAY);
      await attestNode(protocol, nodeId, (await latest()) + DAY);
      await time.increase(DAY);
      const before = await traceOf(protocol, nodeId);
      await submitAttestation(protocol, nodeId);
      const [from, until] = await registry.pendingAttestation(nodeId);
      await time.setNextBlockTimestamp(from - 1n);

      await expect(registry.connect(actors.guardian).revokeNode(nodeId))
        .to.emit(registry, "NodeRevoked")
        .withArgs(nodeId, from, until);

      await time.increaseTo(from);
      expect(await traceOf(protocol, nodeId)).to.deep.equal(before);
    });

    it("leaves nothing of one in the second from which it counts", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const nodeId = await registerUnattested(protocol, protocol.actors.miners[0]);
      await submitAttestation(protocol, nodeId);
      const [from, until] = await registry.pendingAttestation(nodeId);
      await time.setNextBlockTimestamp(from);

      await expect(registry.connect(protocol.actors.guardian).revokeNode(nodeId))
        .to.emit(registry, "NodeRevoked")
        .withArgs(nodeId, from, until);

      expect(await registry.isAttested(nodeId, from)).to.equal(false);
      await time.increaseTo(until);
      expect(await registry.isAttested(nodeId, until)).to.equal(false);
    });

    it("twice in a row, with an attestation after each, leaves nothing of the first one", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const guarded = registry.connect(protocol.actors.guardian);
      const nodeId = await registerUnattested(protocol, protocol.actors.miners[0]);
      const start = await latest();
      await attestNode(protocol, nodeId, start + 30n * DAY);
      const { attestedFrom } = await registry.node(nodeId);

      await guarded.revokeNode(nodeId);
      await attestNode(protocol, nodeId, start + 31n * DAY);
      expect(await registry.isAttested(nodeId, attestedFrom)).to.equal(true);
      await guarded.revokeNode(nodeId);
      await submitAttestation(protocol, nodeId, start + 32n * DAY);
      expect(await registry.isAttested(nodeId, attestedFrom)).to.equal(true);
      await passVetoWindow(protocol);
      expect(await registry.isAttested(nodeId, attestedFrom)).to.equal(false);
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

    it("takes an attestation that counts, and stores it without changing any answer", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, usd } = contracts;
      const nodeId = await registerUnattested(protocol, actors.miners[0]);
      await registry.connect(actors.miners[0]).setListing(nodeId, usd, 5, 3n * TU);
      await attestNode(protocol, nodeId, (await latest()) + DAY);
      await time.increase(DAY);
      await attestNode(protocol, nodeId);
      const before = await traceOf(protocol, nodeId);

      await openOrder(protocol, actors.renters[0], usd, { nodeId, maxUnitPrice: 5n });

      expect(await traceOf(protocol, nodeId)).to.deep.equal(before);
    });

    it("rejects a node in the last second in which its attestation is pending, and not in the next", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, escrow, usd } = contracts;
      const nodeId = await registerUnattested(protocol, actors.miners[0]);
      await registry.connect(actors.miners[0]).setListing(nodeId, usd, 5, 3n * TU);
      await openOrder(protocol, actors.renters[0], usd, { maxUnitPrice: 5n }); // and approves
      await submitAttestation(protocol, nodeId);
      const [from] = await registry.pendingAttestation(nodeId);
      const params = { nodeId, asset: usd, tuAmount: TU, maxUnitPrice: 5n, duration: DAY, renter: actors.renters[0] };
      const rest = { refundTo: ZeroAddress, jobHash: ZeroHash, paymentRef: ZeroHash, reuse: 0n };
      const open = () => escrow.connect(actors.renters[0]).openOrder({ ...params, ...rest });

      await time.setNextBlockTimestamp(from - 1n);
      await expect(open()).to.be.revertedWithCustomError(registry, "Registry_NotAttested").withArgs(nodeId);
      await time.setNextBlockTimestamp(from);
      await expect(open()).to.emit(escrow, "OrderOpened");
    });

    it("rejects a node that was never attested", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, usd } = contracts;
      const nodeId = await registerUnattested(protocol, actors.miners[0]);
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

  describe("isAttested", () => {
    it("is false of a node that does not exist or was never attested, at any time", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const nodeId = await registerUnattested(protocol, protocol.actors.miners[0]);

      for (const t of [0n, 1n, await latest(), 2n ** 256n - 1n]) {
        expect(await registry.isAttested(nodeId, t), `${t}`).to.equal(false);
        expect(await registry.isAttested(nodeId + 1n, t), `${t}`).to.equal(false);
      }
    });

    it("covers the attestation in force and the one before it, pending and stored, to the second [6.11]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const nodeId = await registerNode(protocol, protocol.actors.miners[0]);
      const first = await registry.node(nodeId);
      await time.increaseTo(first.attestedUntil + 1n);
      await submitAttestation(protocol, nodeId);
      const [from, until] = await registry.pendingAttestation(nodeId);
      const expectEdges = async (edges: readonly (readonly [bigint, boolean])[]) => {
        for (const [t, answer] of edges) expect(await registry.isAttested(nodeId, t), `${t}`).to.equal(answer);
      };
      const edgesOfFirst = [
        [0n, false],
        [first.attestedFrom - 1n, false],
        [first.attestedFrom, true],
        [first.attestedUntil, true],
        [first.attestedUntil + 1n, false],
      ] as const;

      await expectEdges([...edgesOfFirst, [from, false], [until, false]]);
      await time.increaseTo(from);
      await expectEdges([...edgesOfFirst, [from - 1n, false], [from, true], [until, true], [until + 1n, false]]);
      await submitAttestation(protocol, nodeId, until + 2n); // stores what counts
      await expectEdges([...edgesOfFirst, [from - 1n, false], [from, true], [until + 2n, true], [until + 3n, false]]);
    });
  });
});
