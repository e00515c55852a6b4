import { checkCount } from "../errors.js";
import { type MeteredReceipt, type Receipt } from "./receipt.js";
import { decodeMeterLogHash, decodeRow, encodeMeterLogHash, encodeRow, ROW_BYTES } from "./row.js";
import { Rows } from "./rows.js";

/** Holds receipts in flat buffers, in the order in which they were given. */
export class ReceiptTable implements Iterable<Receipt> {
  /** @param rows the storage, which this folder alone reads and nobody changes */
  constructor(readonly rows: Rows) {}

  /** @throws OutOfRangeError */
  static of(receipts: Iterable<Receipt>): ReceiptTable {
    const rows = new Rows();
    const row = new Uint8Array(ROW_BYTES);
    for (const receipt of receipts) rows.append(row, encodeRow(receipt, row));
    return new ReceiptTable(rows);
  }

  get length(): number {
    return this.rows.length;
  }

  /** @throws OutOfRangeError */
  at(index: number): Receipt {
    this.checkIndex(index);
    return decodeRow(this.rows.bytesOf(index), this.rows.startOf(index));
  }

  /** Returns the receipts that a condition holds for. */
  filter(condition: (receipt: Receipt) => boolean): Receipt[] {
    const found: Receipt[] = [];
    for (const receipt of this) if (condition(receipt)) found.push(receipt);
    return found;
  }

  *[Symbol.iterator](): Iterator<Receipt> {
    for (let index = 0; index < this.length; ++index) yield this.at(index);
  }

  protected checkIndex(index: number): void {
    checkCount("index", index, 0, this.length - 1);
  }
}

/** Holds receipts with the hashes of their meter logs. */
export class MeteredReceiptTable extends ReceiptTable {
  /** @throws OutOfRangeError, InvalidReceiptFileError */
  static override of(receipts: Iterable<MeteredReceipt>): MeteredReceiptTable {
    const rows = new Rows();
    const row = new Uint8Array(ROW_BYTES);
    for (const receipt of receipts) {
      const at = `receipts[${rows.length}].meterLogHash`;
      rows.append(row, encodeMeterLogHash(receipt.meterLogHash, row, encodeRow(receipt, row), at));
    }
    return new MeteredReceiptTable(rows);
  }

  /** @throws OutOfRangeError */
  meteredAt(index: number): MeteredReceipt {
    const { orderId, nodeId, cumulativeTU, measuredAt } = this.at(index);
    const meterLogHash = decodeMeterLogHash(this.rows.bytesOf(index), this.rows.startOf(index));
    return { orderId, nodeId, cumulativeTU, measuredAt, meterLogHash };
  }

  *metered(): Generator<MeteredReceipt> {
    for (let index = 0; index < this.length; ++index) yield this.meteredAt(index);
  }
}
