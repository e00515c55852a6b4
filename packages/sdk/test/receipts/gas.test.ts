import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, TU } from "@turingfog/sdk";
import type { Receipt } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { getAddress, id, parseUnits } from "ethers";

import { deployProtocolFixture } from "../../../../test/helpers/fixture";
import { attestNode, openOrder, passVetoWindow, submitReceipts } from "../../../../test/helpers/market";

const JOBS = 40;

/** Receipts around those that are settled, so that each of these needs nodes of the proof for itself. */
const OTHERS = 5_000;

const LIMITS = { maxBytes: 94_800, maxGas: 1_500_000n };

describe("A slice of receipts of joint orders", () => {
  it("takes no more gas than its limit, each receipt being the first of its node and its miner", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors } = protocol;
    const { escrow, registry, usd } = contracts;
    const [renter] = actors.renters;
    const owned = registry.connect(actors.miners[0]);

    const jobs: { orderId: bigint; nodeId: bigint }[] = [];
    for (let i = 0; i < JOBS; ++i) {
      const args = [id("V100"), 1_024n, getAddress(id(`payout ${i}`).slice(0, 42)), "ipfs://node"] as const;
      const nodeId = await owned.registerNode.staticCall(...args);
      await owned.registerNode(...args);
      await attestNode(protocol, nodeId);
      const terms = { maxUnitPrice: parseUnits("1", 6), duration: 30n * DAY };
      jobs.push({ nodeId, orderId: await openOrder(protocol, renter, usd, terms) });
    }

    await time.increase(HOUR);
    const measuredAt = BigInt(await time.latest());
    const receipts = jobs.map((job): Receipt => ({ ...job, cumulativeTU: TU / 10n, measuredAt }));
    const others = Array.from({ length: OTHERS }, (_, i): Receipt => ({
      orderId: (1n << 39n) + BigInt(i),
      nodeId: 1n,
      cumulativeTU: TU,
      measuredAt,
    }));
    const tree = await submitReceipts(protocol, [...receipts, ...others]);
    expect(tree.size).to.equal(JOBS + OTHERS);
    await passVetoWindow(protocol);

    const slices = [...tree.slices({ ...LIMITS, only: receipts })];
    expect(slices.length).to.be.greaterThan(1);
    for (const { receiptsRoot, receipts: some, proof, proofFlags } of slices) {
      const settled = await escrow.settle(usd, receiptsRoot, some, proof, proofFlags);
      expect((await settled.wait())?.gasUsed, `${some.length} receipts, ${proof.length} nodes`).to.be.below(
        LIMITS.maxGas,
      );
    }
    expect(await escrow.queryFilter(escrow.filters.ReceiptSettled())).to.have.length(JOBS);
  });
});
