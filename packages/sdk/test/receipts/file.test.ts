import { OutOfRangeError } from "@turingfog/sdk";
import {
  decodeReceiptFile,
  DuplicateReceiptError,
  encodeReceiptFile,
  InvalidReceiptFileError,
  type MeteredReceipt,
  MeteredReceiptTable,
  NoReceiptsError,
  receiptDataHash,
  ReceiptTree,
  writeReceiptFile,
} from "@turingfog/sdk/wire";
import { expect } from "chai";
import { sha256, toUtf8Bytes, toUtf8String } from "ethers";

import { metered, Random, receiptOf, receiptsOf, SEED } from "./helpers";

describe("receipt files", () => {
  describe("encodeReceiptFile", () => {
    it("rejects no receipts", () => {
      expect(() => encodeReceiptFile([])).to.throw(NoReceiptsError);
    });

    it("rejects a number out of range", () => {
      expect(() => encodeReceiptFile([{ ...metered(receiptOf(1n)), measuredAt: 2n ** 40n }])).to.throw(OutOfRangeError);
    });

    it("rejects a meter log hash that is not 32 bytes of lower-case hex", () => {
      for (const meterLogHash of ["", "0x12", `0x${"AB".repeat(32)}`, "ab".repeat(33), `0x${"ab".repeat(33)}`]) {
        expect(() => encodeReceiptFile([metered(receiptOf(1n)), { ...receiptOf(2n), meterLogHash }])).to.throw(
          InvalidReceiptFileError,
          `receipts[1].meterLogHash: is "${meterLogHash}", not 32 bytes of lower-case hex`,
        );
      }
    });

    it("rejects the same receipt twice, whatever its meter log", () => {
      const twice = [receiptOf(1n), receiptOf(2n), receiptOf(1n)].map(metered);
      twice[2].meterLogHash = `0x${"ab".repeat(32)}`;
      expect(() => encodeReceiptFile(twice)).to.throw(DuplicateReceiptError, `order ${receiptOf(1n).orderId}`);
    });

    it("writes canonical JSON in ascending order of order, node, time and TU", () => {
      const receipt: MeteredReceipt = {
        orderId: 1n,
        nodeId: 2n,
        cumulativeTU: 3n,
        measuredAt: 4n,
        meterLogHash: `0x${"ab".repeat(32)}`,
      };
      const file = encodeReceiptFile([
        { ...receipt, orderId: 256n },
        { ...receipt, nodeId: 256n },
        { ...receipt, cumulativeTU: 256n },
        { ...receipt, measuredAt: 256n },
        receipt,
        { ...receipt, cumulativeTU: 0n },
      ]);
      const entry = (orderId: number, nodeId: number, cumulativeTU: number, measuredAt: number) =>
        `{"cumulativeTU":"${cumulativeTU}","measuredAt":"${measuredAt}","meterLogHash":"${receipt.meterLogHash}",` +
        `"nodeId":"${nodeId}","orderId":"${orderId}"}`;
      const entries = [
        entry(1, 2, 0, 4),
        entry(1, 2, 3, 4),
        entry(1, 2, 256, 4),
        entry(1, 2, 3, 256),
        entry(1, 256, 3, 4),
        entry(256, 2, 3, 4),
      ];
      expect(toUtf8String(file)).to.equal(`{"format":"turingfog-receipts-v1","receipts":[${entries.join()}]}`);
    });

    it("does not depend on the order in which receipts are given, nor reorders what it was given", () => {
      const receipts = receiptsOf(4).map(metered).reverse();
      const given = [...receipts];
      expect(encodeReceiptFile(receipts)).to.deep.equal(encodeReceiptFile(receiptsOf(4).map(metered)));
      expect(receipts).to.deep.equal(given);
    });

    it(`writes what JSON.stringify writes of random receipts (SEED=${SEED})`, () => {
      const receipts = new Random(SEED).receipts(400).map(metered);
      const sorted = decodeReceiptFile(encodeReceiptFile(receipts));
      const entries = sorted.map(({ cumulativeTU, measuredAt, meterLogHash, nodeId, orderId }) => ({
        cumulativeTU: cumulativeTU.toString(),
        measuredAt: measuredAt.toString(),
        meterLogHash,
        nodeId: nodeId.toString(),
        orderId: orderId.toString(),
      }));
      expect(sorted).to.have.deep.members(receipts);
      expect(toUtf8String(encodeReceiptFile(receipts))).to.equal(
        JSON.stringify({ format: "turingfog-receipts-v1", receipts: entries }),
      );
    });
  });

  describe("writeReceiptFile", () => {
    it("rejects receipts before its first chunk", () => {
      expect(() => writeReceiptFile([])).to.throw(NoReceiptsError);
      expect(() => writeReceiptFile([receiptOf(1n), receiptOf(1n)].map(metered))).to.throw(DuplicateReceiptError);
    });

    it("writes the same file each time that it is asked for", async () => {
      const file = writeReceiptFile(receiptsOf(3).map(metered));
      const hash = await receiptDataHash(file);
      expect(await receiptDataHash(file)).to.equal(hash);
    });

    it("writes the file in chunks of at most 64 KiB that it does not write over", () => {
      const receipts = receiptsOf(1_000).map(metered);
      const chunks = [...writeReceiptFile(MeteredReceiptTable.of(receipts))];
      expect(chunks.length).to.be.greaterThan(2);
      for (const chunk of chunks) expect(chunk.length).to.be.at.most(65_536);
      expect(Buffer.concat(chunks).equals(encodeReceiptFile(receipts))).to.equal(true);
    });

    it("fits receipts of the longest numbers into its chunks", () => {
      const highest = { cumulativeTU: 2n ** 96n - 1n, measuredAt: 2n ** 40n - 1n, nodeId: 2n ** 256n - 1n };
      const receipts = Array.from({ length: 500 }, (_, i) =>
        metered({ ...highest, orderId: 2n ** 256n - 500n + BigInt(i) }),
      );
      expect(decodeReceiptFile(encodeReceiptFile(receipts))).to.deep.equal(receipts);
    });
  });

  describe("decodeReceiptFile", () => {
    const VALID = toUtf8String(encodeReceiptFile(receiptsOf(2).map(metered)));

    const invalid: [title: string, file: string, problem: string][] = [
      ["something else than JSON", "receipts", "top level: is not in canonical form at byte 0"],
      ["an empty file", "", "top level: ends at byte 0, before it is complete"],
      ["a file that is cut off", VALID.slice(0, -1), `top level: ends at byte ${VALID.length - 1}, before it is`],
      ["another format", VALID.replace("v1", "v2"), 'format: is not "turingfog-receipts-v1"'],
      ["no list", '{"format":"turingfog-receipts-v1","receipts":{}}', "top level: is not in canonical form at byte 45"],
      ["an entry that is no object", VALID.replace("[", "[null,"), "receipts[0]: is not in canonical form at byte 46"],
      ["a number that is no string", VALID.replace('"1000"', "1000"), "receipts[0]: is not in canonical form"],
      ["a leading zero", VALID.replace('"1000"', '"01000"'), "receipts[0].measuredAt: is not a decimal integer"],
      ["a number of no digits", VALID.replace('"1000"', '""'), "receipts[0].measuredAt: is not a decimal integer"],
      ["a negative number", VALID.replace('"1000"', '"-1"'), "receipts[0].measuredAt: is not a decimal integer"],
      [
        "a number with a fraction",
        VALID.replace('"1000"', '"1.0"'),
        "receipts[0].measuredAt: is not a decimal integer",
      ],
      ["a number of 79 digits", VALID.replace('"1000"', `"${"1".repeat(79)}"`), "measuredAt: has more than 78 digits"],
      ["a missing number", VALID.replace("nodeId", "node"), "receipts[0]: is not in canonical form"],
      ["upper-case hex", VALID.replace("0x00", "0xAA"), "receipts[0].meterLogHash: is not 32 bytes of lower-case hex"],
      ["a hash that is too short", VALID.replace("0x00", "0x"), "receipts[0].meterLogHash: is not 32 bytes"],
      ["a hash that is too long", VALID.replace("0x00", "0x0000"), "receipts[0]: is not in canonical form"],
      ["a blank", VALID.replace(",", ", "), "top level: is not in canonical form"],
      ["a blank between receipts", VALID.replace("},{", "} ,{"), "receipts: is not in canonical form"],
      ["a line end", `${VALID}\n`, `top level: is not in canonical form at byte ${VALID.length}`],
      ["an unknown key", VALID.replace("{", '{"a":"b",'), "top level: is not in canonical form"],
      ["an escaped character", VALID.replace("nodeId", "node\\u0049d"), "receipts[0]: is not in canonical form"],
    ];
    for (const [title, file, problem] of invalid) {
      it(`rejects ${title}`, () => {
        expect(() => decodeReceiptFile(toUtf8Bytes(file))).to.throw(InvalidReceiptFileError, problem);
      });
    }

    it("rejects bytes that are not UTF-8", () => {
      const file = toUtf8Bytes(VALID);
      file[0] = 0xff;
      expect(() => decodeReceiptFile(file)).to.throw(InvalidReceiptFileError, "is not in canonical form at byte 0");
    });

    it("rejects a file of no receipts", () => {
      const file = toUtf8Bytes('{"format":"turingfog-receipts-v1","receipts":[]}');
      expect(() => decodeReceiptFile(file)).to.throw(NoReceiptsError);
    });

    it("rejects receipts out of order, and the same one twice", () => {
      const [first, second] = (JSON.parse(VALID) as { receipts: unknown[] }).receipts;
      const fileOf = (receipts: unknown[]): Uint8Array =>
        toUtf8Bytes(JSON.stringify({ format: "turingfog-receipts-v1", receipts }));
      expect(() => decodeReceiptFile(fileOf([second, first]))).to.throw(
        InvalidReceiptFileError,
        "receipts[1]: is not above the receipt before in order, node, time and TU",
      );
      expect(() => decodeReceiptFile(fileOf([first, first]))).to.throw(DuplicateReceiptError);
    });

    for (const [field, bits] of Object.entries({ orderId: 256n, nodeId: 256n, cumulativeTU: 96n, measuredAt: 40n })) {
      it(`rejects a ${field} that its type cannot hold, and takes the highest that it can`, () => {
        const highest = 2n ** bits - 1n;
        const file = toUtf8String(encodeReceiptFile([{ ...metered(receiptOf(1n)), [field]: highest }]));
        expect(decodeReceiptFile(toUtf8Bytes(file))[0]).to.include({ [field]: highest });
        expect(() => decodeReceiptFile(toUtf8Bytes(file.replace(`"${highest}"`, `"${highest + 1n}"`)))).to.throw(
          OutOfRangeError,
          `${field} is ${highest + 1n}, must be from 0 to ${highest}`,
        );
      });
    }

    it("reads back what was written, and the tree of it", async () => {
      const receipts = receiptsOf(9).map(metered);
      const decoded = decodeReceiptFile(encodeReceiptFile(receipts));
      expect(decoded).to.deep.equal(receipts);
      expect((await ReceiptTree.of(decoded)).root).to.equal((await ReceiptTree.of(receiptsOf(9))).root);
    });
  });

  describe("receiptDataHash", () => {
    it("is the SHA-256 of the file's bytes, whole or in chunks", async () => {
      const file = encodeReceiptFile([metered(receiptOf(1n))]);
      expect(await receiptDataHash(file)).to.equal(sha256(file));
      expect(await receiptDataHash([file.subarray(0, 100), file.subarray(100)])).to.equal(sha256(file));
      expect(await receiptDataHash(toUtf8Bytes("abc"))).to.equal(
        "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", // FIPS 180-4, example 1
      );
    });
  });
});
