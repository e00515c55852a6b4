import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import {
  attainableTU,
  DAY,
  depositOf,
  earnedBy,
  HOUR,
  max,
  min,
  MINUTE,
  RootStatus,
  SkipReason,
  TU,
} from "@turingfog/sdk";
import { type Receipt, ReceiptTree } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { parseUnits, ZeroHash } from "ethers";
import fc from "fast-check";

import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import {
  type Asset,
  attestNode,
  listNode,
  openOrder,
  passVetoWindow,
  registerNode,
  registerUnattested,
  settle,
  startEpoch,
  submitAttestation,
  submitReceipts,
} from "../helpers/market";
import { deliver, expectSoundBooks, listRefusingToken, startOf } from "../helpers/orders";

const SEED = Number(process.env.SEED ?? 1);

const UNIT_PRICE = parseUnits("1", 6);

/** A GPU whose rating is 1 TU a day, alone: what a node of it can reach is easy to follow. */
const ONE_A_DAY = { gpuModel: "GTX 1080 Ti", gpuCount: 1n };

interface Job {
  orderId: bigint;
  nodeId: bigint;
  startedAt: bigint;
  endsAt: bigint;
}

/** An order of 1 TU for a day on a fast node of the first miner, at 1 USD per TU, opened just now by the first renter. */
async function openJob(
  protocol: Protocol,
  terms: { tuAmount?: bigint; unitPrice?: bigint; duration?: bigint; hardware?: typeof ONE_A_DAY; asset?: Asset } = {},
): Promise<Job> {
  const { contracts, actors } = protocol;
  const { unitPrice = UNIT_PRICE, tuAmount = TU, duration = DAY, asset = contracts.usd } = terms;
  const nodeId = await listNode(protocol, actors.miners[0], asset, unitPrice, terms.hardware);
  const orderId = await openOrder(protocol, actors.renters[0], asset, {
    nodeId,
    tuAmount,
    duration,
    maxUnitPrice: unitPrice,
  });
  const { startedAt, endsAt } = await contracts.escrow.order(orderId);
  return { orderId, nodeId, startedAt, endsAt };
}

/** What a node has delivered on an order, an hour after its start unless given. */
function receiptOf({ orderId, nodeId, startedAt }: Job, cumulativeTU: bigint, measuredAt = startedAt + HOUR): Receipt {
  return { orderId, nodeId, cumulativeTU, measuredAt };
}

/** Weight of a miner in the open round of an asset. */
async function weightOf({ contracts: { pool } }: Protocol, asset: Asset, miner: string): Promise<bigint> {
  return pool.weightOf(await pool.bucketId(await pool.openRound(asset), asset), miner);
}

describe("ComputeEscrow, settling", () => {
  describe("settle", () => {
    it("rejects no receipts, though the root itself proves them", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const { root } = await submitReceipts(protocol, [receiptOf(job, TU)]);
      await passVetoWindow(protocol);

      await expect(escrow.settle(usd, root, [], [root], [])).to.be.revertedWithCustomError(escrow, "Escrow_NoReceipts");
    });

    it("rejects a root that was never submitted, is pending or was vetoed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle, usd } = contracts;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const tree = await ReceiptTree.of([receiptOf(job, TU)]);
      const rejects = async (status: RootStatus) =>
        expect(settle(protocol, usd, tree))
          .to.be.revertedWithCustomError(oracle, "Oracle_NotFinal")
          .withArgs(tree.root, status);

      await rejects(RootStatus.Unknown);
      await submitReceipts(protocol, [...tree.receipts]);
      await rejects(RootStatus.Pending);
      await oracle.connect(actors.guardian).veto(tree.root);
      await passVetoWindow(protocol);
      await rejects(RootStatus.Vetoed);
    });

    it("rejects a root until the second in which it is final", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { escrow, oracle, usd } = contracts;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const tree = await submitReceipts(protocol, [receiptOf(job, TU)]);
      const [, finalAt] = await oracle.status(tree.root);

      await time.setNextBlockTimestamp(finalAt - 1n);
      await expect(settle(protocol, usd, tree))
        .to.be.revertedWithCustomError(oracle, "Oracle_NotFinal")
        .withArgs(tree.root, RootStatus.Pending);
      await time.setNextBlockTimestamp(finalAt);
      await expect(settle(protocol, usd, tree)).to.emit(escrow, "ReceiptSettled");
    });

    it("rejects everything while frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle, usd } = contracts;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const tree = await submitReceipts(protocol, [receiptOf(job, TU)]);
      await passVetoWindow(protocol);
      await oracle.connect(actors.guardian).freeze();

      await expect(settle(protocol, usd, tree))
        .to.be.revertedWithCustomError(oracle, "Oracle_Frozen")
        .withArgs(await oracle.frozenUntil());
    });

    it("rejects receipts that differ from the tree's in any field", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const receipt = receiptOf(job, TU / 2n);
      const { root } = await submitReceipts(protocol, [receipt]);
      await passVetoWindow(protocol);

      for (const field of ["orderId", "nodeId", "cumulativeTU", "measuredAt"] as const) {
        const forged = { ...receipt, [field]: receipt[field] + 1n };
        await expect(escrow.settle(usd, root, [forged], [], []), field)
          .to.be.revertedWithCustomError(escrow, "Escrow_InvalidProof")
          .withArgs(root);
      }
    });

    it("rejects a proof for another root", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const first = await submitReceipts(protocol, [receiptOf(job, TU / 2n)]);
      const second = await submitReceipts(protocol, [receiptOf(job, TU)]);
      await passVetoWindow(protocol);
      const { receipts, proof, proofFlags } = second.multiproof();

      await expect(escrow.settle(usd, first.root, receipts, proof, proofFlags))
        .to.be.revertedWithCustomError(escrow, "Escrow_InvalidProof")
        .withArgs(first.root);
    });

    it("rejects a proof of the wrong shape", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const { root } = await submitReceipts(protocol, [receiptOf(job, TU)]);
      await passVetoWindow(protocol);

      await expect(escrow.settle(usd, root, [receiptOf(job, TU)], [ZeroHash], [])).to.be.revertedWithCustomError(
        escrow,
        "MerkleProofInvalidMultiproof",
      );
    });

    it("rejects a receipt that is not in the tree behind one that is", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const proven = receiptOf(job, TU / 4n);
      const { root } = await submitReceipts(protocol, [proven]);
      await passVetoWindow(protocol);

      // as many flags as proof elements, which is the shape of a single receipt's proof
      const forged = { ...proven, cumulativeTU: TU };
      await expect(escrow.settle(usd, root, [proven, forged], [], [])).to.be.revertedWithCustomError(
        escrow,
        "MerkleProofInvalidMultiproof",
      );
    });

    it("proves a receipt that comes alone by its hashes, whatever its flags say", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const lone = receiptOf(job, TU / 4n);
      const tree = await submitReceipts(protocol, [lone, receiptOf(job, TU / 8n)]);
      await passVetoWindow(protocol);

      const { proof, proofFlags } = tree.multiproof([lone]);
      expect(proofFlags).to.deep.equal([false]);
      await expect(escrow.settle(usd, tree.root, [lone], proof, [true]))
        .to.emit(escrow, "ReceiptSettled")
        .withArgs(job.orderId, job.nodeId, protocol.actors.miners[0], TU / 4n, UNIT_PRICE / 4n);
    });

    it("pays what a receipt earns: event, weight, transfer and books", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, controller, pool, usd } = contracts;
      const [miner] = actors.miners;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const tree = await submitReceipts(protocol, [receiptOf(job, TU / 4n)]);
      await passVetoWindow(protocol);
      const earned = UNIT_PRICE / 4n;

      const settling = settle(protocol, usd, tree);

      await expect(settling)
        .to.emit(escrow, "ReceiptSettled")
        .withArgs(job.orderId, job.nodeId, miner.address, TU / 4n, earned);
      await expect(settling).to.changeTokenBalances(usd, [escrow, controller], [-earned, earned]);
      const bucketId = await pool.bucketId(await pool.openRound(usd), usd);
      expect(await pool.bucket(bucketId)).to.deep.equal([earned, 0n, false]);
      expect(await pool.weightOf(bucketId, miner)).to.equal(earned);
      expect(await escrow.settledTU(job.orderId, job.nodeId)).to.equal(TU / 4n);
      expect(await escrow.settledTU(job.orderId, job.nodeId + 1n)).to.equal(0);
      const { tuSettled, earned: earnedInAll } = await escrow.order(job.orderId);
      expect([tuSettled, earnedInAll]).to.deep.equal([TU / 4n, earned]);
      await expectSoundBooks(protocol, usd);
    });

    it("moves what many receipts earn once", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { escrow, controller, usd } = contracts;
      const jobs = [await openJob(protocol), await openJob(protocol), await openJob(protocol)];
      await time.increase(HOUR);

      const settling = await deliver(
        protocol,
        usd,
        jobs.map((job) => receiptOf(job, TU)),
      );

      const block = settling.blockNumber ?? undefined;
      const transfers = await usd.queryFilter(usd.filters.Transfer(), block, block);
      expect(transfers.map(({ args }) => [...args])).to.deep.equal([
        [await escrow.getAddress(), await controller.getAddress(), 3n * UNIT_PRICE],
      ]);
      await expectSoundBooks(protocol, usd);
    });

    it("moves nothing when nothing is earned, in an asset that was never listed too", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, pool, usd } = contracts;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const small = { ...receiptOf(job, TU), orderId: 5n };
      const tree = await submitReceipts(protocol, [receiptOf(job, 0n), small]);
      await passVetoWindow(protocol);
      const { receiptsRoot, receipts, proof, proofFlags } = tree.multiproof();

      await expect(settle(protocol, usd, tree)).to.not.emit(pool, "WeightAdded");
      const unlisted = actors.stranger.address;
      await expect(escrow.settle(unlisted, receiptsRoot, receipts, proof, proofFlags))
        .to.emit(escrow, "ReceiptSkipped")
        .withArgs(small.orderId, small.nodeId, SkipReason.UnknownOrder)
        .and.to.emit(escrow, "ReceiptSkipped")
        .withArgs(job.orderId, job.nodeId, SkipReason.OtherAsset);
    });

    it("is open to anyone, for one receipt out of a tree", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { usd, controller } = contracts;
      const [mine, other] = [await openJob(protocol), await openJob(protocol)];
      await time.increase(HOUR);
      const tree = await submitReceipts(protocol, [receiptOf(mine, TU), receiptOf(other, TU)]);
      await passVetoWindow(protocol);
      const escrow = contracts.escrow.connect(actors.stranger);
      const { receiptsRoot, receipts, proof, proofFlags } = tree.multiproof([receiptOf(mine, TU)]);

      await expect(escrow.settle(usd, receiptsRoot, receipts, proof, proofFlags)).to.changeTokenBalance(
        usd,
        controller,
        UNIT_PRICE,
      );
      await expect(settle(protocol, usd, tree)).to.changeTokenBalance(usd, controller, UNIT_PRICE);
    });

    it("earns in the round that is open when it settles, not in the one of the work", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd, pool } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      await startEpoch(protocol);
      const job = await openJob(protocol, { tuAmount: 3n * TU });
      await time.increase(HOUR);
      const tree = await submitReceipts(protocol, [receiptOf(job, TU), receiptOf(job, 3n * TU)]);
      await passVetoWindow(protocol);
      await settle(protocol, usd, tree, [receiptOf(job, TU)]);
      const worked = await pool.openRound(usd);
      await startEpoch(protocol);
      const settled = await pool.openRound(usd);

      await settle(protocol, usd, tree, [receiptOf(job, 3n * TU)]);

      expect(settled).to.equal(worked + 1n);
      expect(await pool.weightOf(await pool.bucketId(worked, usd), miner)).to.equal(UNIT_PRICE);
      expect(await pool.weightOf(await pool.bucketId(settled, usd), miner)).to.equal(2n * UNIT_PRICE);
    });

    it("refuses to be reentered by the asset", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow } = protocol.contracts;
      const token = await listRefusingToken(protocol);
      const job = await openJob(protocol, { asset: token });
      await time.increase(HOUR);
      const tree = await submitReceipts(protocol, [receiptOf(job, TU / 2n)]);
      await passVetoWindow(protocol);
      await token.callOnTransfer(escrow, escrow.interface.encodeFunctionData("close", [job.orderId]));

      await expect(settle(protocol, token, tree)).to.be.revertedWithCustomError(escrow, "ReentrancyGuardReentrantCall");
    });
  });

  describe("receipts passed over", () => {
    /** Submits a sound receipt together with another, and expects the one to be paid and the other passed over. */
    async function expectSkipped(protocol: Protocol, bad: Receipt, reason: SkipReason, submittedAt?: bigint) {
      const { escrow, usd } = protocol.contracts;
      const sound = await openJob(protocol);
      const good = receiptOf(sound, TU, sound.startedAt + MINUTE);
      await time.increase(HOUR);
      if (submittedAt !== undefined) await time.setNextBlockTimestamp(submittedAt);

      const settling = await deliver(protocol, usd, [good, bad]);

      await expect(settling).to.emit(escrow, "ReceiptSkipped").withArgs(bad.orderId, bad.nodeId, reason);
      await expect(settling)
        .to.emit(escrow, "ReceiptSettled")
        .withArgs(good.orderId, good.nodeId, protocol.actors.miners[0].address, TU, UNIT_PRICE);
      await expectSoundBooks(protocol, usd);
    }

    it("are those of orders in another asset, which stay to be settled", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd, dai } = protocol.contracts;
      const [inUsd, inDai] = [await openJob(protocol), await openJob(protocol, { asset: dai })];
      await time.increase(HOUR);
      const tree = await submitReceipts(protocol, [receiptOf(inUsd, TU), receiptOf(inDai, TU)]);
      await passVetoWindow(protocol);

      await expect(settle(protocol, usd, tree))
        .to.emit(escrow, "ReceiptSkipped")
        .withArgs(inDai.orderId, inDai.nodeId, SkipReason.OtherAsset)
        .and.to.emit(escrow, "ReceiptSettled")
        .withArgs(inUsd.orderId, inUsd.nodeId, protocol.actors.miners[0].address, TU, UNIT_PRICE);
      await expect(settle(protocol, dai, tree))
        .to.emit(escrow, "ReceiptSettled")
        .withArgs(inDai.orderId, inDai.nodeId, protocol.actors.miners[0].address, TU, UNIT_PRICE);
    });

    it("are those of an order that was never opened", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol);

      await expectSkipped(protocol, { ...receiptOf(job, TU), orderId: job.orderId + 100n }, SkipReason.UnknownOrder);
    });

    it("are those of an order that is closed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow } = protocol.contracts;
      const job = await openJob(protocol);
      await time.increaseTo(job.endsAt + protocol.params.grace);
      await escrow.close(job.orderId);

      await expectSkipped(protocol, receiptOf(job, TU), SkipReason.UnknownOrder);
    });

    it("are those of another node than the order's", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol);
      const nodeId = await registerNode(protocol, protocol.actors.miners[1]);

      await expectSkipped(protocol, { ...receiptOf(job, TU), nodeId }, SkipReason.WrongNode);
    });

    it("are those of node 0 on a node's order", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol);

      await expectSkipped(protocol, { ...receiptOf(job, TU), nodeId: 0n }, SkipReason.WrongNode);
    });

    it("are those measured before the order started", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol);

      await expectSkipped(protocol, receiptOf(job, TU, job.startedAt - 1n), SkipReason.BeforeStart);
    });

    it("are those measured in the second of the start, when nothing can be done yet", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol);

      await expectSkipped(protocol, receiptOf(job, TU, job.startedAt), SkipReason.NothingNew);
    });

    it("are those measured a second after the root was submitted", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol);
      const submittedAt = job.startedAt + 12n * HOUR;

      const bad = receiptOf(job, TU, submittedAt + 1n);
      await expectSkipped(protocol, bad, SkipReason.AfterSubmission, submittedAt);
    });

    for (const [title, after] of [
      ["a second", 1n],
      ["36 hours", 36n * HOUR],
    ] as const) {
      it(`are those measured ${title} after the order's end`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const job = await openJob(protocol);
        await time.increaseTo(job.endsAt + after);

        await expectSkipped(protocol, receiptOf(job, TU, job.endsAt + after), SkipReason.AfterEnd);
        expect((await protocol.contracts.escrow.order(job.orderId)).tuSettled).to.equal(0);
      });
    }

    it("are those measured after the end that a stop has set", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const job = await openJob(protocol);
      await time.setNextBlockTimestamp(job.startedAt + HOUR);
      await contracts.escrow.connect(actors.renters[0]).stop(job.orderId);
      await time.increase(1n);

      await expectSkipped(protocol, receiptOf(job, TU, job.startedAt + HOUR + 1n), SkipReason.AfterEnd);
    });

    it("are those measured after the end by a node that is not attested any more", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { duration: 80n * DAY });
      const { attestedUntil } = await protocol.contracts.registry.node(job.nodeId);
      expect(attestedUntil).to.be.above(job.endsAt);
      await time.increaseTo(attestedUntil + 2n);

      await expectSkipped(protocol, receiptOf(job, TU, attestedUntil + 1n), SkipReason.AfterEnd);
    });

    it("are those measured far in the future, after the order's end too", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol);

      await expectSkipped(protocol, receiptOf(job, TU, 2n ** 40n - 1n), SkipReason.AfterSubmission);
    });

    it("are those of a joint order's node that was never registered, and of node 0", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const orderId = await openOrder(protocol, actors.renters[0], contracts.usd, { maxUnitPrice: UNIT_PRICE });
      const startedAt = await startOf(protocol, orderId);

      for (const nodeId of [0n, 7n]) {
        const bad = { orderId, nodeId, cumulativeTU: TU, measuredAt: startedAt + 1n };
        await expectSkipped(protocol, bad, SkipReason.NotAttested);
      }
    });

    it("are those of a joint order's node that was attested an hour after four such opened, to the last of 400,000 USD [6.5]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const orderIds: bigint[] = [];
      for (let i = 0; i < 4; i++) {
        const terms = { tuAmount: 1_000n * TU, maxUnitPrice: 100n * UNIT_PRICE, duration: 2n * DAY };
        orderIds.push(await openOrder(protocol, actors.renters[0], contracts.usd, terms));
      }
      await time.increase(HOUR);
      const nodeId = await registerNode(protocol, actors.miners[1]);
      await time.increase(DAY);

      const measuredAt = BigInt(await time.latest());
      for (const orderId of orderIds) {
        const bad = { orderId, nodeId, cumulativeTU: 1_000n * TU, measuredAt };
        await expectSkipped(protocol, bad, SkipReason.NotAttested);
      }
      expect(await contracts.escrow.liabilities(contracts.usd)).to.equal(400_000n * UNIT_PRICE);
    });

    it("are those of a node attested an hour ago on a joint order 29 days old, which earned 319 TU [6.5]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const terms = { tuAmount: 1_000n * TU, maxUnitPrice: UNIT_PRICE, duration: 30n * DAY };
      const orderId = await openOrder(protocol, actors.renters[0], contracts.usd, terms);
      const startedAt = await startOf(protocol, orderId);
      await time.increaseTo(startedAt + 29n * DAY - 7n * HOUR);
      const nodeId = await registerNode(protocol, actors.miners[1], { gpuModel: "GTX 1080 Ti", gpuCount: 10n });
      await time.increaseTo(startedAt + 29n * DAY);

      expect(attainableTU(10n * TU, 29n * DAY)).to.equal(319n * TU);
      const bad = { orderId, nodeId, cumulativeTU: 1_000n * TU, measuredAt: startedAt + 29n * DAY };
      await expectSkipped(protocol, bad, SkipReason.NotAttested);
    });

    it("are those of a node whose attestation counts from the second after a joint order opened, and not from its own", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, usd } = contracts;
      const nodeIds = [
        await registerUnattested(protocol, actors.miners[0]),
        await registerUnattested(protocol, actors.miners[1]),
      ];
      await openOrder(protocol, actors.renters[0], usd, { maxUnitPrice: UNIT_PRICE });
      for (const nodeId of nodeIds) await submitAttestation(protocol, nodeId);
      const [onTime] = await registry.pendingAttestation(nodeIds[0]);
      const [late] = await registry.pendingAttestation(nodeIds[1]);
      await time.setNextBlockTimestamp(onTime - 1n); // of the approval, one block before
      const orderId = await openOrder(protocol, actors.renters[0], usd, { maxUnitPrice: UNIT_PRICE });
      const startedAt = await startOf(protocol, orderId);
      expect([startedAt, startedAt + 1n]).to.deep.equal([onTime, late]);
      await time.increase(HOUR);

      const measuredAt = BigInt(await time.latest());
      await expectSkipped(
        protocol,
        { orderId, nodeId: nodeIds[1], cumulativeTU: TU, measuredAt },
        SkipReason.NotAttested,
      );
      await deliver(protocol, usd, [{ orderId, nodeId: nodeIds[0], cumulativeTU: TU, measuredAt }]);
      expect(await contracts.escrow.settledTU(orderId, nodeIds[0])).to.equal(TU);
    });

    it("are those measured from the second on in which the node's attestation was revoked, and not those before", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const job = await openJob(protocol, { hardware: ONE_A_DAY });
      const at = job.startedAt + HOUR;
      await time.setNextBlockTimestamp(at);
      await contracts.registry.connect(actors.guardian).revokeNode(job.nodeId);
      await time.increase(HOUR);

      await expectSkipped(protocol, receiptOf(job, TU, at), SkipReason.NotAttested);
      await deliver(protocol, contracts.usd, [receiptOf(job, TU, at - 1n)]);
      expect(await contracts.escrow.settledTU(job.orderId, job.nodeId)).to.equal(attainableTU(TU, HOUR - 1n));
    });

    it("are those of before two revocations in a row", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const registry = contracts.registry.connect(actors.guardian);
      const job = await openJob(protocol, { hardware: ONE_A_DAY, duration: 10n * DAY });
      await time.increase(HOUR);
      const measuredAt = BigInt(await time.latest());
      for (let i = 0; i < 2; i++) {
        await registry.revokeNode(job.nodeId);
        await attestNode(protocol, job.nodeId);
      }

      await expectSkipped(protocol, receiptOf(job, TU, measuredAt), SkipReason.NotAttested);
    });

    it("are those measured after the attestation lapsed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { duration: 100n * DAY });
      const { attestedUntil } = await protocol.contracts.registry.node(job.nodeId);
      await time.increaseTo(attestedUntil + 2n);

      await expectSkipped(protocol, receiptOf(job, TU, attestedUntil + 1n), SkipReason.NotAttested);
    });

    it("are those that raise nothing: of no TU, settled before, or below what is settled", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      await deliver(protocol, usd, [receiptOf(job, TU / 2n)]);

      await expectSkipped(protocol, receiptOf(job, 0n), SkipReason.NothingNew);
      await expectSkipped(protocol, receiptOf(job, TU / 2n), SkipReason.NothingNew);
      await expectSkipped(protocol, receiptOf(job, TU / 2n - 1n), SkipReason.NothingNew);
    });
  });

  describe("times", () => {
    /** Settles a receipt, for as much as the speed allows, and resolves to the TU that it settled. */
    async function settledBy(protocol: Protocol, job: Job, measuredAt: bigint, submittedAt?: bigint): Promise<bigint> {
      const { escrow, usd } = protocol.contracts;
      if (submittedAt !== undefined) await time.setNextBlockTimestamp(submittedAt);
      await deliver(protocol, usd, [receiptOf(job, 2n ** 96n - 1n, measuredAt)]);
      return escrow.settledTU(job.orderId, job.nodeId);
    }

    it("counts a receipt measured in the second of its submission", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { hardware: ONE_A_DAY });
      const submittedAt = job.startedAt + HOUR;

      expect(await settledBy(protocol, job, submittedAt, submittedAt)).to.equal(attainableTU(TU, HOUR));
    });

    it("counts the first second of an order", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { hardware: ONE_A_DAY });

      expect(await settledBy(protocol, job, job.startedAt + 1n)).to.equal(attainableTU(TU, 1n));
    });

    it("counts a receipt measured in the second of the end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { hardware: ONE_A_DAY, duration: HOUR, tuAmount: TU });
      await time.increaseTo(job.endsAt);

      expect(await settledBy(protocol, job, job.endsAt)).to.equal(attainableTU(TU, HOUR));
    });

    it("counts a receipt measured before the end though it comes days after it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { hardware: ONE_A_DAY, duration: HOUR, tuAmount: TU });
      await time.increaseTo(job.endsAt + 2n * DAY);

      expect(await settledBy(protocol, job, job.endsAt - 1n)).to.equal(attainableTU(TU, HOUR - 1n));
    });

    it("counts a receipt measured in the last second of the attestation, and in its first, on a joint order", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { registry, usd } = contracts;
      const nodeId = await registerUnattested(protocol, actors.miners[0], ONE_A_DAY);
      await attestNode(protocol, nodeId, BigInt(await time.latest()) + DAY);
      const orderId = await openOrder(protocol, actors.renters[0], usd, {
        maxUnitPrice: UNIT_PRICE,
        tuAmount: 1_000n * TU,
        duration: 366n * DAY,
      });
      await time.increase(DAY);
      await attestNode(protocol, nodeId);
      const { attestedFrom, attestedUntil } = await registry.node(nodeId);
      const startedAt = await startOf(protocol, orderId);
      const job = { orderId, nodeId, startedAt, endsAt: 0n };

      expect(await settledBy(protocol, job, attestedFrom - 1n)).to.equal(0);
      expect(await settledBy(protocol, job, attestedFrom)).to.equal(attainableTU(TU, attestedFrom - startedAt));
      await time.increaseTo(attestedUntil);
      expect(await settledBy(protocol, job, attestedUntil)).to.equal(attainableTU(TU, attestedUntil - startedAt));
    });

    it("counts what was measured before a renewal, when that came in time", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { hardware: ONE_A_DAY, tuAmount: 1_000n * TU, duration: 366n * DAY });
      const { attestedUntil } = await protocol.contracts.registry.node(job.nodeId);
      await time.setNextBlockTimestamp(attestedUntil);
      await attestNode(protocol, job.nodeId, attestedUntil + DAY);

      expect(await settledBy(protocol, job, job.startedAt + HOUR)).to.equal(attainableTU(TU, HOUR));
    });

    it("counts what was measured before a lapse though the node is attested again, and nothing from in between", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { hardware: ONE_A_DAY, tuAmount: 1_000n * TU, duration: 366n * DAY });
      const { attestedUntil } = await protocol.contracts.registry.node(job.nodeId);
      await time.increaseTo(attestedUntil + DAY);
      await attestNode(protocol, job.nodeId);
      const { attestedFrom } = await protocol.contracts.registry.node(job.nodeId);

      expect(await settledBy(protocol, job, attestedUntil + 1n)).to.equal(0);
      expect(await settledBy(protocol, job, attestedFrom - 1n)).to.equal(0);
      expect(await settledBy(protocol, job, attestedUntil)).to.equal(attainableTU(TU, attestedUntil - job.startedAt));
      expect(await settledBy(protocol, job, attestedFrom)).to.equal(attainableTU(TU, attestedFrom - job.startedAt));
    });

    it("has forgotten what was measured before the last lapse but one", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const job = await openJob(protocol, { hardware: ONE_A_DAY, tuAmount: 1_000n * TU, duration: 366n * DAY });
      const { attestedUntil } = await registry.node(job.nodeId);
      await time.increaseTo(attestedUntil + 1n);
      await attestNode(protocol, job.nodeId, attestedUntil + DAY);
      await time.increaseTo(attestedUntil + DAY + 1n);
      await attestNode(protocol, job.nodeId);

      expect(await settledBy(protocol, job, attestedUntil)).to.equal(0);
    });

    it("counts on a node's own order what was measured while attested, whatever lapsed since its start", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      const job = await openJob(protocol, { hardware: ONE_A_DAY, tuAmount: 1_000n * TU, duration: 366n * DAY });
      const { attestedUntil } = await registry.node(job.nodeId);
      await time.increaseTo(attestedUntil + 1n);
      await attestNode(protocol, job.nodeId, attestedUntil + DAY);
      await time.increaseTo(attestedUntil + DAY + 1n);
      await attestNode(protocol, job.nodeId);
      const { attestedFrom } = await registry.node(job.nodeId);

      expect(await settledBy(protocol, job, attestedFrom)).to.be.greaterThan(0n);
    });

    it("pays whatever payout the node has when it settles", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, registry, usd } = contracts;
      const [miner, heir] = actors.miners;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const first = await submitReceipts(protocol, [receiptOf(job, TU / 4n)]);
      const second = await submitReceipts(protocol, [receiptOf(job, TU)]);
      await passVetoWindow(protocol);
      await startEpoch(protocol);
      await settle(protocol, usd, first);
      await registry.connect(miner).setPayout(job.nodeId, heir);

      await expect(settle(protocol, usd, second))
        .to.emit(escrow, "ReceiptSettled")
        .withArgs(job.orderId, job.nodeId, heir.address, TU, (3n * UNIT_PRICE) / 4n);

      expect(await weightOf(protocol, usd, miner.address)).to.equal(UNIT_PRICE / 4n);
      expect(await weightOf(protocol, usd, heir.address)).to.equal((3n * UNIT_PRICE) / 4n);
    });
  });

  describe("caps", () => {
    for (const [title, above] of [
      ["exactly 1.1 times its rated speed", 0n],
      ["a unit above 1.1 times its rated speed", 1n],
      ["far above its rated speed", 10n ** 27n],
    ] as const) {
      it(`pays a node that claims ${title} up to it`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { escrow, dai } = protocol.contracts;
        const seconds = 1_007n;
        const job = await openJob(protocol, { hardware: ONE_A_DAY, asset: dai, unitPrice: TU });
        const cap = 12_820_601_851_851_851n; // by hand, 1.1 · 1,007 / 86,400 · 10^18, which does not divide evenly
        await time.increase(HOUR);

        await deliver(protocol, dai, [receiptOf(job, cap + above, job.startedAt + seconds)]);

        expect(await escrow.settledTU(job.orderId, job.nodeId)).to.equal(cap);
        await expectSoundBooks(protocol, dai);
      });
    }

    it("pays a unit below the cap for what it is", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const job = await openJob(protocol, { hardware: ONE_A_DAY });
      const cap = attainableTU(TU, HOUR);
      await time.increase(HOUR);

      await deliver(protocol, usd, [receiptOf(job, cap - 1n)]);

      expect(await escrow.settledTU(job.orderId, job.nodeId)).to.equal(cap - 1n);
    });

    it("pays the rest of what was capped by a later receipt", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const job = await openJob(protocol, { hardware: ONE_A_DAY });
      await time.increase(3n * HOUR);
      await deliver(protocol, usd, [receiptOf(job, TU / 10n)]);
      expect(await escrow.settledTU(job.orderId, job.nodeId)).to.equal(attainableTU(TU, HOUR));

      await deliver(protocol, usd, [receiptOf(job, TU / 10n, job.startedAt + 3n * HOUR)]);

      expect(await escrow.settledTU(job.orderId, job.nodeId)).to.equal(TU / 10n);
      await expectSoundBooks(protocol, usd);
    });

    it("pays a receipt above the order's TU up to them, and nothing more ever", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const job = await openJob(protocol, { tuAmount: 3n * TU + 1n });
      const deposit = 3n * UNIT_PRICE + 1n;
      await time.increase(HOUR);

      // the deposit was rounded up, what is earned is rounded down
      await expect(deliver(protocol, usd, [receiptOf(job, 3n * TU + 2n)])).to.changeTokenBalance(
        usd,
        escrow,
        1n - deposit,
      );
      await expect(deliver(protocol, usd, [receiptOf(job, 4n * TU)]))
        .to.emit(escrow, "ReceiptSkipped")
        .withArgs(job.orderId, job.nodeId, SkipReason.NothingNew);

      expect((await escrow.order(job.orderId)).tuSettled).to.equal(3n * TU + 1n);
      await expectSoundBooks(protocol, usd);
    });

    it("pays several receipts on one order within a call for what each adds", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const receipts = [1n, 2n, 3n].map((quarter) => receiptOf(job, (quarter * TU) / 4n));

      await expect(deliver(protocol, usd, receipts)).to.changeTokenBalance(usd, escrow, (-3n * UNIT_PRICE) / 4n);

      expect(await escrow.settledTU(job.orderId, job.nodeId)).to.equal((3n * TU) / 4n);
      expect(await weightOf(protocol, usd, miner.address)).to.equal((3n * UNIT_PRICE) / 4n);
    });

    it("counts a node's rating and GPUs", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const hardware = { gpuModel: "RTX 2080 Ti", gpuCount: 3n };
      const job = await openJob(protocol, { hardware, tuAmount: 100n * TU });
      await time.increase(HOUR);

      await deliver(protocol, usd, [receiptOf(job, 100n * TU)]);

      expect(await escrow.settledTU(job.orderId, job.nodeId)).to.equal(attainableTU(parseUnits("4.05", 18), HOUR));
    });

    it("never overflows at the highest rate, time, TU and price", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, dai } = contracts;
      const tuAmount = 2n ** 96n - 1n;
      const unitPrice = 2n ** 128n - 1n;
      // the highest deposit that fits: either of the two is at its highest
      for (const [tu, price] of [
        [tuAmount, ((2n ** 128n - 1n) * TU) / tuAmount / 2n],
        [TU / 4n, unitPrice],
      ]) {
        const deposit = depositOf(tu, price);
        await dai.mint(actors.renters[0], deposit);
        const job = await openJob(protocol, { asset: dai, tuAmount: tu, unitPrice: price, duration: 366n * DAY });
        await time.increase(80n * DAY);
        const measuredAt = BigInt(await time.latest());
        const expected = min(tu, attainableTU(parseUnits("1894.4", 18), measuredAt - job.startedAt));

        await deliver(protocol, dai, [receiptOf(job, 2n ** 96n - 1n, measuredAt)]);

        const { tuSettled, earned } = await escrow.order(job.orderId);
        expect([tuSettled, earned]).to.deep.equal([expected, earnedBy(expected, price)]);
      }
      await expectSoundBooks(protocol, dai);
    });
  });

  describe("rounding and order of arrival", () => {
    it("earns by many receipts what one would have earned", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const job = await openJob(protocol, { unitPrice: 7n });
      await time.increase(HOUR);
      const receipts = Array.from({ length: 20 }, (_, i) =>
        receiptOf(job, (BigInt(i + 1) * TU) / 20n, BigInt(job.startedAt) + MINUTE * BigInt(i + 1)),
      );
      const tree = await submitReceipts(protocol, receipts);
      await time.increase(protocol.params.vetoWindow);
      await startEpoch(protocol);

      for (const receipt of receipts) {
        const before = await escrow.liabilities(usd);
        await settle(protocol, usd, tree, [receipt]);
        const added = earnedBy(receipt.cumulativeTU, 7n) - earnedBy(receipt.cumulativeTU - TU / 20n, 7n);
        expect(before - (await escrow.liabilities(usd))).to.equal(added);
      }

      expect(await weightOf(protocol, usd, miner.address)).to.equal(7);
      expect(await escrow.liabilities(usd)).to.equal(0);
      await expectSoundBooks(protocol, usd);
    });

    it(`ends in the same balances whatever the order, grouping and repetition of one node's receipts (seed ${SEED})`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const unitPrice = 1_000_003n;
      const claims = fc.record({
        tu: fc.bigInt({ min: 0n, max: TU / 2n }),
        minute: fc.bigInt({ min: 0n, max: 200n }),
      });
      // a second apart, so that no two receipts are the same
      const secondsOf = (minute: bigint, i: number) => MINUTE * minute + BigInt(i);
      const calls = fc.array(fc.array(fc.nat(5), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 });

      await fc.assert(
        fc.asyncProperty(fc.array(claims, { minLength: 6, maxLength: 6 }), calls, async (drawn, grouping) => {
          await startEpoch(protocol);
          // twins: the one settles what comes, as it comes; the other all of it at once
          const twins = [
            await openJob(protocol, { hardware: ONE_A_DAY, unitPrice }),
            await openJob(protocol, { hardware: ONE_A_DAY, unitPrice }),
          ];
          await time.increase(4n * HOUR);
          const [first, second] = twins.map((job) =>
            drawn.map(({ tu, minute }, i) => receiptOf(job, tu, job.startedAt + secondsOf(minute, i))),
          );
          const tree = await submitReceipts(protocol, [...first, ...second]);
          await startEpoch(protocol);
          const before = await weightOf(protocol, usd, miner.address);

          const came = new Set<number>();
          for (const call of grouping) {
            call.forEach((i) => came.add(i));
            const distinct = [...new Set(call)];
            await settle(
              protocol,
              usd,
              tree,
              distinct.map((i) => first[i]),
            );
          }
          const earned = (await weightOf(protocol, usd, miner.address)) - before;
          await settle(
            protocol,
            usd,
            tree,
            [...came].map((i) => second[i]),
          );

          const settledTU = await escrow.settledTU(twins[0].orderId, twins[0].nodeId);
          const best = [...came].map((i) => min(drawn[i].tu, attainableTU(TU, secondsOf(drawn[i].minute, i))));
          expect(settledTU).to.equal(best.reduce(max));
          expect(await escrow.settledTU(twins[1].orderId, twins[1].nodeId)).to.equal(settledTU);
          expect(earned).to.equal(earnedBy(settledTU, unitPrice));
          expect(await weightOf(protocol, usd, miner.address)).to.equal(before + 2n * earned);
        }),
        { seed: SEED, numRuns: 12, endOnFailure: true },
      );
      await expectSoundBooks(protocol, usd);
    });
  });

  describe("joint orders", () => {
    /** A joint order of the first renter and a node of each miner. */
    async function openJoint(protocol: Protocol, tuAmount: bigint, unitPrice: bigint, hardware = {}) {
      const { contracts, actors } = protocol;
      const nodeIds: bigint[] = [];
      for (const miner of actors.miners) nodeIds.push(await registerNode(protocol, miner, hardware));
      const orderId = await openOrder(protocol, actors.renters[0], contracts.usd, {
        tuAmount,
        maxUnitPrice: unitPrice,
      });
      const startedAt = await startOf(protocol, orderId);
      return { orderId, nodeIds, startedAt };
    }

    it("pay each node for itself, rounded down, and refund the rest to the unit", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const { orderId, nodeIds, startedAt } = await openJoint(protocol, TU, 10n);
      await time.increase(HOUR);
      const measuredAt = startedAt + HOUR;
      const third = TU / 3n;

      const settling = await deliver(
        protocol,
        usd,
        nodeIds.map((nodeId) => ({ orderId, nodeId, cumulativeTU: third, measuredAt })),
      );

      for (const [i, nodeId] of nodeIds.entries()) {
        await expect(settling)
          .to.emit(escrow, "ReceiptSettled")
          .withArgs(orderId, nodeId, actors.miners[i].address, third, 3);
        expect(await escrow.settledTU(orderId, nodeId)).to.equal(third);
        expect(await weightOf(protocol, usd, actors.miners[i].address)).to.equal(3);
      }
      const { tuSettled, deposit, earned } = await escrow.order(orderId);
      // the three together would have earned 9.99…, the order's own floor is 9 as well
      expect([tuSettled, deposit, earned]).to.deep.equal([3n * third, 10n, 9n]);
      expect((await escrow.refundable(orderId)).amount).to.equal(1);
      await expectSoundBooks(protocol, usd);
    });

    it("earn by later receipts what one would have earned, whatever the price", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, dai } = contracts;
      const unitPrice = 10n ** 36n;
      await dai.mint(actors.renters[0], depositOf(TU, unitPrice));
      const nodeId = await registerNode(protocol, actors.miners[0]);
      const orderId = await openOrder(protocol, actors.renters[0], dai, { maxUnitPrice: unitPrice });
      const startedAt = await startOf(protocol, orderId);
      await time.increase(2n * HOUR);

      for (const hours of [1n, 2n]) {
        const cumulativeTU = (hours * TU) / 3n;
        await deliver(protocol, dai, [{ orderId, nodeId, cumulativeTU, measuredAt: startedAt + hours * HOUR }]);
        const { tuSettled, earned } = await escrow.order(orderId);
        expect([tuSettled, earned]).to.deep.equal([cumulativeTU, earnedBy(cumulativeTU, unitPrice)]);
      }
      await expectSoundBooks(protocol, dai);
    });

    it("lose less than a unit per node by rounding, and refund that", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const { orderId, nodeIds, startedAt } = await openJoint(protocol, TU, 2n);
      await time.increase(HOUR);
      const measuredAt = startedAt + HOUR;
      const [a, b, c] = nodeIds;

      // a third of 2 is 0.66…: nobody earns anything, though all was delivered
      await deliver(protocol, usd, [
        { orderId, nodeId: a, cumulativeTU: TU / 3n, measuredAt },
        { orderId, nodeId: b, cumulativeTU: TU / 3n, measuredAt },
        { orderId, nodeId: c, cumulativeTU: TU / 3n + 1n, measuredAt },
      ]);

      const { tuSettled, earned } = await escrow.order(orderId);
      expect([tuSettled, earned]).to.deep.equal([TU, 0n]);
      await expect(escrow.close(orderId)).to.changeTokenBalances(usd, [escrow, actors.renters[0]], [-2n, 2n]);
      await expectSoundBooks(protocol, usd);
    });

    it("give the last node what the others have left", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const { orderId, nodeIds, startedAt } = await openJoint(protocol, 10n * TU, UNIT_PRICE);
      await time.increase(HOUR);
      const measuredAt = startedAt + HOUR;
      const [a, b, c] = nodeIds;
      await deliver(protocol, usd, [{ orderId, nodeId: a, cumulativeTU: 4n * TU, measuredAt }]);
      await deliver(protocol, usd, [{ orderId, nodeId: b, cumulativeTU: 5n * TU, measuredAt }]);

      await expect(deliver(protocol, usd, [{ orderId, nodeId: c, cumulativeTU: 2n * TU, measuredAt }]))
        .to.emit(escrow, "ReceiptSettled")
        .withArgs(orderId, c, protocol.actors.miners[2].address, TU, UNIT_PRICE);
      await expect(deliver(protocol, usd, [{ orderId, nodeId: a, cumulativeTU: 5n * TU, measuredAt }]))
        .to.emit(escrow, "ReceiptSkipped")
        .withArgs(orderId, a, SkipReason.NothingNew);

      expect(await escrow.liabilities(usd)).to.equal(0);
      await expectSoundBooks(protocol, usd);
    });

    it("hold each node to its own speed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const { orderId, nodeIds, startedAt } = await openJoint(protocol, 10n * TU, UNIT_PRICE, ONE_A_DAY);
      await time.increase(HOUR);
      const measuredAt = startedAt + HOUR;

      await deliver(
        protocol,
        usd,
        nodeIds.map((nodeId) => ({ orderId, nodeId, cumulativeTU: TU, measuredAt })),
      );

      for (const nodeId of nodeIds) expect(await escrow.settledTU(orderId, nodeId)).to.equal(attainableTU(TU, HOUR));
    });

    it(`keep exact books whatever three nodes deliver (seed ${SEED})`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, usd } = contracts;
      const draw = fc.record({
        tuAmount: fc.bigInt({ min: 1n, max: 3n * TU }),
        unitPrice: fc.bigInt({ min: 1n, max: 1_000n }),
        claims: fc.array(fc.record({ node: fc.nat(2), tu: fc.bigInt({ min: 0n, max: 2n * TU }) }), {
          minLength: 1,
          maxLength: 8,
        }),
      });

      await fc.assert(
        fc.asyncProperty(draw, async ({ tuAmount, unitPrice, claims }) => {
          const { orderId, nodeIds, startedAt } = await openJoint(protocol, tuAmount, unitPrice);
          await time.increase(HOUR);
          const receipts = claims.map(({ node, tu }, i) => ({
            orderId,
            nodeId: nodeIds[node],
            cumulativeTU: tu,
            measuredAt: startedAt + HOUR - BigInt(i), // a second apart, so that no two are the same
          }));
          const tree = await submitReceipts(protocol, receipts);
          await passVetoWindow(protocol);

          const delivered = [0n, 0n, 0n];
          for (const [i, receipt] of receipts.entries()) {
            await settle(protocol, usd, tree, [receipt]);
            const { node } = claims[i];
            const others = delivered.reduce((a, b) => a + b) - delivered[node];
            const reached = receipt.cumulativeTU < tuAmount - others ? receipt.cumulativeTU : tuAmount - others;
            if (reached > delivered[node]) delivered[node] = reached;

            const { tuSettled, deposit, earned } = await escrow.order(orderId);
            expect(tuSettled).to.equal(delivered.reduce((a, b) => a + b));
            expect(earned).to.equal(delivered.map((tu) => earnedBy(tu, unitPrice)).reduce((a, b) => a + b));
            expect((await escrow.refundable(orderId)).amount).to.equal(deposit - earned);
          }

          const { deposit, earned, endsAt } = await escrow.order(orderId);
          await time.increaseTo(endsAt + protocol.params.grace);
          await expect(escrow.close(orderId)).to.changeTokenBalances(
            usd,
            [escrow, actors.renters[0]],
            [earned - deposit, deposit - earned],
          );
          expect(await escrow.liabilities(usd)).to.equal(0);
        }),
        { seed: SEED, numRuns: 12, endOnFailure: true },
      );
      await expectSoundBooks(protocol, usd);
    });
  });

  describe("a delisted asset", () => {
    it("settles on", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, timelock, usd } = contracts;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      await asGovernor(timelock, actors.admin, await escrow.delistAsset.populateTransaction(usd));

      await expect(deliver(protocol, usd, [receiptOf(job, TU)])).to.changeTokenBalance(usd, escrow, -UNIT_PRICE);
      await expectSoundBooks(protocol, usd);
    });
  });
});
