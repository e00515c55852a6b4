import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY } from "@turingfog/sdk";
import { expect } from "chai";
import { id } from "ethers";
import { ethers } from "hardhat";
import { deployProtocolFixture } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { attestNode, registerNode, registerUnattested, submitAttestation } from "../helpers/market";
import { MAX_ATTESTATION, EVIDENCE, signNode, prepareDisturbance, latest, attestAt } from "../helpers/nodes";

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

describe("NodeRegistry", () => {
  describe("attestNode", () => {
    it("rejects a node that was never registered", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const now = BigInt(await time.latest());

      await expect(attestAt(protocol, now + 10n, 7n, now + DAY))
        .to.be.revertedWithCustomError(protocol.contracts.registry, "Registry_UnknownNode")
        .withArgs(7);
    });

    it("rejects a first attestation that ends before it would count, or above 90 days ahead [T14]", async () => {
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

    it("rejects what no quorum has signed for this node, this time and this log [T13] [T31]", async () => {
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

    it("rejects signatures of an older set of signers [T11] [T31]", async () => {
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

    it("rejects the same attestation again, while it lasts and after [T9] [T31]", async () => {
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

    it("rejects signatures for one that was revoked, in force or pending [T31]", async () => {
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

    it("does not renew one that was revoked in the same second [T37]", async () => {
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
});
