import { HASH_BYTES, writeHash } from "./bytes.js";
import { MAX_DIGITS, writeDecimal } from "./decimal.js";
import { DuplicateReceiptError } from "./errors.js";
import {
  AFTER_ENTRY,
  AFTER_RECEIPTS,
  BEFORE_FORMAT,
  BEFORE_RECEIPTS,
  CLOSING_BRACKET,
  COMMA,
  ENTRY,
  FORMAT,
} from "./layout.js";
import type { ReceiptField } from "./receipt.js";
import { compareRows, decodeRow, ROW_FIELDS } from "./row.js";
import type { Rows } from "./rows.js";

const CHUNK_BYTES = 65_536;

/** More than any receipt takes. */
const ENTRY_BYTES = ENTRY.reduce((sum, { before }) => sum + before.length + MAX_DIGITS, AFTER_ENTRY.length + 1);

/**
 * Returns the rows in ascending order.
 * @throws DuplicateReceiptError
 */
export function ascendingRows(rows: Rows): Uint32Array {
  const order = new Uint32Array(rows.length).map((_, row) => row);
  order.sort((a, b) => compareRows(rows, a, b));
  for (let i = 1; i < order.length; ++i) {
    if (compareRows(rows, order[i - 1], order[i]) !== 0) continue;
    throw new DuplicateReceiptError(decodeRow(rows.bytesOf(order[i]), rows.startOf(order[i])));
  }
  return order;
}

/** Writes the published file of rows with meter logs, in chunks that its reader may keep. */
export function* writeRows(rows: Rows, order: Uint32Array): Generator<Uint8Array> {
  const writer = new ChunkWriter();
  writer.put(BEFORE_FORMAT);
  writer.put(FORMAT);
  writer.put(BEFORE_RECEIPTS);
  for (let i = 0; i < order.length; ++i) {
    if (i > 0) writer.putByte(COMMA);
    writer.putRow(rows.bytesOf(order[i]), rows.startOf(order[i]));
    if (writer.isFull) yield writer.take();
  }
  writer.putByte(CLOSING_BRACKET);
  writer.put(AFTER_RECEIPTS);
  yield writer.take();
}

class ChunkWriter {
  private readonly buffer = new Uint8Array(CHUNK_BYTES);
  private length = 0;
  /** The start of each field's bytes in the current row; their number stands in the byte before. */
  private readonly starts: Record<ReceiptField, number> = { orderId: 0, nodeId: 0, cumulativeTU: 0, measuredAt: 0 };

  /** Says whether another receipt might not fit. */
  get isFull(): boolean {
    return this.length + 2 * ENTRY_BYTES > CHUNK_BYTES;
  }

  take(): Uint8Array {
    const chunk = this.buffer.slice(0, this.length);
    this.length = 0;
    return chunk;
  }

  putByte(byte: number): void {
    this.buffer[this.length++] = byte;
  }

  put(bytes: Uint8Array): void {
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  putRow(bytes: Uint8Array, start: number): void {
    let at = start;
    for (const field of ROW_FIELDS) {
      this.starts[field] = at + 1;
      at += 1 + bytes[at];
    }
    for (const { before, key } of ENTRY) {
      this.put(before);
      if (key === "meterLogHash") {
        writeHash(bytes, at, this.buffer, this.length);
        this.length += 2 * HASH_BYTES;
      } else {
        const field = this.starts[key];
        this.length = writeDecimal(bytes, field, bytes[field - 1], this.buffer, this.length);
      }
    }
    this.put(AFTER_ENTRY);
  }
}
