import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";

import type { Kysely } from "kysely";

import { type MeteredReceiptTable, readMeteredReceiptFile, ReceiptTree } from "@turingfog/sdk/wire";
import { step } from "../../runtime/index.js";
import { fromBlob, toBlob, toBytes, fromBytes } from "../../store/index.js";
import type { RuledReceipt } from "../rules/index.js";
import type { BatchTables } from "./tables.js";

/** Rows of one statement: each takes five parameters. */
const MOST_ROWS = 500;

/** A receipt file that was read and found in order. */
export interface ReadFile {
  receipts: MeteredReceiptTable;
  dataHash: string;
  receiptsRoot: string;
  bytes: number;
  /** Where it lies until it is kept or dropped. */
  temporary: string;
}

/** A file that this signer signs. */
export interface KeptFile {
  dataHash: string;
  receiptsRoot: string;
  number: bigint;
  interval: bigint;
  proposer: string;
  bytes: bigint;
  storedAt: bigint;
  quorumAt: bigint | null;
  isGone: boolean;
}

export const FILE_STEPS = ["signer.file.before-write", "signer.file.written", "signer.file.stored"] as const;

/** The receipt files that this signer signs: on its disk, with their receipts in its store. */
export class ReceiptFiles {
  private isReady?: Promise<void>;

  constructor(
    private readonly folder: string,
    private readonly db: Kysely<BatchTables>,
  ) {}

  /**
   * Reads a file as it comes, and writes it down. Stops at the first byte that cannot be there.
   * @throws ReceiptFileTooLargeError, InvalidReceiptFileError, OutOfRangeError, DuplicateReceiptError, NoReceiptsError
   */
  async read(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, maxBytes: number): Promise<ReadFile> {
    await (this.isReady ??= this.prepare());
    // two signers may send a file of one name, of which one lies
    const temporary = path.join(this.folder, `${randomUUID()}.part`);
    const handle = await open(temporary, "wx", 0o600);
    try {
      let bytes = 0;
      const written = async function* () {
        for await (const chunk of chunks) {
          bytes += chunk.length;
          yield chunk;
          await handle.writeFile(chunk);
        }
      };
      const { receipts, dataHash } = await readMeteredReceiptFile(written(), { maxBytes });
      await handle.sync();
      return { receipts, dataHash, receiptsRoot: (await ReceiptTree.of(receipts)).root, bytes, temporary };
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
  }

  async drop({ temporary }: ReadFile): Promise<void> {
    await rm(temporary, { force: true });
  }

  /** Keeps a file that this signer is going to sign: once it resolves, both the file and the intent survive. */
  async keep(file: ReadFile, { interval, proposer, now }: { interval: bigint; proposer: string; now: bigint }) {
    const { dataHash, receiptsRoot, bytes, receipts, temporary } = file;
    step("signer.file.before-write");
    await rename(temporary, this.pathOf(dataHash));
    await syncFolder(this.folder);
    step("signer.file.written");
    const data_hash = toBytes(dataHash);
    await this.db.transaction().execute(async (transaction) => {
      const known = await transaction
        .selectFrom("batch_files")
        .select("number")
        .where("data_hash", "=", data_hash)
        .execute();
      if (known.length > 0) return;
      const { last } = await transaction
        .selectFrom("batch_files")
        .select((select) => select.fn.max("number").as("last"))
        .executeTakeFirstOrThrow();
      const number = BigInt(last ?? 0) + 1n;
      await transaction
        .insertInto("batch_files")
        .values({
          data_hash,
          receipts_root: toBytes(receiptsRoot),
          number,
          interval,
          proposer: toBytes(proposer),
          bytes: BigInt(bytes),
          stored_at: now,
          quorum_at: null,
          gone: 0n,
        })
        .execute();
      const rows = Array.from(receipts, ({ orderId, nodeId, cumulativeTU, measuredAt }) => ({
        data_hash,
        order_id: toBlob(orderId),
        node_id: toBlob(nodeId),
        cumulative_tu: toBlob(cumulativeTU),
        measured_at: measuredAt,
      }));
      for (let i = 0; i < rows.length; i += MOST_ROWS) {
        await transaction
          .insertInto("batch_receipts")
          .values(rows.slice(i, i + MOST_ROWS))
          .execute();
      }
    });
    step("signer.file.stored");
  }

  /** Counts a kept file among those of a later interval, in which it was proposed again. */
  async move(dataHash: string, { interval, proposer, now }: { interval: bigint; proposer: string; now: bigint }) {
    await this.db
      .updateTable("batch_files")
      .set({ interval, proposer: toBytes(proposer), stored_at: now })
      .where("data_hash", "=", toBytes(dataHash))
      .execute();
  }

  /** Returns the bytes of a file that is kept. */
  stream(dataHash: string): ReturnType<typeof createReadStream> {
    return createReadStream(this.pathOf(dataHash));
  }

  async find(dataHash: string): Promise<KeptFile | undefined> {
    const row = await this.db
      .selectFrom("batch_files")
      .selectAll()
      .where("data_hash", "=", toBytes(dataHash))
      .executeTakeFirst();
    return row && keptFile(row);
  }

  /** Returns all files that were not deleted, by their number. */
  async all(): Promise<KeptFile[]> {
    const rows = await this.db.selectFrom("batch_files").selectAll().where("gone", "=", 0n).orderBy("number").execute();
    return rows.map(keptFile);
  }

  /** Returns files after a number, deleted ones too. */
  async after(number: bigint, most: number): Promise<KeptFile[]> {
    const rows = await this.db
      .selectFrom("batch_files")
      .selectAll()
      .where("number", ">", number)
      .orderBy("number")
      .limit(most)
      .execute();
    return rows.map(keptFile);
  }

  /** Returns every receipt of the files, by order and node; `batch` is the file's number. */
  async receipts(): Promise<ReceiptIndex> {
    const rows = await this.db
      .selectFrom("batch_receipts")
      .innerJoin("batch_files", "batch_files.data_hash", "batch_receipts.data_hash")
      .select(["batch_receipts.data_hash", "order_id", "node_id", "cumulative_tu", "measured_at", "number"])
      .orderBy("number")
      .execute();
    const index = new ReceiptIndex();
    for (const row of rows) {
      index.add(fromBlob(row.order_id), fromBlob(row.node_id), {
        dataHash: fromBytes(row.data_hash),
        cumulativeTU: fromBlob(row.cumulative_tu),
        measuredAt: row.measured_at,
        batch: row.number,
      });
    }
    return index;
  }

  /** Deletes a file, of which its root and size stay known. */
  async forget(dataHash: string): Promise<void> {
    const data_hash = toBytes(dataHash);
    await this.db.transaction().execute(async (transaction) => {
      await transaction.updateTable("batch_files").set({ gone: 1n }).where("data_hash", "=", data_hash).execute();
      await transaction.deleteFrom("batch_receipts").where("data_hash", "=", data_hash).execute();
      await transaction.deleteFrom("batch_signatures").where("data_hash", "=", data_hash).execute();
    });
    await rm(this.pathOf(dataHash), { force: true });
  }

  /** Makes the folder, and deletes what was being read when the process ended. */
  private async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    const left = (await readdir(this.folder)).filter((name) => name.endsWith(".part"));
    await Promise.all(left.map((name) => rm(path.join(this.folder, name), { force: true })));
  }

  private pathOf(dataHash: string): string {
    return path.join(this.folder, `${dataHash}.json`);
  }
}

/** A receipt in a file that this signer signs. */
export interface FiledReceipt extends RuledReceipt {
  dataHash: string;
  cumulativeTU: bigint;
}

/** Receipts by order and node. */
export class ReceiptIndex {
  private readonly byChain = new Map<string, FiledReceipt[]>();

  add(orderId: bigint, nodeId: bigint, receipt: FiledReceipt): void {
    const key = `${orderId} ${nodeId}`;
    const found = this.byChain.get(key);
    if (found === undefined) this.byChain.set(key, [receipt]);
    else found.push(receipt);
  }

  of(orderId: bigint, nodeId: bigint): readonly FiledReceipt[] {
    return this.byChain.get(`${orderId} ${nodeId}`) ?? [];
  }

  *chains(): Generator<{ orderId: bigint; nodeId: bigint; receipts: readonly FiledReceipt[] }> {
    for (const [key, receipts] of this.byChain) {
      const [orderId, nodeId] = key.split(" ").map(BigInt);
      yield { orderId, nodeId, receipts };
    }
  }
}

function keptFile(row: BatchTables["batch_files"]): KeptFile {
  return {
    dataHash: fromBytes(row.data_hash),
    receiptsRoot: fromBytes(row.receipts_root),
    number: row.number,
    interval: row.interval,
    proposer: fromBytes(row.proposer),
    bytes: row.bytes,
    storedAt: row.stored_at,
    quorumAt: row.quorum_at,
    isGone: row.gone === 1n,
  };
}

/** Makes a renamed file survive a loss of power. */
async function syncFolder(folder: string): Promise<void> {
  const handle: FileHandle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
