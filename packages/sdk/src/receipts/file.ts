import { createSHA256 } from "hash-wasm";

import { checkCount } from "../errors.js";
import { hashToHex } from "./bytes.js";
import { NoReceiptsError, ReceiptFileTooLargeError } from "./errors.js";
import { ReceiptFileParser } from "./parser.js";
import type { MeteredReceipt } from "./receipt.js";
import type { Rows } from "./rows.js";
import { MeteredReceiptTable, ReceiptTable } from "./table.js";
import { ascendingRows, writeRows } from "./writer.js";

/**
 * The bytes of a file in any parts, such as a Node stream or the body of a response. A chunk is done with when the next
 * one is asked for, so its buffer may be used again.
 */
export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array> | WebStream;

/** The part of a web ReadableStream that is used: not every browser iterates one. */
export interface WebStream {
  getReader(): {
    read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
    cancel(reason?: unknown): Promise<void>;
  };
}

/** Returns the chunks one by one; a stream that is not read to its end is cancelled. */
async function* chunksOf(chunks: Chunks): AsyncGenerator<Uint8Array> {
  if (!("getReader" in chunks)) {
    yield* chunks;
    return;
  }
  const reader = chunks.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || value === undefined) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}

/** A published file that was read and found in order. */
export interface ReceiptFile<Table extends ReceiptTable = ReceiptTable> {
  receipts: Table;
  /** SHA-256 of the file's bytes: the `dataHash` that the quorum signs with the root. */
  dataHash: string;
}

export interface ReceiptFileLimits {
  /** The most bytes of the file; 200 MiB by default, or 200 bytes for each of 2²⁰ receipts. */
  maxBytes?: number;
}

const DEFAULT_MAX_BYTES = 200 * 2 ** 20;

/**
 * Writes the published receipt file, chunk by chunk: JSON in the canonical form of RFC 8785, receipts in ascending
 * order of order, node, time and TU. So the same receipts make the same bytes for every writer.
 * @throws NoReceiptsError, OutOfRangeError, DuplicateReceiptError, InvalidReceiptFileError before the first chunk
 */
export function writeReceiptFile(receipts: Iterable<MeteredReceipt> | MeteredReceiptTable): Iterable<Uint8Array> {
  const { rows } = receipts instanceof MeteredReceiptTable ? receipts : MeteredReceiptTable.of(receipts);
  if (rows.length === 0) throw new NoReceiptsError();
  const order = ascendingRows(rows);
  return { [Symbol.iterator]: () => writeRows(rows, order)[Symbol.iterator]() };
}

/**
 * Reads a published receipt file as it arrives. `ReceiptTree.of` its receipts for the root: a signer signs, and an
 * auditor trusts, only a root and a `dataHash` that both agree with it.
 * @throws ReceiptFileTooLargeError before a chunk that would exceed the limit is read
 * @throws InvalidReceiptFileError, OutOfRangeError, DuplicateReceiptError, NoReceiptsError at the first byte that
 * differs from what `writeReceiptFile` writes, or at the end of the number that it stands in
 */
export async function readReceiptFile(chunks: Chunks, limits: ReceiptFileLimits = {}): Promise<ReceiptFile> {
  const { rows, dataHash } = await read(chunks, new ReceiptFileParser(false), limits);
  return { receipts: new ReceiptTable(rows), dataHash };
}

/** Reads a published receipt file with the hashes of its meter logs, in twice the memory; see `readReceiptFile`. */
export async function readMeteredReceiptFile(
  chunks: Chunks,
  limits: ReceiptFileLimits = {},
): Promise<ReceiptFile<MeteredReceiptTable>> {
  const { rows, dataHash } = await read(chunks, new ReceiptFileParser(true), limits);
  return { receipts: new MeteredReceiptTable(rows), dataHash };
}

/**
 * Writes a published receipt file in one piece; see `writeReceiptFile`.
 * @throws NoReceiptsError, OutOfRangeError, DuplicateReceiptError, InvalidReceiptFileError
 */
export function encodeReceiptFile(receipts: Iterable<MeteredReceipt> | MeteredReceiptTable): Uint8Array {
  const chunks = [...writeReceiptFile(receipts)];
  const file = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    file.set(chunk, at);
    at += chunk.length;
  }
  return file;
}

/**
 * Reads a published receipt file in one piece; see `readReceiptFile`.
 * @throws InvalidReceiptFileError, OutOfRangeError, DuplicateReceiptError, NoReceiptsError when a single byte differs
 * from what `encodeReceiptFile` writes
 */
export function decodeReceiptFile(file: Uint8Array): MeteredReceipt[] {
  const parser = new ReceiptFileParser(true);
  parser.push(file);
  return [...new MeteredReceiptTable(parser.end()).metered()];
}

/** Returns the SHA-256 of a published receipt file: the `dataHash` that the quorum signs with the root. */
export async function receiptDataHash(file: Uint8Array | Chunks): Promise<string> {
  const sha256 = await createSHA256();
  sha256.init();
  for await (const chunk of chunksOf(file instanceof Uint8Array ? [file] : file)) sha256.update(chunk);
  return hashToHex(sha256.digest("binary"));
}

async function read(
  chunks: Chunks,
  parser: ReceiptFileParser,
  { maxBytes = DEFAULT_MAX_BYTES }: ReceiptFileLimits,
): Promise<{ rows: Rows; dataHash: string }> {
  checkCount("maxBytes", maxBytes, 1);
  const sha256 = await createSHA256();
  sha256.init();
  let size = 0;
  for await (const chunk of chunksOf(chunks)) {
    size += chunk.length;
    if (size > maxBytes) throw new ReceiptFileTooLargeError(size, maxBytes);
    parser.push(chunk);
    sha256.update(chunk);
  }
  return { rows: parser.end(), dataHash: hashToHex(sha256.digest("binary")) };
}
