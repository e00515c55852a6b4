import { readFileSync } from "node:fs";
import path from "node:path";

import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import {
  bucketId,
  claimShare,
  DAY,
  decodeBucketId,
  decodeNodeId,
  decodeOrderId,
  depositOf,
  earnedBy,
  epochOf,
  type OrderTerms,
  OutOfRangeError,
  Phase,
  rewardAt,
  RootStatus,
  settleAcknowledgement,
  settleReceipt,
  type SettlingNode,
  SkipReason,
  standingOf,
  TU,
} from "@turingfog/sdk";
import type { Receipt } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { ZeroAddress } from "ethers";
import fc from "fast-check";

import { deployProtocolFixture, type Protocol } from "../../../test/helpers/fixture";
import {
  listNode,
  openOrder,
  passVetoWindow,
  registerNode,
  settle,
  stopAndClose,
  submitReceipts,
} from "../../../test/helpers/market";

const SEED = Number(process.env.SEED ?? 1);
const CONTRACTS = path.join(__dirname, "../../../contracts");

/** The members of an enum, as its contract declares them. */
function declared(file: string, name: string): string[] {
  const [, body] = readFileSync(path.join(CONTRACTS, file), "utf8").match(new RegExp(`enum ${name} {([^}]*)}`)) ?? [];
  return body.split(",").map((member) => member.trim());
}

function membersOf(enumeration: Record<string, string | number>): string[] {
  return Object.keys(enumeration).filter((key) => typeof enumeration[key] === "number");
}

describe("protocol", () => {
  describe("enums", () => {
    it("have the contracts' members in the contracts' order", () => {
      expect(membersOf(Phase)).to.deep.equal(declared("libraries/SupplySchedule.sol", "Phase"));
      expect(membersOf(RootStatus)).to.deep.equal(declared("interfaces/ITUReceiptOracle.sol", "RootStatus"));
      expect(membersOf(SkipReason)).to.deep.equal(declared("interfaces/IComputeEscrow.sol", "SkipReason"));
    });
  });

  describe("epochOf", () => {
    it("changes with the first second of an epoch", () => {
      expect(epochOf(3n * DAY - 1n, DAY)).to.equal(2n);
      expect(epochOf(3n * DAY, DAY)).to.equal(3n);
    });
  });

  describe("bucketId and decodeBucketId", () => {
    it("name a bucket as the pool does, and read it back", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      for (const asset of [await contracts.usd.getAddress(), ZeroAddress, "0x" + "fF".repeat(20)]) {
        const id = bucketId(20_000n, asset.toLowerCase());
        expect(id).to.equal(await contracts.pool.bucketId(20_000n, asset.toLowerCase()));
        expect(decodeBucketId(id).round).to.equal(20_000n);
        expect(decodeBucketId(id).asset.toLowerCase()).to.equal(asset.toLowerCase());
      }
    });
  });

  describe("decodeOrderId and decodeNodeId", () => {
    it("read what the escrow and the registry have put into their ids", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const terms = { maxUnitPrice: 10n ** 6n };
      // assets in the order of listing: TFT, usd, dai; models in that of the genesis ratings
      const first = await openOrder(protocol, actors.renters[0], contracts.usd, terms);
      const second = await openOrder(protocol, actors.renters[0], contracts.usd, terms);
      const other = await openOrder(protocol, actors.renters[0], contracts.dai, terms);
      const place = (assetIndex: bigint, serial: bigint) => (assetIndex << 40n) | serial;
      expect(decodeOrderId(first)).to.deep.equal({ place: place(2n, 1n), assetIndex: 2n, generation: 1n });
      expect(decodeOrderId(second)).to.deep.equal({ place: place(2n, 2n), assetIndex: 2n, generation: 1n });
      expect(decodeOrderId(other)).to.deep.equal({ place: place(3n, 1n), assetIndex: 3n, generation: 1n });

      await stopAndClose(protocol, actors.renters[0], first);
      const reusing = await openOrder(protocol, actors.renters[0], contracts.dai, { ...terms, reuse: first });
      expect(decodeOrderId(reusing)).to.deep.equal({ place: place(2n, 1n), assetIndex: 3n, generation: 2n });

      await registerNode(protocol, actors.miners[0], { gpuModel: "GTX 1080 Ti" });
      const nodeId = await registerNode(protocol, actors.miners[0], { gpuModel: "V100" });
      expect(decodeNodeId(nodeId)).to.deep.equal({ modelIndex: 3n, serial: 2n });
    });
  });

  describe("depositOf and earnedBy", () => {
    it("round the deposit up and what is earned down", () => {
      expect(depositOf(TU, 7n)).to.equal(7n);
      expect(depositOf(TU + 1n, 7n)).to.equal(8n);
      expect(depositOf(1n, 1n)).to.equal(1n);
      expect(depositOf(0n, 7n)).to.equal(0n);
      expect(earnedBy(TU, 7n)).to.equal(7n);
      expect(earnedBy(TU - 1n, 7n)).to.equal(6n);
      expect(earnedBy(1n, 1n)).to.equal(0n);
    });
  });

  describe("settleReceipt", () => {
    const START = 1_000_000n;
    const ORDER: OrderTerms = {
      nodeId: 5n,
      unitPrice: 3n,
      tuAmount: 10n * TU,
      startedAt: START,
      endsAt: START + 10n * DAY,
    };
    const NODE: SettlingNode = { attestedFrom: START - DAY, attestedUntil: START + 20n * DAY, rate: TU };
    const RECEIPT: Receipt = { orderId: 1n, nodeId: 5n, cumulativeTU: TU, measuredAt: START + 5n * DAY };
    const LATER = START + 30n * DAY;

    const skipped: [what: string, reason: SkipReason, receipt: Partial<Receipt>, submittedAt: bigint][] = [
      ["of another node", SkipReason.WrongNode, { nodeId: 6n }, LATER],
      ["measured before the start", SkipReason.BeforeStart, { measuredAt: START - 1n }, LATER],
      ["measured after the submission", SkipReason.AfterSubmission, {}, START + 5n * DAY - 1n],
      ["measured after the end", SkipReason.AfterEnd, { measuredAt: ORDER.endsAt + 1n }, LATER],
      ["measured after the end and the submission", SkipReason.AfterSubmission, { measuredAt: LATER + 1n }, LATER],
      ["of nothing", SkipReason.NothingNew, { cumulativeTU: 0n }, LATER],
      ["measured in the second of the start", SkipReason.NothingNew, { measuredAt: START }, LATER],
    ];
    for (const [what, reason, receipt, submittedAt] of skipped) {
      it(`skips a receipt ${what} with ${SkipReason[reason]}`, () => {
        const settlement = settleReceipt({ ...RECEIPT, ...receipt }, ORDER, NODE, submittedAt, 0n, 0n);
        expect(settlement).to.deep.equal({ skipped: reason });
      });
    }

    it("skips a receipt of a node that was not attested at its time", () => {
      const at = (standing: Partial<SettlingNode>, measuredAt: bigint) =>
        settleReceipt({ ...RECEIPT, measuredAt }, ORDER, { ...NODE, ...standing }, LATER, 0n, 0n);
      const t = RECEIPT.measuredAt;
      expect(at({ attestedFrom: t + 1n }, t)).to.deep.equal({ skipped: SkipReason.NotAttested });
      expect(at({ attestedUntil: t - 1n }, t)).to.deep.equal({ skipped: SkipReason.NotAttested });
      expect(at({ attestedFrom: t, attestedUntil: t }, t)).to.deep.equal({ settled: TU, earned: 3n });
      const lapsed = { from: t - 2n, until: t - 1n };
      expect(at({ attestedFrom: t + 1n, lapsed }, t)).to.deep.equal({ skipped: SkipReason.NotAttested });
      expect(at({ attestedFrom: t + 1n, lapsed: { ...lapsed, until: t } }, t)).to.deep.equal({
        settled: TU,
        earned: 3n,
      });
    });

    it("skips a receipt on a joint order of a node that was not attested when the order started", () => {
      const joint = { ...ORDER, nodeId: 0n };
      const with_ = (standing: Partial<SettlingNode>) =>
        settleReceipt(RECEIPT, joint, { ...NODE, ...standing }, LATER, 0n, 0n);
      const skip = { skipped: SkipReason.NotAttested };
      const pay = { settled: TU, earned: 3n };
      expect(with_({ attestedFrom: START })).to.deep.equal(pay);
      expect(with_({ attestedFrom: START + 1n })).to.deep.equal(skip);
      expect(with_({ attestedFrom: START + 2n, lapsed: { from: 1n, until: START } })).to.deep.equal(pay);
      expect(with_({ attestedFrom: START + 2n, lapsed: { from: 1n, until: START - 1n } })).to.deep.equal(skip);
    });

    it("pays a receipt measured in the second of the end", () => {
      const receipt = { ...RECEIPT, measuredAt: ORDER.endsAt };
      expect(settleReceipt(receipt, ORDER, NODE, LATER, 0n, 0n)).to.deep.equal({ settled: TU, earned: 3n });
    });

    it("skips a receipt that raises nothing, and pays the rest of one that does", () => {
      const after = (settledBefore: bigint) => settleReceipt(RECEIPT, ORDER, NODE, LATER, settledBefore, 0n);
      expect(after(TU)).to.deep.equal({ skipped: SkipReason.NothingNew });
      expect(after(TU - 1n)).to.deep.equal({ settled: TU, earned: 1n });
    });

    it("pays a receipt measured in the second of the submission", () => {
      expect(settleReceipt(RECEIPT, ORDER, NODE, RECEIPT.measuredAt, 0n, 0n)).to.deep.equal({
        settled: TU,
        earned: 3n,
      });
    });

    it("caps at 1.1 times the rating, at the order's TU, and at what other nodes have left", () => {
      const much = { ...RECEIPT, cumulativeTU: 100n * TU };
      expect(settleReceipt(much, ORDER, NODE, LATER, 0n, 0n)).to.deep.equal({ settled: (55n * TU) / 10n, earned: 16n });
      const fast = { ...NODE, rate: 1_000n * TU };
      expect(settleReceipt(much, ORDER, fast, LATER, 0n, 0n)).to.deep.equal({ settled: 10n * TU, earned: 30n });
      const joint = { ...ORDER, nodeId: 0n };
      expect(settleReceipt(much, joint, fast, LATER, 0n, 8n * TU)).to.deep.equal({ settled: 2n * TU, earned: 6n });
      expect(settleReceipt(much, joint, fast, LATER, 0n, 10n * TU)).to.deep.equal({ skipped: SkipReason.NothingNew });
    });

    /** Settles random receipts of nodes on an order, one root each, and holds every settlement to `settleReceipt`. */
    async function compareWithEscrow(protocol: Protocol, orderId: bigint, nodeIds: readonly bigint[]): Promise<void> {
      const { contracts } = protocol;
      const order = await contracts.escrow.order(orderId);
      const arbitrary = fc.record({
        node: fc.nat({ max: nodeIds.length - 1 }),
        cumulativeTU: fc.bigInt({ min: 0n, max: (order.tuAmount * 3n) / 4n }),
        // of the time since the start, in thousandths
        measuredAt: fc.bigInt({ min: -20n, max: 1_000n }),
      });
      let settledByAll = 0n;
      const settledBy = new Map(nodeIds.map((nodeId) => [nodeId, 0n]));
      for (const [i, sample] of fc.sample(arbitrary, { numRuns: 12, seed: SEED }).entries()) {
        const now = BigInt(await time.latest());
        const nodeId = nodeIds[sample.node];
        const measuredAt = order.startedAt + ((now - order.startedAt) * sample.measuredAt) / 1_000n;
        // no receipt twice: its root would be known
        const receipt = { orderId, nodeId, cumulativeTU: sample.cumulativeTU + BigInt(i), measuredAt };
        const tree = await submitReceipts(protocol, [receipt]);
        const submittedAt = BigInt(await time.latest());
        await passVetoWindow(protocol);

        const node = await contracts.registry.standing(nodeId);
        const before = settledBy.get(nodeId)!;
        const expected = settleReceipt(receipt, order, node, submittedAt, before, settledByAll - before);
        const settled = await settle(protocol, contracts.usd, tree);
        if ("skipped" in expected) {
          await expect(settled).to.emit(contracts.escrow, "ReceiptSkipped").withArgs(orderId, nodeId, expected.skipped);
        } else {
          await expect(settled)
            .to.emit(contracts.escrow, "ReceiptSettled")
            .withArgs(
              orderId,
              nodeId,
              (await contracts.registry.node(nodeId)).payout,
              expected.settled,
              expected.earned,
            );
          settledByAll += expected.settled - before;
          settledBy.set(nodeId, expected.settled);
        }
      }
      expect((await contracts.escrow.order(orderId)).tuSettled)
        .to.equal(settledByAll)
        .and.to.be.above(0n);
    }

    it(`settles random receipts on a node's order as the escrow does (SEED=${SEED})`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const nodeId = await listNode(protocol, actors.miners[0], contracts.usd, 1_234_567n, { gpuCount: 1n });
      const terms = { nodeId, tuAmount: 7n * TU, maxUnitPrice: 1_234_567n, duration: 2n * DAY };
      const orderId = await openOrder(protocol, actors.renters[0], contracts.usd, terms);
      await time.increase(DAY);
      await compareWithEscrow(protocol, orderId, [nodeId]);
    });

    it(`settles random receipts of three nodes on a joint order as the escrow does (SEED=${SEED})`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const nodeIds = [];
      for (const miner of actors.miners) nodeIds.push(await registerNode(protocol, miner, { gpuCount: 2n }));
      const terms = { tuAmount: 7n * TU + 13n, maxUnitPrice: 1_234_567n, duration: 2n * DAY };
      const orderId = await openOrder(protocol, actors.renters[0], contracts.usd, terms);
      await time.increase(DAY);
      await compareWithEscrow(protocol, orderId, nodeIds);
    });
  });

  describe("settleAcknowledgement", () => {
    const order = { nodeId: 7n, unitPrice: 3n, tuAmount: TU };

    it("skips a joint order, what nobody acknowledged, and what is nothing new", () => {
      const joint = settleAcknowledgement(TU, { ...order, nodeId: 0n }, true, 0n);
      expect(joint).to.deep.equal({ skipped: SkipReason.JointOrder });
      expect(settleAcknowledgement(TU, order, false, 0n)).to.deep.equal({ skipped: SkipReason.NotAcknowledged });
      expect(settleAcknowledgement(TU / 2n, order, true, TU / 2n)).to.deep.equal({ skipped: SkipReason.NothingNew });
    });

    it("settles up to the order's TU, and earns what is new", () => {
      expect(settleAcknowledgement(2n * TU, order, true, TU / 2n)).to.deep.equal({ settled: TU, earned: 2n });
    });
  });

  describe("standingOf", () => {
    it("counts both ends of an attestation", () => {
      const at = (time: bigint) => standingOf(10n, 20n, time);
      expect([9n, 10n, 20n, 21n].map(at)).to.deep.equal(["pending", "attested", "attested", "unattested"]);
    });

    it("is unattested without an attestation", () => {
      expect(standingOf(0n, 0n, 1n)).to.equal("unattested");
    });
  });

  describe("claimShare", () => {
    it("rejects a weight above the total", () => {
      expect(() => claimShare(10n, 4n, 3n)).to.throw(OutOfRangeError, "weight is 4, must be from 0 to 3");
    });

    it("is nothing for no weight, in an empty bucket too", () => {
      expect(claimShare(10n, 0n, 3n)).to.equal(0n);
      expect(claimShare(0n, 0n, 0n)).to.equal(0n);
    });

    it("rounds down", () => {
      expect(claimShare(10n, 2n, 3n)).to.equal(6n);
      expect(claimShare(10n, 3n, 3n)).to.equal(10n);
    });
  });

  describe("rewardAt", () => {
    it("rounds down, for more TU than were settled too", () => {
      expect(rewardAt(10n, 2n, 3n)).to.equal(6n);
      expect(rewardAt(10n, 4n, 3n)).to.equal(13n);
    });
  });
});
