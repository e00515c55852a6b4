import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { MAX_RATING, ratingOf, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { id, parseUnits, ZeroHash } from "ethers";
import { ethers } from "hardhat";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { passVetoWindow, registerUnattested } from "../helpers/market";
import {
  MAX_ATTESTATION,
  EVIDENCE,
  MODEL,
  type Images,
  multipleOfReference,
  signRating,
  attestRating,
  prepareDisturbance,
  latest,
} from "../helpers/nodes";

const GENESIS_RATINGS: [name: string, rating: string][] = [
  ["GTX 1080 Ti", "1"],
  ["Titan XP", "1.11"],
  ["V100", "1.85"],
  ["Titan V", "1.41"],
  ["Titan RTX", "1.55"],
  ["RTX 2080", "0.99"],
  ["RTX 2080 Ti", "1.35"],
];

/** Rotates the signers to the same ones, so that signatures and whatever is pending die. */
async function rotateSigners({ contracts: { oracle, timelock }, actors }: Protocol) {
  const signers = [...(await oracle.signers())];
  await asGovernor(timelock, actors.admin, await oracle.setSigners.populateTransaction(signers, 3));
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

    it("rejects a model the second time, while its rating is pending and after [T9]", async () => {
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

    it("rejects every rating that was vetoed, so that no signatures are of use again [T31]", async () => {
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

    it("rejects a rating above 1,000 [T14]", async () => {
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

    it("rejects signatures of an older set of signers [T11]", async () => {
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

    it("works in the last second before the rating counts [T37]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const registry = protocol.contracts.registry.connect(protocol.actors.guardian);
      await attestRating(protocol, multipleOfReference(2n));
      await time.setNextBlockTimestamp((await latest()) + protocol.params.vetoWindow - 1n);

      await registry.vetoRating(MODEL);
      await passVetoWindow(protocol);

      expect(await registry.ratingOf(MODEL)).to.equal(0);
    });
  });
});
