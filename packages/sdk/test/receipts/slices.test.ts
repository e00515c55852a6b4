import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { NotIntegerError, OutOfRangeError } from "@turingfog/sdk";
import {
  type Multiproof,
  type Receipt,
  RECEIPT_LEAF_ENCODING,
  ReceiptTree,
  type SliceLimits,
} from "@turingfog/sdk/wire";
import { expect } from "chai";
import { dataLength, Interface, ZeroAddress } from "ethers";

import { leafOf, Random, receiptsOf, SEED, TU } from "./helpers";

const ESCROW = new Interface([
  "function settle(address asset, bytes32 receiptsRoot, tuple(uint256 orderId, uint256 nodeId, uint96 cumulativeTU, uint40 measuredAt)[] receipts, bytes32[] proof, bool[] proofFlags)",
]);

/** The limits of geth and of the protocol; see EIP-7825. */
const AMPLE: SliceLimits = { maxBytes: 131_072, maxGas: 16_777_216n };

const SETTLEMENT_GAS = 100_000n;
const GAS_PER_RECEIPT = 78_000n;
const GAS_PER_NODE = 1_000n;

function calldataLength({ receiptsRoot, receipts, proof, proofFlags }: Multiproof): number {
  return dataLength(ESCROW.encodeFunctionData("settle", [ZeroAddress, receiptsRoot, receipts, proof, proofFlags]));
}

function gasOf({ receipts, proof }: Multiproof, gasPerReceipt: bigint): bigint {
  return SETTLEMENT_GAS + BigInt(receipts.length) * gasPerReceipt + BigInt(proof.length) * GAS_PER_NODE;
}

describe("ReceiptTree.slices", () => {
  it("rejects limits that not even one receipt keeps to", async () => {
    const tree = await ReceiptTree.of(receiptsOf(9));
    const least = 4 + 8 * 32 + 4 * 32 + 4 * 2 * 32; // a proof of four nodes
    expect(() => tree.slices({ ...AMPLE, maxBytes: least - 1 })).to.throw(
      OutOfRangeError,
      `maxBytes is ${least - 1}, must be from ${least} to`,
    );
    expect(() => tree.slices({ ...AMPLE, maxGas: 181_999n })).to.throw(OutOfRangeError, "maxGas is 181999");
    expect(() => tree.slices({ ...AMPLE, gasPerReceipt: 0n })).to.throw(OutOfRangeError, "gasPerReceipt is 0");
    expect([...tree.slices({ ...AMPLE, maxBytes: least })].length).to.be.greaterThan(4);
    expect([...tree.slices({ ...AMPLE, maxGas: 182_000n })]).to.have.length(9);
    for (const maxBytes of [NaN, 1_000.5, Infinity]) {
      expect(() => tree.slices({ ...AMPLE, maxBytes })).to.throw(NotIntegerError, `maxBytes is ${maxBytes}`);
    }
  });

  it("is one proof of all receipts when they fit", async () => {
    for (const size of [1, 2, 7, 64]) {
      const tree = await ReceiptTree.of(receiptsOf(size));
      expect([...tree.slices(AMPLE)]).to.deep.equal([tree.multiproof()]);
    }
  });

  it("has the same slices each time that they are asked for, whatever becomes of the limits", async () => {
    const tree = await ReceiptTree.of(receiptsOf(9));
    const limits = { ...AMPLE, maxGas: 300_000n };
    const slices = tree.slices(limits);
    const first = [...slices];
    limits.maxGas = 1n;
    expect(first.length).to.be.greaterThan(1);
    expect([...slices]).to.deep.equal(first);
  });

  it("has no slices when no receipt is selected", async () => {
    const tree = await ReceiptTree.of(receiptsOf(3));
    expect([...tree.slices({ ...AMPLE, only: () => false })]).to.deep.equal([]);
  });

  it("settles at most 213 receipts at 78,000 gas each, and fewer at more", async () => {
    const tree = await ReceiptTree.of(receiptsOf(700));
    const sizes = (limits: SliceLimits): number[] => Array.from(tree.slices(limits), ({ receipts }) => receipts.length);
    expect(sizes(AMPLE)).to.deep.equal([213, 213, 213, 61]);
    expect(sizes({ ...AMPLE, gasPerReceipt: 150_000n })).to.deep.equal([111, 111, 111, 111, 111, 111, 34]);
  });

  it("knows the calldata of every selection from trees of 2 to 8 receipts to the byte", async () => {
    for (let size = 2; size <= 8; ++size) {
      const tree = await ReceiptTree.of(receiptsOf(size));
      for (let mask = 3; mask < 2 ** size; ++mask) {
        const only = ({ cumulativeTU }: Receipt): boolean => ((mask >> (Number(cumulativeTU / TU) - 1)) & 1) === 1;
        const some = tree.receipts.filter(only);
        if (some.length === 1) continue;
        const whole = tree.multiproof(some);
        const maxBytes = calldataLength(whole);
        expect([...tree.slices({ ...AMPLE, maxBytes, only })], `${size}, ${mask}`).to.deep.equal([whole]);
        expect([...tree.slices({ ...AMPLE, maxBytes: maxBytes - 1, only })], `${size}, ${mask}`).to.have.length(2);
      }
    }
  });

  it(`covers random selections once, in the tree's order, as few slices as the limits allow (SEED=${SEED})`, async () => {
    const random = new Random(SEED);
    for (let run = 0; run < 60; ++run) {
      const receipts = random.receipts(1 + random.below(run % 10 === 0 ? 600 : 60));
      const tree = await ReceiptTree.of(receipts);
      const some = random.some(receipts);
      const selected = new Set(some.map((receipt) => leafOf(receipt).join()));
      const isSelected = (receipt: Receipt) => selected.has(leafOf(receipt).join());
      const gasPerReceipt = random.pick([undefined, 1n, 120_000n]);
      const limits: SliceLimits = {
        maxBytes: 1_100 + random.below(random.pick([200, 2_000, 20_000])),
        maxGas: 250_000n + BigInt(random.below(random.pick([100_000, 16_000_000]))),
        ...(gasPerReceipt !== undefined && { gasPerReceipt }),
        only: run % 2 === 0 ? isSelected : some,
      };

      const slices = [...tree.slices(limits)];

      expect(slices.flatMap((slice) => slice.receipts)).to.deep.equal(
        tree.multiproof(tree.receipts.filter(isSelected)).receipts,
      );
      const fits = (slice: Multiproof): boolean =>
        calldataLength(slice) <= limits.maxBytes && gasOf(slice, gasPerReceipt ?? GAS_PER_RECEIPT) <= limits.maxGas;
      for (const [i, slice] of slices.entries()) {
        expect(fits(slice), "a slice keeps to the limits").to.equal(true);
        expect(slice).to.deep.equal(tree.multiproof(slice.receipts));
        const { proof, proofFlags } = slice;
        const multiproof = { leaves: slice.receipts.map(leafOf), proof, proofFlags };
        expect(StandardMerkleTree.verifyMultiProof(tree.root, [...RECEIPT_LEAF_ENCODING], multiproof)).to.equal(true);
        if (i + 1 === slices.length) continue;
        const longer = tree.multiproof([...slice.receipts, slices[i + 1].receipts[0]]);
        expect(fits(longer), "another receipt would not fit").to.equal(false);
      }
    }
  });
});
