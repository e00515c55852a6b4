import { loadFixture, takeSnapshot, time } from "@nomicfoundation/hardhat-network-helpers";
import {
  DAY,
  depositOf,
  earnedBy,
  HOUR,
  max,
  min,
  MINUTE,
  settleAcknowledgement,
  SkipReason,
  TU,
} from "@turingfog/sdk";
import { readDomain } from "@turingfog/sdk/ethers";
import { type Acknowledgement, ACKNOWLEDGEMENT } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { concat, dataSlice, parseUnits, Signature, toBeHex, TypedDataEncoder } from "ethers";
import fc from "fast-check";
import { ethers } from "hardhat";

import type { OpenParamsStruct } from "../../typechain-types/contracts/ComputeEscrow";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { type Asset, listNode, openOrder, passVetoWindow, settle, startEpoch, submitReceipts } from "../helpers/market";
import { acknowledge, deliver, expectSoundBooks, listRefusingToken, startOf } from "../helpers/orders";

const SEED = Number(process.env.SEED ?? 1);

const UNIT_PRICE = parseUnits("1", 6);

/** The order of secp256k1's group: a signature's s may be replaced by this less s. */
const GROUP_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

interface Job {
  orderId: bigint;
  nodeId: bigint;
}

/** An order of 1 TU for a day on a fast node of the first miner, at 1 USD per TU, opened by the first renter. */
async function openJob(
  protocol: Protocol,
  {
    asset = protocol.contracts.usd,
    unitPrice = UNIT_PRICE,
    ...terms
  }: Pick<Partial<OpenParamsStruct>, "tuAmount" | "renter" | "refundTo"> & JobTerms = {},
): Promise<Job> {
  const { miners, renters } = protocol.actors;
  const nodeId = await listNode(protocol, miners[0], asset, unitPrice);
  return {
    nodeId,
    orderId: await openOrder(protocol, renters[0], asset, { nodeId, maxUnitPrice: unitPrice, ...terms }),
  };
}

interface JobTerms {
  asset?: Asset;
  unitPrice?: bigint;
}

/** Replaces an acknowledgement's signature. */
function resigned(acknowledgement: Acknowledgement, signature: string): Acknowledgement {
  return { ...acknowledgement, signature };
}

describe("ComputeEscrow, settling by acknowledgement", () => {
  describe("settleAcknowledged", () => {
    it("rejects no acknowledgements", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;

      await expect(escrow.settleAcknowledged(usd, [])).to.be.revertedWithCustomError(
        escrow,
        "Escrow_NoAcknowledgements",
      );
    });

    it("pays what the holder has signed, whoever sends it: event, weight, transfer and books", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, controller, pool, usd } = contracts;
      const [miner] = actors.miners;
      const { orderId, nodeId } = await openJob(protocol);
      const earned = UNIT_PRICE / 4n;
      const signed = await acknowledge(protocol, actors.renters[0], orderId, TU / 4n);

      const settling = escrow.connect(actors.stranger).settleAcknowledged(usd, [signed]);

      await expect(settling)
        .to.emit(escrow, "AcknowledgementSettled")
        .withArgs(orderId, nodeId, miner.address, TU / 4n, earned);
      await expect(settling).to.changeTokenBalances(usd, [escrow, controller], [-earned, earned]);
      await expect(settling).not.to.emit(escrow, "ReceiptSettled");
      const bucketId = await pool.bucketId(await pool.openRound(usd), usd);
      expect(await pool.bucket(bucketId)).to.deep.equal([earned, 0n, false]);
      expect(await pool.weightOf(bucketId, miner)).to.equal(earned);
      expect(await escrow.settledTU(orderId, nodeId)).to.equal(TU / 4n);
      const { tuSettled, earned: earnedInAll } = await escrow.order(orderId);
      expect([tuSettled, earnedInAll]).to.deep.equal([TU / 4n, earned]);
      await expectSoundBooks(protocol, usd);
    });

    it("pays by the hash that EIP-712 gives", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const { orderId } = await openJob(protocol);
      const domain = {
        name: "TuringFog ComputeEscrow",
        version: "1",
        chainId: 31_337n,
        verifyingContract: await escrow.getAddress(),
      };
      expect(await readDomain(escrow)).to.deep.equal(domain);
      expect(TypedDataEncoder.from(ACKNOWLEDGEMENT.types).encodeType("Acknowledgement")).to.equal(
        "Acknowledgement(uint256 orderId,uint96 cumulativeTU)",
      );
      const message = { orderId, cumulativeTU: TU };
      const signature = await protocol.actors.renters[0].signTypedData(domain, ACKNOWLEDGEMENT.types, message);

      await expect(escrow.settleAcknowledged(usd, [{ ...message, signature }])).to.emit(
        escrow,
        "AcknowledgementSettled",
      );
    });

    it("pays what the holder sends without a signature, and not what comes with one that is none", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const { orderId, nodeId } = await openJob(protocol);
      const held = escrow.connect(protocol.actors.renters[0]);
      const [{ address }] = protocol.actors.miners;

      await expect(held.settleAcknowledged(usd, [{ orderId, cumulativeTU: TU / 4n, signature: "0x" }]))
        .to.emit(escrow, "AcknowledgementSettled")
        .withArgs(orderId, nodeId, address, TU / 4n, UNIT_PRICE / 4n);
      // a keeper that holds the order itself must not give its word with what others hand in
      await expect(held.settleAcknowledged(usd, [{ orderId, cumulativeTU: TU, signature: "0x01" }]))
        .to.emit(escrow, "AcknowledgementSkipped")
        .withArgs(orderId, SkipReason.NotAcknowledged);
    });

    it("pays the payout that the node has now", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, registry, usd } = contracts;
      const { orderId, nodeId } = await openJob(protocol);
      await registry.connect(actors.miners[0]).setPayout(nodeId, actors.miners[2]);

      await expect(escrow.settleAcknowledged(usd, [await acknowledge(protocol, actors.renters[0], orderId, TU)]))
        .to.emit(escrow, "AcknowledgementSettled")
        .withArgs(orderId, nodeId, actors.miners[2].address, TU, UNIT_PRICE);
    });

    it("pays beyond the rated speed, and a node that is not attested any more", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, registry, usd } = protocol.contracts;
      const { miners, renters } = protocol.actors;
      const slow = await listNode(protocol, miners[0], usd, UNIT_PRICE, { gpuModel: "GTX 1080 Ti", gpuCount: 1n });
      const terms = { nodeId: slow, maxUnitPrice: UNIT_PRICE, tuAmount: 1_000n * TU, duration: 200n * DAY };
      const orderId = await openOrder(protocol, renters[0], usd, terms);

      await expect(escrow.settleAcknowledged(usd, [await acknowledge(protocol, renters[0], orderId, 500n * TU)]))
        .to.emit(escrow, "AcknowledgementSettled")
        .withArgs(orderId, slow, miners[0].address, 500n * TU, 500n * UNIT_PRICE);
      await time.increaseTo((await registry.standing(slow)).attestedUntil + 1n);
      await expect(escrow.settleAcknowledged(usd, [await acknowledge(protocol, renters[0], orderId, 600n * TU)]))
        .to.emit(escrow, "AcknowledgementSettled")
        .withArgs(orderId, slow, miners[0].address, 600n * TU, 100n * UNIT_PRICE);
    });

    it("pays after the order's end, and while frozen, until it is closed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, oracle, usd } = contracts;
      const [renter] = actors.renters;
      const { orderId } = await openJob(protocol);
      await escrow.connect(renter).stop(orderId);
      await time.increase(DAY);

      await expect(escrow.settleAcknowledged(usd, [await acknowledge(protocol, renter, orderId, TU / 4n)])).to.emit(
        escrow,
        "AcknowledgementSettled",
      );
      await oracle.connect(actors.guardian).freeze();
      await expect(escrow.settleAcknowledged(usd, [await acknowledge(protocol, renter, orderId, TU / 2n)])).to.emit(
        escrow,
        "AcknowledgementSettled",
      );
      const closing = escrow.close(orderId);
      await expect(closing).to.be.revertedWithCustomError(escrow, "Escrow_TooEarly");
      await time.increaseTo((await escrow.refundable(orderId)).from);
      await expect(escrow.close(orderId)).to.changeTokenBalance(usd, renter, UNIT_PRICE / 2n);
      await expectSoundBooks(protocol, usd);
    });

    it("lets an order be closed at once that is acknowledged whole", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const { orderId } = await openJob(protocol);

      await escrow.settleAcknowledged(usd, [await acknowledge(protocol, protocol.actors.renters[0], orderId, TU)]);

      expect(await escrow.refundable(orderId)).to.deep.equal([0n, 0n]);
      await expect(escrow.close(orderId)).to.emit(escrow, "OrderClosed");
    });

    it("moves what many acknowledgements earn once, and what is earned in a delisted asset too", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, controller, pool, usd } = contracts;
      const [renter] = actors.renters;
      const jobs = [await openJob(protocol), await openJob(protocol), await openJob(protocol)];
      await asGovernor(contracts.timelock, actors.admin, await escrow.delistAsset.populateTransaction(usd));
      await startEpoch(protocol);

      const acknowledgements = await Promise.all(jobs.map(({ orderId }) => acknowledge(protocol, renter, orderId, TU)));
      const settling = await escrow.settleAcknowledged(usd, acknowledgements);

      const block = settling.blockNumber ?? undefined;
      const transfers = await usd.queryFilter(usd.filters.Transfer(), block, block);
      expect(transfers.map(({ args }) => [...args])).to.deep.equal([
        [await escrow.getAddress(), await controller.getAddress(), 3n * UNIT_PRICE],
      ]);
      const added = await pool.queryFilter(pool.filters.WeightAdded(), block, block);
      expect(added.map(({ args }) => args.weight)).to.deep.equal([3n * UNIT_PRICE]);
      await expectSoundBooks(protocol, usd);
    });

    it("moves nothing when nothing is earned, in an asset that was never listed too", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, pool, usd } = contracts;
      const { orderId } = await openJob(protocol);
      const nothing = await acknowledge(protocol, actors.renters[0], orderId, 0n);
      const small = { ...nothing, orderId: 5n };

      await expect(escrow.settleAcknowledged(usd, [nothing])).not.to.emit(pool, "WeightAdded");
      await expect(escrow.settleAcknowledged(actors.stranger, [small, nothing]))
        .to.emit(escrow, "AcknowledgementSkipped")
        .withArgs(5n, SkipReason.UnknownOrder)
        .and.to.emit(escrow, "AcknowledgementSkipped")
        .withArgs(orderId, SkipReason.OtherAsset);
    });

    it("refuses to be reentered by the asset", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow } = protocol.contracts;
      const [renter] = protocol.actors.renters;
      const token = await listRefusingToken(protocol);
      const { orderId } = await openJob(protocol, { asset: token });
      const [half, whole] = [
        await acknowledge(protocol, renter, orderId, TU / 2n),
        await acknowledge(protocol, renter, orderId, TU),
      ];
      const again = escrow.interface.encodeFunctionData("settleAcknowledged", [await token.getAddress(), [whole]]);
      await token.callOnTransfer(escrow, again);

      await expect(escrow.settleAcknowledged(token, [half])).to.be.revertedWithCustomError(
        escrow,
        "ReentrancyGuardReentrantCall",
      );
    });
  });

  describe("the one who would be refunded", () => {
    it("is whom the refund is promised to, and not the holder or the payer", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const { renters, miners } = protocol.actors;
      const [payer, renter, refundee] = renters;
      const { orderId, nodeId } = await openJob(protocol, { renter, refundTo: refundee.address });

      for (const other of [payer, renter]) {
        const signed = await acknowledge(protocol, other, orderId, TU);
        await expect(escrow.connect(other).settleAcknowledged(usd, [signed]))
          .to.emit(escrow, "AcknowledgementSkipped")
          .withArgs(orderId, SkipReason.NotAcknowledged);
      }
      await expect(escrow.settleAcknowledged(usd, [await acknowledge(protocol, refundee, orderId, TU)]))
        .to.emit(escrow, "AcknowledgementSettled")
        .withArgs(orderId, nodeId, miners[0].address, TU, UNIT_PRICE);
    });

    it("is the holder, and nobody whom the holder has approved", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const { renters, stranger } = protocol.actors;
      const { orderId } = await openJob(protocol);
      await escrow.connect(renters[0]).approve(renters[1], orderId);
      await escrow.connect(renters[0]).setApprovalForAll(stranger, true);

      for (const approved of [renters[1], stranger]) {
        const signed = await acknowledge(protocol, approved, orderId, TU);
        await expect(escrow.connect(approved).settleAcknowledged(usd, [signed]))
          .to.emit(escrow, "AcknowledgementSkipped")
          .withArgs(orderId, SkipReason.NotAcknowledged);
      }
    });

    it("is a contract that calls, and whose signature is never asked for [T4] [shipped]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const { renters, miners } = protocol.actors;
      const wallet = await ethers.deployContract("SignerWallet", [renters[0].address]);
      const caller = await ethers.deployContract("RefusingRenter");
      const signing = await openJob(protocol, { renter: wallet });
      const calling = await openJob(protocol, { renter: caller });

      // it would say that this is its own, and the other would burn all the gas there is
      const batch = await Promise.all(
        [signing, calling].map(({ orderId }) => acknowledge(protocol, renters[0], orderId, TU)),
      );
      for (const { orderId } of batch) {
        await expect(escrow.settleAcknowledged(usd, batch, { gasLimit: 200_000 }))
          .to.emit(escrow, "AcknowledgementSkipped")
          .withArgs(orderId, SkipReason.NotAcknowledged);
      }
      const own = [{ orderId: calling.orderId, cumulativeTU: TU, signature: "0x" }];
      const call = escrow.interface.encodeFunctionData("settleAcknowledged", [await usd.getAddress(), own]);
      await expect(caller.act(escrow, call))
        .to.emit(escrow, "AcknowledgementSettled")
        .withArgs(calling.orderId, calling.nodeId, miners[0].address, TU, UNIT_PRICE);
    });

    it("is an account with an EIP-7702 delegation by its key, and by calling", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const [renter] = protocol.actors.renters;
      const { orderId } = await openJob(protocol);
      const target = await ethers.deployContract("RefusingRenter");
      await ethers.provider.send("hardhat_setCode", [renter.address, concat(["0xef0100", await target.getAddress()])]);

      await expect(escrow.settleAcknowledged(usd, [await acknowledge(protocol, renter, orderId, TU / 2n)])).to.emit(
        escrow,
        "AcknowledgementSettled",
      );
      const own = { orderId, cumulativeTU: TU, signature: "0x" };
      await ethers.provider.send("hardhat_impersonateAccount", [renter.address]);
      await expect(escrow.connect(await ethers.getSigner(renter.address)).settleAcknowledged(usd, [own])).to.emit(
        escrow,
        "AcknowledgementSettled",
      );
    });

    it("is the buyer after a sale, and the seller again once the order has come back", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const [seller, buyer] = protocol.actors.renters;
      const { orderId } = await openJob(protocol);
      const signed = await acknowledge(protocol, seller, orderId, TU / 2n);
      await escrow.connect(seller).transferFrom(seller, buyer, orderId);

      await expect(escrow.connect(seller).settleAcknowledged(usd, [signed]))
        .to.emit(escrow, "AcknowledgementSkipped")
        .withArgs(orderId, SkipReason.NotAcknowledged);
      await expect(escrow.settleAcknowledged(usd, [await acknowledge(protocol, buyer, orderId, TU / 4n)])).to.emit(
        escrow,
        "AcknowledgementSettled",
      );
      await escrow.connect(buyer).transferFrom(buyer, seller, orderId);
      await expect(escrow.settleAcknowledged(usd, [signed])).to.emit(escrow, "AcknowledgementSettled");
    });
  });

  describe("acknowledgements passed over", () => {
    /** Settles a sound acknowledgement behind another, and expects the one to be paid and the other passed over. */
    async function expectSkipped(protocol: Protocol, bad: Acknowledgement, reason: SkipReason) {
      const { escrow, usd } = protocol.contracts;
      const { renters, miners } = protocol.actors;
      const sound = await openJob(protocol);
      const good = await acknowledge(protocol, renters[0], sound.orderId, TU);

      const settling = escrow.settleAcknowledged(usd, [bad, good]);

      await expect(settling).to.emit(escrow, "AcknowledgementSkipped").withArgs(bad.orderId, reason);
      await expect(settling)
        .to.emit(escrow, "AcknowledgementSettled")
        .withArgs(sound.orderId, sound.nodeId, miners[0].address, TU, UNIT_PRICE);
      await expectSoundBooks(protocol, usd);
    }

    it("are those of orders in another asset", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { orderId } = await openJob(protocol, { asset: protocol.contracts.dai });

      await expectSkipped(
        protocol,
        await acknowledge(protocol, protocol.actors.renters[0], orderId, TU),
        SkipReason.OtherAsset,
      );
    });

    it("are those of an order that was never opened", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { orderId } = await openJob(protocol);
      const unknown = await acknowledge(protocol, protocol.actors.renters[0], orderId + 100n, TU);

      await expectSkipped(protocol, unknown, SkipReason.UnknownOrder);
    });

    it("are those of an order that is closed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow } = protocol.contracts;
      const { orderId } = await openJob(protocol);
      await time.increaseTo((await escrow.refundable(orderId)).from);
      await escrow.close(orderId);

      await expectSkipped(
        protocol,
        await acknowledge(protocol, protocol.actors.renters[0], orderId, TU),
        SkipReason.UnknownOrder,
      );
    });

    it("are those of a joint order, by its holder too", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const [renter] = protocol.actors.renters;
      const orderId = await openOrder(protocol, renter, usd, { maxUnitPrice: UNIT_PRICE });
      const signed = await acknowledge(protocol, renter, orderId, TU);

      await expectSkipped(protocol, signed, SkipReason.JointOrder);
      await expect(escrow.connect(renter).settleAcknowledged(usd, [signed]))
        .to.emit(escrow, "AcknowledgementSkipped")
        .withArgs(orderId, SkipReason.JointOrder);
    });

    it("are those that raise nothing above what is settled, exactly as much included [T9]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const [renter] = protocol.actors.renters;
      const { orderId } = await openJob(protocol);
      const settled = await acknowledge(protocol, renter, orderId, TU / 2n);
      await escrow.settleAcknowledged(usd, [settled]);

      await expectSkipped(protocol, settled, SkipReason.NothingNew);
      await expectSkipped(protocol, await acknowledge(protocol, renter, orderId, TU / 4n), SkipReason.NothingNew);
      expect((await escrow.order(orderId)).tuSettled).to.equal(TU / 2n);
    });

    it("are those of another order, TU, chain, contract or domain than was signed [T11]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, oracle } = protocol.contracts;
      const [renter] = protocol.actors.renters;
      const [{ orderId }, other] = [await openJob(protocol), await openJob(protocol)];
      const domain = await readDomain(escrow);
      const message = { orderId, cumulativeTU: TU };
      const signed = await ACKNOWLEDGEMENT.sign(renter, domain, message);

      await expectSkipped(protocol, { ...signed, orderId: other.orderId }, SkipReason.NotAcknowledged);
      await expectSkipped(protocol, { ...signed, cumulativeTU: TU - 1n }, SkipReason.NotAcknowledged);
      const address = await oracle.getAddress();
      const domains = [
        { ...domain, chainId: 1n },
        { ...domain, verifyingContract: address },
        { ...domain, name: "TuringFog TUReceiptOracle" },
        { ...domain, version: "2" },
      ];
      for (const otherDomain of domains) {
        const foreign = await ACKNOWLEDGEMENT.sign(renter, otherDomain, message);
        await expectSkipped(protocol, foreign, SkipReason.NotAcknowledged);
      }
    });

    it("are those with a signature that is none: empty, short, long, compact, high s, odd v, by another", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { renters, stranger } = protocol.actors;
      const { orderId } = await openJob(protocol);
      const signed = await acknowledge(protocol, renters[0], orderId, TU);
      const { r, s, v, compactSerialized } = Signature.from(signed.signature);
      const highS = concat([r, toBeHex(GROUP_ORDER - BigInt(s), 32), toBeHex(v === 27 ? 28 : 27)]);
      const signatures = {
        empty: "0x",
        "one byte": "0x01",
        short: dataSlice(signed.signature, 0, 64),
        long: concat([signed.signature, "0x00"]),
        compact: compactSerialized,
        "high s": highS,
        "v of 0": concat([r, s, "0x00"]),
        "v of 29": concat([r, s, "0x1d"]),
        zeros: toBeHex(0, 65),
        "another's": (await acknowledge(protocol, stranger, orderId, TU)).signature,
      };

      for (const [, signature] of Object.entries(signatures)) {
        await expectSkipped(protocol, resigned(signed, signature), SkipReason.NotAcknowledged);
      }
      await expect(protocol.contracts.escrow.settleAcknowledged(protocol.contracts.usd, [signed])).to.emit(
        protocol.contracts.escrow,
        "AcknowledgementSettled",
      );
    });
  });

  describe("caps, and receipts beside it", () => {
    it("cuts off what is above the order's TU [T35]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const { renters, miners } = protocol.actors;
      const { orderId, nodeId } = await openJob(protocol);
      const most = await acknowledge(protocol, renters[0], orderId, 2n ** 96n - 1n);

      await expect(escrow.settleAcknowledged(usd, [most]))
        .to.emit(escrow, "AcknowledgementSettled")
        .withArgs(orderId, nodeId, miners[0].address, TU, UNIT_PRICE);
      await expectSoundBooks(protocol, usd);
    });

    it("settles an order that comes several times in one call to the highest, each part once [T9]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, controller, usd } = protocol.contracts;
      const [renter] = protocol.actors.renters;
      const { orderId } = await openJob(protocol);
      const batch = await Promise.all(
        [TU / 4n, TU / 2n, TU / 2n, TU / 3n].map((tu) => acknowledge(protocol, renter, orderId, tu)),
      );

      const settling = escrow.settleAcknowledged(usd, batch);

      await expect(settling).to.changeTokenBalances(usd, [escrow, controller], [-UNIT_PRICE / 2n, UNIT_PRICE / 2n]);
      const skipped = await escrow.queryFilter(escrow.filters.AcknowledgementSkipped());
      expect(skipped.map(({ args }) => args.reason)).to.deep.equal([SkipReason.NothingNew, SkipReason.NothingNew]);
    });

    it("counts the higher of receipts and acknowledgements", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const { renters, miners } = protocol.actors;
      const { orderId, nodeId } = await openJob(protocol);
      const measuredAt = (await startOf(protocol, orderId)) + HOUR;
      await escrow.settleAcknowledged(usd, [await acknowledge(protocol, renters[0], orderId, TU / 2n)]);
      await time.increase(HOUR);

      const receipt = (cumulativeTU: bigint) => ({ orderId, nodeId, cumulativeTU, measuredAt });
      await expect(deliver(protocol, usd, [receipt(TU / 4n)]))
        .to.emit(escrow, "ReceiptSkipped")
        .withArgs(orderId, nodeId, SkipReason.NothingNew);
      await expect(deliver(protocol, usd, [receipt((TU * 3n) / 4n)]))
        .to.emit(escrow, "ReceiptSettled")
        .withArgs(orderId, nodeId, miners[0].address, (TU * 3n) / 4n, UNIT_PRICE / 4n);
      await expect(escrow.settleAcknowledged(usd, [await acknowledge(protocol, renters[0], orderId, TU)]))
        .to.emit(escrow, "AcknowledgementSettled")
        .withArgs(orderId, nodeId, miners[0].address, TU, UNIT_PRICE / 4n);
      await expectSoundBooks(protocol, usd);
    });

    it("ends in the same balances, in whatever order receipts and acknowledgements come [4(7)]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { escrow, pool, usd } = contracts;
      const [renter] = actors.renters;
      const unitPrice = 3n;
      const { orderId, nodeId } = await openJob(protocol, { unitPrice, tuAmount: TU });
      const measuredAt = (await startOf(protocol, orderId)) + HOUR;
      await time.increase(HOUR);
      const receipts = [TU / 3n, (TU * 2n) / 3n].map((cumulativeTU) => ({ orderId, nodeId, cumulativeTU, measuredAt }));
      const tree = await submitReceipts(protocol, receipts);
      await passVetoWindow(protocol);
      await startEpoch(protocol);
      const signed = await Promise.all(
        [TU / 2n, (TU * 5n) / 6n].map((tu) => acknowledge(protocol, renter, orderId, tu)),
      );
      const ways = [
        ...receipts.map((receipt) => () => settle(protocol, usd, tree, [receipt])),
        ...signed.map((each) => () => escrow.settleAcknowledged(usd, [each])),
      ];
      const at = (await time.latest()) + Number(MINUTE);

      const books = new Set<string>();
      for (const order of permutations([0, 1, 2, 3])) {
        const before = await takeSnapshot();
        await time.setNextBlockTimestamp(at);
        for (const i of [...order, order[0]]) await ways[i]();
        const bucketId = await pool.bucketId(await pool.openRound(usd), usd);
        const weight = await pool.weightOf(bucketId, actors.miners[0]);
        books.add([await escrow.liabilities(usd), weight, await escrow.settledTU(orderId, nodeId)].join());
        await before.restore();
      }

      const settled = (TU * 5n) / 6n;
      const earned = earnedBy(settled, unitPrice);
      expect([...books]).to.deep.equal([[depositOf(TU, unitPrice) - earned, earned, settled].join()]);
    });

    it("agrees with the SDK for random orders and acknowledgements", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const [renter] = protocol.actors.renters;
      const amount = fc.bigInt(1n, 4n * TU);
      const price = fc.bigInt(1n, 5n * UNIT_PRICE);

      await fc.assert(
        fc.asyncProperty(
          amount,
          price,
          fc.array(fc.bigInt(0n, 6n * TU), { maxLength: 4 }),
          async (tuAmount, unitPrice, tus) => {
            const job = await openJob(protocol, { tuAmount, unitPrice });
            let before = 0n;
            for (const tu of tus) {
              const expected = settleAcknowledgement(tu, { ...job, unitPrice, tuAmount }, true, before);
              const settling = escrow.settleAcknowledged(usd, [await acknowledge(protocol, renter, job.orderId, tu)]);
              if ("skipped" in expected) {
                await expect(settling)
                  .to.emit(escrow, "AcknowledgementSkipped")
                  .withArgs(job.orderId, expected.skipped);
                continue;
              }
              const { settled, earned } = expected;
              await expect(settling)
                .to.emit(escrow, "AcknowledgementSettled")
                .withArgs(job.orderId, job.nodeId, protocol.actors.miners[0].address, settled, earned);
              before = max(before, min(tu, tuAmount));
              expect(settled).to.equal(before);
            }
          },
        ),
        { numRuns: 15, seed: SEED },
      );
      await expectSoundBooks(protocol, usd);
    });
  });
});

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) => permutations(items.filter((each) => each !== item)).map((rest) => [item, ...rest]));
}
