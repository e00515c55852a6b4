import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { ZeroAddress, ZeroHash } from "ethers";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import {
  attestNode,
  listNode,
  openOrder,
  passVetoWindow,
  registerNode,
  registerUnattested,
  submitAttestation,
} from "../helpers/market";
import { MAX_ATTESTATION, MODEL, latest, attestAt } from "../helpers/nodes";

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

describe("NodeRegistry", () => {
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

    it("undoes a pending attestation without a trace, in the last second before it counts [T37]", async () => {
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

    it("rejects a node that was never attested [T13]", async () => {
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
