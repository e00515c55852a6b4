import { NotIntegerError, OutOfRangeError } from "@turingfog/sdk";
import {
  decodeReceiptFile,
  encodeReceiptFile,
  InvalidReceiptFileError,
  type MeteredReceipt,
  readMeteredReceiptFile,
  readReceiptFile,
  type Receipt,
  receiptDataHash,
  ReceiptFileTooLargeError,
  ReceiptTree,
} from "@turingfog/sdk/wire";
import { expect } from "chai";
import { sha256, toUtf8Bytes } from "ethers";

import { expectRejection, metered, Random, receiptOf, receiptsOf, SEED } from "./helpers";
import { referenceRead } from "./reference";

/** Numbers at both ends of their types, so that a changed byte of their file can break any rule. */
const RECEIPTS: Receipt[] = [
  { orderId: 0n, nodeId: 0n, cumulativeTU: 0n, measuredAt: 0n },
  { orderId: 7n, nodeId: 9n, cumulativeTU: 2n ** 96n - 1n, measuredAt: 2n ** 40n - 1n },
  { orderId: 7n, nodeId: 10n, cumulativeTU: 10n ** 18n, measuredAt: 1_800_000_000n },
  { orderId: 2n ** 64n, nodeId: 2n ** 256n - 1n, cumulativeTU: 1n, measuredAt: 1n },
  { orderId: 2n ** 64n, nodeId: 2n ** 256n - 1n, cumulativeTU: 2n, measuredAt: 1n },
];
const EDGES = encodeReceiptFile(RECEIPTS.map(metered));

/** Returns what a reader makes of a file: its receipts, or the name of the error. */
function verdictOf(read: (file: Uint8Array) => MeteredReceipt[], file: Uint8Array): MeteredReceipt[] | string {
  try {
    return read(file);
  } catch (error) {
    return (error as Error).name;
  }
}

function expectSameVerdict(file: Uint8Array): void {
  expect(verdictOf(decodeReceiptFile, file), Buffer.from(file).toString("latin1")).to.deep.equal(
    verdictOf(referenceRead, file),
  );
}

/** Goes on with receipts as long as it is read, and counts the bytes; far beyond any limit it fails. */
class EndlessFile {
  sent = 0;

  async *chunks(): AsyncGenerator<Uint8Array> {
    yield this.send('{"format":"turingfog-receipts-v1","receipts":[');
    for (let serial = 1; ; ++serial) {
      const entry =
        `{"cumulativeTU":"1","measuredAt":"1","meterLogHash":"0x${"ab".repeat(32)}",` +
        `"nodeId":"1","orderId":"${serial}"},`;
      yield this.send(entry);
    }
  }

  private send(text: string): Uint8Array {
    if (this.sent > 1_000_000) throw new Error("Read far beyond the limit");
    this.sent += text.length;
    return toUtf8Bytes(text);
  }
}

describe("receipt file reader", () => {
  describe("beside a reader that parses and writes the file again", () => {
    it("takes the file itself", () => {
      expect(verdictOf(referenceRead, EDGES)).to.be.an("array").with.length(5);
      expectSameVerdict(EDGES);
    });

    it("judges every change of a byte alike", () => {
      const values = [...toUtf8Bytes('0123456789abfAF"{}[]:,\\ -.xn'), 0x00, 0x0a, 0x7f, 0x80, 0xff];
      for (let at = 0; at < EDGES.length; ++at) {
        const flips = Array.from({ length: 8 }, (_, bit) => EDGES[at] ^ (1 << bit));
        for (const value of [...values, ...flips]) {
          const file = EDGES.slice();
          file[at] = value;
          expectSameVerdict(file);
        }
      }
    });

    it("judges every loss and every gain of a byte alike", () => {
      for (let at = 0; at <= EDGES.length; ++at) {
        const [head, tail] = [EDGES.subarray(0, at), EDGES.subarray(at)];
        expectSameVerdict(head.slice());
        if (at < EDGES.length) expectSameVerdict(Uint8Array.from([...head, ...tail.subarray(1)]));
        for (const value of toUtf8Bytes('09a" ,]}')) expectSameVerdict(Uint8Array.from([...head, value, ...tail]));
      }
    });

    it(`reads random files alike (SEED=${SEED})`, () => {
      const random = new Random(SEED);
      for (let run = 0; run < 50; ++run) {
        expectSameVerdict(encodeReceiptFile(random.receipts(1 + random.below(40)).map(metered)));
      }
    });
  });

  describe("readReceiptFile", () => {
    it("reads a file that is cut anywhere", async () => {
      for (let at = 0; at <= EDGES.length; ++at) {
        const file = await readMeteredReceiptFile([EDGES.subarray(0, at), EDGES.subarray(at)]);
        expect([...file.receipts.metered()]).to.deep.equal(RECEIPTS.map(metered));
        expect(file.dataHash).to.equal(sha256(EDGES));
      }
    });

    it("reads a file that arrives byte by byte, through one buffer", async () => {
      async function* chunks(): AsyncGenerator<Uint8Array> {
        const buffer = new Uint8Array(1);
        for (const byte of EDGES) {
          buffer[0] = byte;
          yield buffer;
        }
      }
      const { receipts, dataHash } = await readReceiptFile(chunks());
      expect([...receipts]).to.deep.equal(RECEIPTS);
      expect(dataHash).to.equal(sha256(EDGES));
    });

    it("says at which byte of all chunks a file is wrong", async () => {
      const file = EDGES.slice();
      const wrong = Buffer.from(EDGES).lastIndexOf("nodeId");
      file[wrong] = 0;
      await expectRejection(
        readReceiptFile([file.subarray(0, 200), file.subarray(200, 290), file.subarray(290)]),
        InvalidReceiptFileError,
        `receipts[4]: is not in canonical form at byte ${wrong}`,
      );
    });

    it("asks for nothing behind the first wrong byte", async () => {
      async function* chunks(): AsyncGenerator<Uint8Array> {
        yield toUtf8Bytes('{"format":"turingfog-receipts-v2');
        throw new Error("read on");
      }
      await expectRejection(readReceiptFile(chunks()), InvalidReceiptFileError, "format");
    });

    it("rejects a file that ends early", async () => {
      await expectRejection(readReceiptFile([EDGES.subarray(0, 400)]), InvalidReceiptFileError, "ends at byte 400");
    });

    it("takes a file of as many bytes as allowed, and refuses one more", async () => {
      const chunks = [EDGES.subarray(0, 500), EDGES.subarray(500)];
      expect((await readReceiptFile(chunks, { maxBytes: EDGES.length })).receipts.length).to.equal(5);
      await expectRejection(
        readReceiptFile(chunks, { maxBytes: EDGES.length - 1 }),
        ReceiptFileTooLargeError,
        `has at least ${EDGES.length} bytes, must have at most ${EDGES.length - 1}`,
      );
    });

    it("refuses a file without an end as soon as it is too large", async () => {
      const file = new EndlessFile();
      const reading = readReceiptFile(file.chunks(), { maxBytes: 100_000 });
      await expectRejection(reading, ReceiptFileTooLargeError, "must have at most 100000");
      expect(file.sent).to.be.within(100_001, 100_300);
    });

    it("refuses a limit that is none", async () => {
      await expectRejection(readReceiptFile([EDGES], { maxBytes: 0 }), OutOfRangeError, "maxBytes is 0");
      for (const maxBytes of [NaN, 1.5, Infinity]) {
        await expectRejection(readReceiptFile([EDGES], { maxBytes }), NotIntegerError, `maxBytes is ${maxBytes}`);
      }
    });

    it("reads a web stream, and cancels one that it refuses", async () => {
      let isCancelled = false;
      const streamOf = (...chunks: Uint8Array[]) =>
        new ReadableStream<Uint8Array>({
          pull(controller) {
            const chunk = chunks.shift();
            if (chunk === undefined) controller.close();
            else controller.enqueue(chunk);
          },
          cancel() {
            isCancelled = true;
          },
        });
      const { receipts, dataHash } = await readReceiptFile(streamOf(EDGES.subarray(0, 10), EDGES.subarray(10)));
      expect(dataHash).to.equal(await receiptDataHash(EDGES));
      expect(receipts.length).to.be.greaterThan(0);
      expect(isCancelled).to.equal(false);

      await expectRejection(
        readReceiptFile(streamOf(EDGES, EDGES, EDGES, EDGES), { maxBytes: EDGES.length }),
        ReceiptFileTooLargeError,
      );
      expect(isCancelled).to.equal(true);
    });

    it("leads to the same tree as the receipts themselves", async () => {
      const { receipts } = await readReceiptFile([encodeReceiptFile(receiptsOf(20).map(metered))]);
      const tree = await ReceiptTree.of(receipts);
      expect(tree.root).to.equal((await ReceiptTree.of(receiptsOf(20))).root);
      expect(tree.multiproof([receiptOf(3n)]).receipts).to.deep.equal([receiptOf(3n)]);
    });

    it("keeps the hashes of meter logs out of a tree", async () => {
      const { receipts } = await readMeteredReceiptFile([encodeReceiptFile([metered(receiptOf(1n))])]);
      expect(receipts.meteredAt(0)).to.deep.equal(metered(receiptOf(1n)));
      expect((await ReceiptTree.of(receipts)).multiproof().receipts).to.deep.equal([receiptOf(1n)]);
    });
  });
});
