import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { expect } from "chai";
import { AbiCoder, concat, id, keccak256, MaxUint256, sha256, toUtf8Bytes, toUtf8String } from "ethers";

import { OutOfRangeError } from "../../../src/errors";
import {
  decodeReceiptFile,
  DuplicateReceiptError,
  encodeReceiptFile,
  InvalidReceiptFileError,
  InvalidReceiptTreeError,
  NoReceiptsError,
  RECEIPT_LEAF_ENCODING,
  receiptDataHash,
  ReceiptTree,
  UnknownReceiptError,
  type MeteredReceipt,
  type Receipt,
} from "../../../src/receipts";

const TU = 10n ** 18n;

function receiptOf(serial: bigint): Receipt {
  return { orderId: (1n << 40n) | serial, nodeId: (3n << 32n) | serial, cumulativeTU: serial * TU, measuredAt: 1_000n };
}

function receiptsOf(count: number): Receipt[] {
  return Array.from({ length: count }, (_, i) => receiptOf(BigInt(i + 1)));
}

function metered(receipt: Receipt): MeteredReceipt {
  return { ...receipt, meterLogHash: id(`log of order ${receipt.orderId}`) };
}

/** A leaf as ComputeEscrow hashes it. */
function leafHash({ orderId, nodeId, cumulativeTU, measuredAt }: Receipt): string {
  const types = ["uint256", "uint256", "uint96", "uint40"];
  return keccak256(keccak256(AbiCoder.defaultAbiCoder().encode(types, [orderId, nodeId, cumulativeTU, measuredAt])));
}

const LIMITS = { orderId: MaxUint256, nodeId: MaxUint256, cumulativeTU: 2n ** 96n - 1n, measuredAt: 2n ** 40n - 1n };

describe("receipts", () => {
  describe("ReceiptTree.of", () => {
    it("rejects no receipts", () => {
      expect(() => ReceiptTree.of([])).to.throw(NoReceiptsError, "There are no receipts");
    });

    for (const field of ["orderId", "nodeId", "cumulativeTU", "measuredAt"] as const) {
      it(`rejects a ${field} that its type cannot hold, and takes the highest that it can`, () => {
        const highest = { ...receiptOf(1n), [field]: LIMITS[field] };
        expect(ReceiptTree.of([highest]).root).to.equal(leafHash(highest));
        for (const value of [-1n, LIMITS[field] + 1n]) {
          expect(() => ReceiptTree.of([{ ...receiptOf(1n), [field]: value }])).to.throw(
            OutOfRangeError,
            `${field} is ${value}, must be from 0 to ${LIMITS[field]}`,
          );
        }
      });
    }

    it("rejects the same receipt twice", () => {
      expect(() => ReceiptTree.of([receiptOf(1n), receiptOf(2n), receiptOf(1n)])).to.throw(
        DuplicateReceiptError,
        `Receipt (order ${receiptOf(1n).orderId}, node ${receiptOf(1n).nodeId}, ${TU} TU base units, measured at 1000)`,
      );
    });

    it("takes several receipts of one order and node", () => {
      const later = { ...receiptOf(1n), cumulativeTU: 2n * TU, measuredAt: 2_000n };
      expect(ReceiptTree.of([receiptOf(1n), later]).receipts).to.deep.equal([receiptOf(1n), later]);
    });

    it("hashes leaves and nodes as the escrow does", () => {
      const [a, b] = receiptsOf(2);
      const leaves = [leafHash(a), leafHash(b)].sort();
      expect(ReceiptTree.of([a]).root).to.equal(leafHash(a));
      expect(ReceiptTree.of([a, b]).root).to.equal(keccak256(concat(leaves)));
    });

    it("has a root that does not depend on the order of the receipts", () => {
      const receipts = receiptsOf(7);
      expect(ReceiptTree.of([...receipts].reverse()).root).to.equal(ReceiptTree.of(receipts).root);
    });
  });

  describe("multiproof", () => {
    it("rejects no receipts", () => {
      expect(() => ReceiptTree.of(receiptsOf(2)).multiproof([])).to.throw(NoReceiptsError);
    });

    it("rejects a receipt that is not in the tree", () => {
      const other = { ...receiptOf(1n), cumulativeTU: TU + 1n };
      expect(() => ReceiptTree.of(receiptsOf(2)).multiproof([receiptOf(2n), other])).to.throw(
        UnknownReceiptError,
        `${TU + 1n} TU base units, measured at 1000) is not in the tree`,
      );
    });

    it("rejects the same receipt twice", () => {
      const tree = ReceiptTree.of(receiptsOf(2));
      expect(() => tree.multiproof([receiptOf(1n), receiptOf(1n)])).to.throw(DuplicateReceiptError);
    });

    it("proves every subset, and hands its receipts back in the order of the proof", () => {
      const receipts = receiptsOf(6);
      const tree = ReceiptTree.of(receipts);
      for (let mask = 1; mask < 2 ** receipts.length; ++mask) {
        const subset = receipts.filter((_, i) => (mask >> i) & 1);
        const { receiptsRoot, receipts: leaves, proof, proofFlags } = tree.multiproof(subset);
        expect(receiptsRoot).to.equal(tree.root);
        expect(leaves).to.have.deep.members(subset);
        const values = leaves.map((leaf) => [leaf.orderId, leaf.nodeId, leaf.cumulativeTU, leaf.measuredAt]);
        const multiproof = { leaves: values, proof, proofFlags };
        expect(StandardMerkleTree.verifyMultiProof(tree.root, RECEIPT_LEAF_ENCODING, multiproof)).to.equal(true);
      }
    });

    it("proves all receipts when none are named", () => {
      const tree = ReceiptTree.of(receiptsOf(5));
      expect(tree.multiproof()).to.deep.equal(tree.multiproof(receiptsOf(5)));
      expect(tree.multiproof().proof).to.deep.equal([]);
    });
  });

  describe("dump and load", () => {
    it("rejects a tree of other leaves", () => {
      const other = StandardMerkleTree.of([["1", "2", "3", "4"]], ["uint256", "uint256", "uint256", "uint40"]).dump();
      expect(() => ReceiptTree.load(other as ReturnType<ReceiptTree["dump"]>)).to.throw(
        InvalidReceiptTreeError,
        "its leaves are (uint256,uint256,uint256,uint40), not (uint256,uint256,uint96,uint40)",
      );
    });

    it("rejects a tree in which a value was changed", () => {
      const data = ReceiptTree.of(receiptsOf(3)).dump();
      data.values[0].value[2] = "7";
      expect(() => ReceiptTree.load(data)).to.throw(
        InvalidReceiptTreeError,
        "Merkle tree does not contain the expected value",
      );
    });

    it("loads what was dumped, through JSON", () => {
      const tree = ReceiptTree.of(receiptsOf(5));
      const json = JSON.stringify(tree.dump());
      const loaded = ReceiptTree.load(JSON.parse(json) as ReturnType<ReceiptTree["dump"]>);
      expect(loaded.root).to.equal(tree.root);
      expect(loaded.receipts).to.deep.equal(tree.receipts);
      expect(loaded.multiproof([receiptOf(2n)])).to.deep.equal(tree.multiproof([receiptOf(2n)]));
    });
  });

  describe("encodeReceiptFile", () => {
    it("rejects no receipts", () => {
      expect(() => encodeReceiptFile([])).to.throw(NoReceiptsError);
    });

    it("rejects a number out of range", () => {
      expect(() => encodeReceiptFile([{ ...metered(receiptOf(1n)), measuredAt: 2n ** 40n }])).to.throw(OutOfRangeError);
    });

    it("rejects a meter log hash that is not 32 bytes of lower-case hex", () => {
      for (const meterLogHash of ["", "0x12", id("log").toUpperCase().replace("0X", "0x")]) {
        expect(() => encodeReceiptFile([{ ...receiptOf(1n), meterLogHash }])).to.throw(
          InvalidReceiptFileError,
          `receipts[0].meterLogHash: is "${meterLogHash}", not 32 bytes of lower-case hex`,
        );
      }
    });

    it("rejects the same receipt twice", () => {
      const twice = [receiptOf(1n), receiptOf(1n)].map(metered);
      expect(() => encodeReceiptFile(twice)).to.throw(DuplicateReceiptError);
    });

    it("writes canonical JSON in ascending order of order, node, time and TU", () => {
      const receipt = {
        orderId: 1n,
        nodeId: 2n,
        cumulativeTU: 3n,
        measuredAt: 4n,
        meterLogHash: `0x${"ab".repeat(32)}`,
      };
      const file = encodeReceiptFile([
        { ...receipt, orderId: 10n },
        { ...receipt, nodeId: 10n },
        { ...receipt, cumulativeTU: 10n },
        { ...receipt, measuredAt: 10n },
        receipt,
      ]);
      const entry = (orderId: number, nodeId: number, cumulativeTU: number, measuredAt: number) =>
        `{"cumulativeTU":"${cumulativeTU}","measuredAt":"${measuredAt}","meterLogHash":"${receipt.meterLogHash}",` +
        `"nodeId":"${nodeId}","orderId":"${orderId}"}`;
      const entries = [
        entry(1, 2, 3, 4),
        entry(1, 2, 10, 4),
        entry(1, 2, 3, 10),
        entry(1, 10, 3, 4),
        entry(10, 2, 3, 4),
      ];
      expect(toUtf8String(file)).to.equal(`{"format":"turingfog-receipts-v1","receipts":[${entries.join()}]}`);
    });

    it("does not depend on the order in which receipts are given, nor reorders what it was given", () => {
      const receipts = receiptsOf(4).map(metered).reverse();
      const given = [...receipts];
      expect(encodeReceiptFile(receipts)).to.deep.equal(encodeReceiptFile(receiptsOf(4).map(metered)));
      expect(receipts).to.deep.equal(given);
    });
  });

  describe("decodeReceiptFile", () => {
    const VALID = toUtf8String(encodeReceiptFile(receiptsOf(2).map(metered)));

    const invalid: [what: string, file: string, problem: string][] = [
      ["something else than JSON", "receipts", "top level: is not JSON"],
      ["something else than an object", "[]", "top level: must be an object"],
      ["another format", VALID.replace("v1", "v2"), 'format: is "turingfog-receipts-v2", not "turingfog-receipts-v1"'],
      ["no list", '{"format":"turingfog-receipts-v1","receipts":{}}', "receipts: must be an array"],
      ["an entry that is no object", VALID.replace("[", "[null,"), "receipts[0]: must be an object"],
      ["a number that is no string", VALID.replace('"1000"', "1000"), "receipts[0].measuredAt: is 1000, not a decimal"],
      ["a leading zero", VALID.replace('"1000"', '"01000"'), 'receipts[0].measuredAt: is "01000", not a decimal'],
      ["a negative number", VALID.replace('"1000"', '"-1"'), 'receipts[0].measuredAt: is "-1", not a decimal'],
      ["a missing number", VALID.replace("nodeId", "node"), "receipts[0].nodeId: is undefined, not a decimal"],
      [
        "a missing meter log hash",
        VALID.replace("meterLogHash", "log"),
        "receipts[0].meterLogHash: is undefined, not 32",
      ],
      ["a blank", VALID.replace(",", ", "), "top level: is not in canonical form"],
      ["a line end", `${VALID}\n`, "top level: is not in canonical form"],
      ["an unknown key", VALID.replace("{", '{"a":"b",'), "top level: is not in canonical form"],
    ];
    for (const [what, file, problem] of invalid) {
      it(`rejects ${what}`, () => {
        expect(() => decodeReceiptFile(toUtf8Bytes(file))).to.throw(InvalidReceiptFileError, problem);
      });
    }

    it("rejects bytes that are not UTF-8", () => {
      expect(() => decodeReceiptFile(Uint8Array.of(0xff))).to.throw(InvalidReceiptFileError, "top level: is not JSON");
    });

    it("rejects receipts out of order", () => {
      const [first, second] = (JSON.parse(VALID) as { receipts: unknown[] }).receipts;
      const file = JSON.stringify({ format: "turingfog-receipts-v1", receipts: [second, first] });
      expect(() => decodeReceiptFile(toUtf8Bytes(file))).to.throw(
        InvalidReceiptFileError,
        "top level: is not in canonical form",
      );
    });

    it("rejects a number that its type cannot hold", () => {
      const file = toUtf8Bytes(VALID.replace('"1000"', `"${2n ** 40n}"`));
      expect(() => decodeReceiptFile(file)).to.throw(OutOfRangeError, "measuredAt");
    });

    it("reads back what was written, and the tree of it", () => {
      const receipts = receiptsOf(9).map(metered);
      const decoded = decodeReceiptFile(encodeReceiptFile(receipts));
      expect(decoded).to.deep.equal(receipts);
      expect(ReceiptTree.of(decoded).root).to.equal(ReceiptTree.of(receiptsOf(9)).root);
    });
  });

  describe("receiptDataHash", () => {
    it("is the SHA-256 of the file's bytes", () => {
      const file = encodeReceiptFile([metered(receiptOf(1n))]);
      expect(receiptDataHash(file)).to.equal(sha256(file));
      expect(receiptDataHash(toUtf8Bytes("abc"))).to.equal(
        "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", // FIPS 180-4, example 1
      );
    });
  });
});
