import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { BATCH_MIGRATIONS, type BatchTables, ReceiptFiles } from "@turingfog/network";
import { encodeReceiptFile, receiptDataHash } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { ZeroAddress, ZeroHash } from "ethers";

import { Stores } from "../../helpers/stores";

const fileOf = (cumulativeTU: bigint) =>
  Buffer.from(encodeReceiptFile([{ orderId: 1n, nodeId: 1n, cumulativeTU, measuredAt: 5n, meterLogHash: ZeroHash }]));

async function withFiles(test: (files: ReceiptFiles, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "turingfog-files-"));
  const stores = new Stores();
  try {
    const { db } = await stores.openNew<BatchTables>(BATCH_MIGRATIONS);
    await test(new ReceiptFiles(folder, db), folder);
  } finally {
    await stores.close();
    await rm(folder, { recursive: true });
  }
}

describe("ReceiptFiles", () => {
  it("reads two files at a time, and lets neither into the other", () =>
    withFiles(async (files, folder) => {
      const [good, bad] = [fileOf(7n), fileOf(8n)];
      const dataHash = await receiptDataHash(good);
      let release = () => {};
      const gate = new Promise<void>((resolve) => (release = resolve));
      let begin = () => {};
      const begun = new Promise<void>((resolve) => (begin = resolve));
      const slow = files.read(
        (async function* () {
          yield bad.subarray(0, 10);
          begin();
          await gate;
          yield bad.subarray(10);
        })(),
        1_000,
      );
      await begun;
      await files.keep(await files.read([good], 1_000), { interval: 1n, proposer: ZeroAddress, now: 1n });
      release();
      await files.drop(await slow);
      expect(await readFile(path.join(folder, `${dataHash}.json`))).to.deep.equal(good);
      expect(await readdir(folder)).to.deep.equal([`${dataHash}.json`]);
    }));

  it("deletes what was being read when the process ended", () =>
    withFiles(async (files, folder) => {
      await writeFile(path.join(folder, "left.part"), "half");
      await files.drop(await files.read([fileOf(7n)], 1_000));
      expect(await readdir(folder)).to.deep.equal([]);
    }));
});
