import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { HOUR, RootStatus, SkipReason, TU } from "@turingfog/sdk";
import { ReceiptTree } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { ZeroHash } from "ethers";
import { deployProtocolFixture } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { passVetoWindow, settle, startEpoch, submitReceipts } from "../helpers/market";
import { deliver, expectSoundBooks, listRefusingToken } from "../helpers/orders";
import { UNIT_PRICE, openJob, receiptOf } from "../helpers/settling";

describe("ComputeEscrow, settling", () => {
  describe("settle", () => {
    it("rejects no receipts, though the root itself proves them [T12]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const job = await openJob(protocol);
      await time.increase(HOUR);
      const { root } = await submitReceipts(protocol, [receiptOf(job, TU)]);
      await passVetoWindow(protocol);

      await expect(escrow.settle(usd, root, [], [root], [])).to.be.revertedWithCustomError(escrow, "Escrow_NoReceipts");
    });

    it("rejects a root that was never submitted, is pending or was vetoed [T12]", async () => {
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

    it("rejects a root until the second in which it is final [T14]", async () => {
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

    it("is open to anyone, for one receipt out of a tree [T5]", async () => {
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

    it("earns in the round that is open when it settles, not in the one of the work [T18]", async () => {
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
