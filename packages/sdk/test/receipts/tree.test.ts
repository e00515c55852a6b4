import { deepStrictEqual } from "node:assert";

import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { NotIntegerError, OutOfRangeError } from "@turingfog/sdk";
import {
  DuplicateReceiptError,
  InvalidReceiptTreeError,
  NoReceiptsError,
  type Receipt,
  RECEIPT_LEAF_ENCODING,
  ReceiptTable,
  ReceiptTree,
  type ReceiptTreeData,
  UnknownReceiptError,
} from "@turingfog/sdk/wire";
import { expect } from "chai";
import { AbiCoder, concat, keccak256, MaxUint256 } from "ethers";

import { expectRejection, leafOf, Random, receiptOf, receiptsOf, SEED, standardTree, TU } from "./helpers";

const LIMITS = { orderId: MaxUint256, nodeId: MaxUint256, cumulativeTU: 2n ** 96n - 1n, measuredAt: 2n ** 40n - 1n };

/** TU of two receipts, found by search, whose leaves have the same first 32 bits. */
const COLLIDING = [126_386n, 126_548n];

/** A leaf as ComputeEscrow hashes it. */
function leafHash({ orderId, nodeId, cumulativeTU, measuredAt }: Receipt): string {
  const types = ["uint256", "uint256", "uint96", "uint40"];
  return keccak256(keccak256(AbiCoder.defaultAbiCoder().encode(types, [orderId, nodeId, cumulativeTU, measuredAt])));
}

/** Expects the same root, the same nodes and the same proofs as OpenZeppelin's library makes. */
async function expectStandard(receipts: readonly Receipt[], random: Random, proofs: number): Promise<void> {
  const tree = await ReceiptTree.of(receipts);
  const standard = standardTree(receipts);
  expect(tree.root).to.equal(standard.root);
  // chai takes several times as long for the fields of a large tree
  deepStrictEqual(tree.dump(), standard.dump());
  for (let i = 0; i < proofs; ++i) {
    const some = random.some(receipts).slice(0, 500);
    const { leaves, proof, proofFlags } = standard.getMultiProof(some.map(leafOf));
    const own = tree.multiproof(some);
    expect(own.receipts.map(leafOf)).to.deep.equal(leaves);
    expect(own.proof).to.deep.equal(proof);
    expect(own.proofFlags).to.deep.equal(proofFlags);
  }
}

describe("ReceiptTree", () => {
  describe("of", () => {
    it("rejects no receipts", async () => {
      await expectRejection(ReceiptTree.of([]), NoReceiptsError, "There are no receipts");
      await expectRejection(ReceiptTree.of(ReceiptTable.of([])), NoReceiptsError);
    });

    for (const field of ["orderId", "nodeId", "cumulativeTU", "measuredAt"] as const) {
      it(`rejects a ${field} that its type cannot hold, and takes the highest that it can`, async () => {
        const highest = { ...receiptOf(1n), [field]: LIMITS[field] };
        expect((await ReceiptTree.of([highest])).root).to.equal(leafHash(highest));
        for (const value of [-1n, LIMITS[field] + 1n]) {
          await expectRejection(
            ReceiptTree.of([{ ...receiptOf(1n), [field]: value }]),
            OutOfRangeError,
            `${field} is ${value}, must be from 0 to ${LIMITS[field]}`,
          );
        }
      });
    }

    for (const [what, value] of [
      ["missing", undefined],
      ["null", null],
      ["a number", 5],
      ["a fraction", 0.5],
      ["a string", "5"],
    ] as const) {
      it(`rejects a field that is ${what}`, async () => {
        const receipt = { ...receiptsOf(1)[0], measuredAt: value } as never;
        await expectRejection(
          ReceiptTree.of([receipt]),
          NotIntegerError,
          `measuredAt is ${String(value)}, must be a bigint`,
        );
      });
    }

    it("rejects the same receipt twice", async () => {
      await expectRejection(
        ReceiptTree.of([receiptOf(1n), receiptOf(2n), receiptOf(1n)]),
        DuplicateReceiptError,
        `Receipt (order ${receiptOf(1n).orderId}, node ${receiptOf(1n).nodeId}, ${TU} TU base units, measured at 1000)`,
      );
    });

    it("takes several receipts of one order and node", async () => {
      const later = { ...receiptOf(1n), cumulativeTU: 2n * TU, measuredAt: 2_000n };
      const tree = await ReceiptTree.of([receiptOf(1n), later]);
      expect([...tree.receipts]).to.deep.equal([receiptOf(1n), later]);
    });

    it("hashes leaves and nodes as the escrow does", async () => {
      const [a, b] = receiptsOf(2);
      const leaves = [leafHash(a), leafHash(b)].sort();
      expect((await ReceiptTree.of([a])).root).to.equal(leafHash(a));
      expect((await ReceiptTree.of([a, b])).root).to.equal(keccak256(concat(leaves)));
    });

    it("has a root that does not depend on the order of the receipts", async () => {
      const receipts = receiptsOf(7);
      expect((await ReceiptTree.of([...receipts].reverse())).root).to.equal((await ReceiptTree.of(receipts)).root);
    });

    it("builds the same tree of a table, a generator and an array", async () => {
      const receipts = receiptsOf(600);
      const { root } = await ReceiptTree.of(receipts);
      expect((await ReceiptTree.of(ReceiptTable.of(receipts))).root).to.equal(root);
      expect((await ReceiptTree.of(receipts.values())).root).to.equal(root);
    });

    it("builds trees at the same time", async () => {
      const trees = await Promise.all([3, 4, 5].map((count) => ReceiptTree.of(receiptsOf(count))));
      expect(trees.map(({ root }) => root)).to.deep.equal(
        [3, 4, 5].map((count) => standardTree(receiptsOf(count)).root),
      );
    });
  });

  describe("equality with OpenZeppelin's tree", () => {
    it(`has its root, nodes and proofs for random trees of 1 to 50 receipts (SEED=${SEED})`, async () => {
      const random = new Random(SEED);
      for (let size = 1; size <= 50; ++size) await expectStandard(random.receipts(size), random, 3);
    });

    it(`has its root, nodes and proofs for random trees of up to 20,000 receipts (SEED=${SEED}) [slow]`, async () => {
      const random = new Random(SEED);
      for (const size of [512, 513, 1_000 + random.below(2_000), 20_000]) {
        await expectStandard(random.receipts(size), random, 2);
      }
    });

    it("sorts leaves whose hashes begin alike", async () => {
      const receipts = COLLIDING.map((cumulativeTU) => ({ ...receiptOf(1n), cumulativeTU }));
      const [a, b] = receipts.map(leafHash);
      expect(a.slice(0, 10)).to.equal(b.slice(0, 10));
      for (const order of [receipts, [...receipts].reverse()]) {
        expect((await ReceiptTree.of(order)).dump()).to.deep.equal(standardTree(order).dump());
      }
    });
  });

  describe("receipts", () => {
    it("holds receipts of all sizes in the order in which they were given", async () => {
      const receipts = new Random(SEED).receipts(1_500);
      const tree = await ReceiptTree.of(receipts);
      expect([...tree.receipts]).to.deep.equal(receipts);
      expect(tree.receipts.at(700)).to.deep.equal(receipts[700]);
      expect(tree.receipts.length).to.equal(1_500);
      expect(tree.size).to.equal(1_500);
    });

    it("keeps ids above 64 bits", async () => {
      const receipts = [2n ** 64n - 1n, 2n ** 64n, 2n ** 128n + 1n, MaxUint256].map((id) => ({
        ...receiptOf(1n),
        orderId: id,
        nodeId: id,
      }));
      const tree = await ReceiptTree.of(receipts);
      expect([...tree.receipts]).to.deep.equal(receipts);
      expect(tree.root).to.equal(standardTree(receipts).root);
      expect(tree.multiproof([receipts[3]]).receipts).to.deep.equal([receipts[3]]);
    });

    it("filters receipts", async () => {
      const tree = await ReceiptTree.of(receiptsOf(5));
      expect(tree.receipts.filter(({ cumulativeTU }) => cumulativeTU > 3n * TU)).to.deep.equal(receiptsOf(5).slice(3));
    });

    it("rejects an index that no receipt has", async () => {
      const { receipts } = await ReceiptTree.of(receiptsOf(2));
      for (const index of [-1, 2]) {
        expect(() => receipts.at(index)).to.throw(OutOfRangeError, `index is ${index}, must be from 0 to 1`);
      }
    });
  });

  describe("multiproof", () => {
    it("rejects no receipts", async () => {
      const tree = await ReceiptTree.of(receiptsOf(2));
      expect(() => tree.multiproof([])).to.throw(NoReceiptsError);
    });

    it("rejects a number out of range", async () => {
      const tree = await ReceiptTree.of(receiptsOf(2));
      expect(() => tree.multiproof([{ ...receiptOf(1n), measuredAt: 2n ** 40n }])).to.throw(OutOfRangeError);
    });

    it("rejects a receipt that is not in the tree", async () => {
      const tree = await ReceiptTree.of(receiptsOf(2));
      const other = { ...receiptOf(1n), cumulativeTU: TU + 1n };
      expect(() => tree.multiproof([receiptOf(2n), other])).to.throw(
        UnknownReceiptError,
        `${TU + 1n} TU base units, measured at 1000) is not in the tree`,
      );
    });

    it("rejects the same receipt twice", async () => {
      const tree = await ReceiptTree.of(receiptsOf(2));
      expect(() => tree.multiproof([receiptOf(1n), receiptOf(1n)])).to.throw(DuplicateReceiptError);
    });

    it("proves every subset, and hands its receipts back in the order of the proof", async () => {
      const receipts = receiptsOf(6);
      const tree = await ReceiptTree.of(receipts);
      for (let mask = 1; mask < 2 ** receipts.length; ++mask) {
        const subset = receipts.filter((_, i) => (mask >> i) & 1);
        const { receiptsRoot, receipts: leaves, proof, proofFlags } = tree.multiproof(subset);
        expect(receiptsRoot).to.equal(tree.root);
        expect(leaves).to.have.deep.members(subset);
        const multiproof = { leaves: leaves.map(leafOf), proof, proofFlags };
        expect(StandardMerkleTree.verifyMultiProof(tree.root, [...RECEIPT_LEAF_ENCODING], multiproof)).to.equal(true);
      }
    });

    it("proves all receipts when none are named", async () => {
      const tree = await ReceiptTree.of(receiptsOf(5));
      expect(tree.multiproof()).to.deep.equal(tree.multiproof(receiptsOf(5)));
      expect(tree.multiproof().proof).to.deep.equal([]);
    });
  });

  describe("dump and load", () => {
    async function dumpOf(count: number): Promise<ReceiptTreeData> {
      return (await ReceiptTree.of(receiptsOf(count))).dump();
    }

    it("rejects another format", async () => {
      const data = { ...(await dumpOf(3)), format: "simple-v1" } as unknown as ReceiptTreeData;
      await expectRejection(
        ReceiptTree.load(data),
        InvalidReceiptTreeError,
        'format is "simple-v1", not "standard-v1"',
      );
    });

    it("rejects a tree of other leaves", async () => {
      const other = StandardMerkleTree.of([["1", "2", "3", "4"]], ["uint256", "uint256", "uint256", "uint40"]).dump();
      await expectRejection(
        ReceiptTree.load(other as ReceiptTreeData),
        InvalidReceiptTreeError,
        "its leaves are (uint256,uint256,uint256,uint40), not (uint256,uint256,uint96,uint40)",
      );
    });

    it("rejects a tree of no receipts", async () => {
      const data = { ...(await dumpOf(1)), tree: [], values: [] };
      await expectRejection(ReceiptTree.load(data), InvalidReceiptTreeError, "There are no receipts");
    });

    it("rejects what has no list of nodes or of values", async () => {
      for (const missing of ["tree", "values"]) {
        const data = { ...(await dumpOf(3)), [missing]: undefined };
        const reason = `${missing} missing: its nodes and its values must be arrays`;
        await expectRejection(ReceiptTree.load(data), InvalidReceiptTreeError, reason);
      }
    });

    it("rejects what is no object, and an entry that is not there", async () => {
      for (const data of [null, undefined, "standard-v1", 5]) {
        const reason = `it is ${JSON.stringify(data)}, not an object`;
        await expectRejection(ReceiptTree.load(data as never), InvalidReceiptTreeError, reason);
      }
      const { values, ...rest } = await dumpOf(3);
      const holed = { ...rest, values: new Array<(typeof values)[0]>(3) };
      [holed.values[0], , holed.values[2]] = values;
      await expectRejection(ReceiptTree.load(holed), InvalidReceiptTreeError, "values[1] is not a receipt of four");
    });

    it("rejects values that are not receipts", async () => {
      for (const value of [
        undefined,
        null,
        ["1", "2", "3"],
        [1, "2", "3", "4"],
        ["01", "2", "3", "4"],
        ["", "2", "3", "4"],
      ]) {
        const data = await dumpOf(3);
        (data.values[1] as { value: unknown }).value = value;
        await expectRejection(ReceiptTree.load(data), InvalidReceiptTreeError, "values[1] is not a receipt of four");
      }
    });

    it("rejects a tree in which a value was changed, whichever", async () => {
      for (let index = 0; index < 5; ++index) {
        for (let field = 0; field < 4; ++field) {
          const data = await dumpOf(5);
          data.values[index].value[field] = "7";
          await expectRejection(ReceiptTree.load(data), InvalidReceiptTreeError, "but its values make");
        }
      }
    });

    it("rejects a tree in which a node was changed or is missing, whichever", async () => {
      for (let node = 0; node < 9; ++node) {
        const changed = await dumpOf(5);
        changed.tree[node] = changed.tree[node].replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
        await expectRejection(ReceiptTree.load(changed), InvalidReceiptTreeError, `tree[${node}] is`);
        const missing = await dumpOf(5);
        missing.tree.splice(node, 1);
        await expectRejection(
          ReceiptTree.load(missing),
          InvalidReceiptTreeError,
          `has 8 nodes, but its 5 values make 9; missing: tree[${node}]`,
        );
      }
    });

    it("rejects a tree from which a value is missing, which OpenZeppelin's library takes", async () => {
      for (let index = 0; index < 5; ++index) {
        const data = await dumpOf(5);
        const [{ treeIndex }] = data.values.splice(index, 1);
        expect(() => StandardMerkleTree.load(data)).not.to.throw();
        const reason = `has 9 nodes, but its 4 values make 7; missing: the value of tree[${treeIndex}]`;
        await expectRejection(ReceiptTree.load(data), InvalidReceiptTreeError, reason);
      }
    });

    it("rejects a value of holes, and leaf types that only read alike", async () => {
      const data = await dumpOf(3);
      const holes = { ...data, values: [{ value: new Array(4), treeIndex: 2 }, ...data.values.slice(1)] };
      await expectRejection(ReceiptTree.load(holes as never), InvalidReceiptTreeError, "values[0] is not a receipt");
      const joined = { ...data, leafEncoding: [data.leafEncoding.join()] };
      await expectRejection(ReceiptTree.load(joined), InvalidReceiptTreeError, "its leaves are");
    });

    it("rejects a value that is said to be elsewhere", async () => {
      const data = await dumpOf(5);
      data.values[2].treeIndex = 0;
      await expectRejection(
        ReceiptTree.load(data),
        InvalidReceiptTreeError,
        "values[2] has the treeIndex 0, must have",
      );
    });

    it("rejects a value that occurs twice", async () => {
      const data = await dumpOf(2);
      data.values[1] = data.values[0];
      await expectRejection(ReceiptTree.load(data), InvalidReceiptTreeError, "occurs more than once");
    });

    it("loads what was dumped, through JSON, and what OpenZeppelin's library has dumped", async () => {
      const tree = await ReceiptTree.of(receiptsOf(5));
      for (const data of [tree.dump(), standardTree(receiptsOf(5)).dump()]) {
        const loaded = await ReceiptTree.load(JSON.parse(JSON.stringify(data)) as ReceiptTreeData);
        expect(loaded.root).to.equal(tree.root);
        expect([...loaded.receipts]).to.deep.equal([...tree.receipts]);
        expect(loaded.multiproof([receiptOf(2n)])).to.deep.equal(tree.multiproof([receiptOf(2n)]));
      }
    });
  });
});
