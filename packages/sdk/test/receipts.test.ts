import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { OutOfRangeError } from "@turingfog/sdk";
import {
  decodeReceiptFile,
  DuplicateReceiptError,
  encodeReceiptFile,
  InvalidReceiptFileError,
  InvalidReceiptTreeError,
  type MeteredReceipt,
  NoReceiptsError,
  type Receipt,
  RECEIPT_LEAF_ENCODING,
  receiptDataHash,
  ReceiptTree,
  UnknownReceiptError,
} from "@turingfog/sdk/wire";
import { expect } from "chai";
import { AbiCoder, concat, id, keccak256, MaxUint256, sha256, toUtf8Bytes, toUtf8String } from "ethers";

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
    it("rejects no receipts", async () => {
      await expect(ReceiptTree.of([])).to.be.rejectedWith(NoReceiptsError, "There are no receipts");
    });

    for (const field of ["orderId", "nodeId", "cumulativeTU", "measuredAt"] as const) {
      it(`rejects a ${field} that its type cannot hold, and takes the highest that it can`, async () => {
        const highest = { ...receiptOf(1n), [field]: LIMITS[field] };
        expect((await ReceiptTree.of([highest])).root).to.equal(leafHash(highest));
        for (const value of [-1n, LIMITS[field] + 1n]) {
          await expect(ReceiptTree.of([{ ...receiptOf(1n), [field]: value }])).to.be.rejectedWith(
            OutOfRangeError,
            `${field} is ${value}, must be from 0 to ${LIMITS[field]}`,
          );
        }
      });
    }

    it("rejects the same receipt twice", async () => {
      await expect(ReceiptTree.of([receiptOf(1n), receiptOf(2n), receiptOf(1n)])).to.be.rejectedWith(
        DuplicateReceiptError,
        `Receipt (order ${receiptOf(1n).orderId}, node ${receiptOf(1n).nodeId}, ${TU} TU base units, measured at 1000)`,
      );
    });

    it("takes several receipts of one order and node", async () => {
      const later = { ...receiptOf(1n), cumulativeTU: 2n * TU, measuredAt: 2_000n };
      expect((await ReceiptTree.of([receiptOf(1n), later])).receipts).to.deep.equal([receiptOf(1n), later]);
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
  });

  describe("multiproof", () => {
    it("rejects no receipts", async () => {
      const tree = await ReceiptTree.of(receiptsOf(2));
      expect(() => tree.multiproof([])).to.throw(NoReceiptsError);
    });

    it("rejects a receipt that is not in the tree", async () => {
      const other = { ...receiptOf(1n), cumulativeTU: TU + 1n };
      const tree = await ReceiptTree.of(receiptsOf(2));
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
        const values = leaves.map((leaf) => [leaf.orderId, leaf.nodeId, leaf.cumulativeTU, leaf.measuredAt]);
        const multiproof = { leaves: values, proof, proofFlags };
        expect(StandardMerkleTree.verifyMultiProof(tree.root, RECEIPT_LEAF_ENCODING, multiproof)).to.equal(true);
      }
    });

    it("proves all receipts when none are named", async () => {
      const tree = await ReceiptTree.of(receiptsOf(5));
      expect(tree.multiproof()).to.deep.equal(tree.multiproof(receiptsOf(5)));
      expect(tree.multiproof().proof).to.deep.equal([]);
    });
  });

  describe("dump and load", () => {
    it("rejects a tree of other leaves", async () => {
      const other = StandardMerkleTree.of([["1", "2", "3", "4"]], ["uint256", "uint256", "uint256", "uint40"]).dump();
      await expect(ReceiptTree.load(other as ReturnType<ReceiptTree["dump"]>)).to.be.rejectedWith(
        InvalidReceiptTreeError,
        "its leaves are (uint256,uint256,uint256,uint40), not (uint256,uint256,uint96,uint40)",
      );
    });

    it("rejects a tree in which a value was changed", async () => {
      const data = (await ReceiptTree.of(receiptsOf(3))).dump();
      data.values[0].value[2] = "7";
      await expect(ReceiptTree.load(data)).to.be.rejectedWith(
        InvalidReceiptTreeError,
        "Merkle tree does not contain the expected value",
      );
    });

    it("loads what was dumped, through JSON", async () => {
      const tree = await ReceiptTree.of(receiptsOf(5));
      const json = JSON.stringify(tree.dump());
      const loaded = await ReceiptTree.load(JSON.parse(json) as ReturnType<ReceiptTree["dump"]>);
      expect(loaded.root).to.equal(tree.root);
      expect(loaded.receipts).to.deep.equal(tree.receipts);
      expect(loaded.multiproof([receiptOf(2n)])).to.deep.equal(tree.multiproof([receiptOf(2n)]));
    });
  });

  describe("encodeReceiptFile", () => {
    it("rejects no receipts", async () => {
      await expect(encodeReceiptFile([])).to.be.rejectedWith(NoReceiptsError);
    });

    it("rejects a number out of range", async () => {
      await expect(encodeReceiptFile([{ ...metered(receiptOf(1n)), measuredAt: 2n ** 40n }])).to.be.rejectedWith(
        OutOfRangeError,
      );
    });

    it("rejects a meter log hash that is not 32 bytes of lower-case hex", async () => {
      for (const meterLogHash of ["", "0x12", id("log").toUpperCase().replace("0X", "0x")]) {
        await expect(encodeReceiptFile([{ ...receiptOf(1n), meterLogHash }])).to.be.rejectedWith(
          InvalidReceiptFileError,
          `receipts[0].meterLogHash: is "${meterLogHash}", not 32 bytes of lower-case hex`,
        );
      }
    });

    it("rejects the same receipt twice", async () => {
      const twice = [receiptOf(1n), receiptOf(1n)].map(metered);
      await expect(encodeReceiptFile(twice)).to.be.rejectedWith(DuplicateReceiptError);
    });

    it("writes canonical JSON in ascending order of order, node, time and TU", async () => {
      const receipt = {
        orderId: 1n,
        nodeId: 2n,
        cumulativeTU: 3n,
        measuredAt: 4n,
        meterLogHash: `0x${"ab".repeat(32)}`,
      };
      const file = await encodeReceiptFile([
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

    it("does not depend on the order in which receipts are given, nor reorders what it was given", async () => {
      const receipts = receiptsOf(4).map(metered).reverse();
      const given = [...receipts];
      expect(await encodeReceiptFile(receipts)).to.deep.equal(await encodeReceiptFile(receiptsOf(4).map(metered)));
      expect(receipts).to.deep.equal(given);
    });
  });

  describe("decodeReceiptFile", () => {
    const written = receiptsOf(2)
      .map(metered)
      .map(
        ({ orderId, nodeId, cumulativeTU, measuredAt, meterLogHash }) =>
          `{"cumulativeTU":"${cumulativeTU}","measuredAt":"${measuredAt}","meterLogHash":"${meterLogHash}",` +
          `"nodeId":"${nodeId}","orderId":"${orderId}"}`,
      );
    const VALID = `{"format":"turingfog-receipts-v1","receipts":[${written.join()}]}`;

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
      it(`rejects ${what}`, async () => {
        await expect(decodeReceiptFile(toUtf8Bytes(file))).to.be.rejectedWith(InvalidReceiptFileError, problem);
      });
    }

    it("rejects bytes that are not UTF-8", async () => {
      await expect(decodeReceiptFile(Uint8Array.of(0xff))).to.be.rejectedWith(
        InvalidReceiptFileError,
        "top level: is not JSON",
      );
    });

    it("rejects receipts out of order", async () => {
      const [first, second] = (JSON.parse(VALID) as { receipts: unknown[] }).receipts;
      const file = JSON.stringify({ format: "turingfog-receipts-v1", receipts: [second, first] });
      await expect(decodeReceiptFile(toUtf8Bytes(file))).to.be.rejectedWith(
        InvalidReceiptFileError,
        "top level: is not in canonical form",
      );
    });

    it("rejects a number that its type cannot hold", async () => {
      const file = toUtf8Bytes(VALID.replace('"1000"', `"${2n ** 40n}"`));
      await expect(decodeReceiptFile(file)).to.be.rejectedWith(OutOfRangeError, "measuredAt");
    });

    it("reads back what was written, and the tree of it", async () => {
      const receipts = receiptsOf(9).map(metered);
      const decoded = await decodeReceiptFile(await encodeReceiptFile(receipts));
      expect(decoded).to.deep.equal(receipts);
      expect((await ReceiptTree.of(decoded)).root).to.equal((await ReceiptTree.of(receiptsOf(9))).root);
    });
  });

  describe("receiptDataHash", () => {
    it("is the SHA-256 of the file's bytes", async () => {
      const file = await encodeReceiptFile([metered(receiptOf(1n))]);
      expect(await receiptDataHash(file)).to.equal(sha256(file));
      expect(await receiptDataHash(toUtf8Bytes("abc"))).to.equal(
        "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", // FIPS 180-4, example 1
      );
    });
  });
});
