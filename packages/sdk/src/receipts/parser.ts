import { compareBytes, HASH_BYTES, hexValue } from "./bytes.js";
import { decimalToBytes, MAX_DIGITS } from "./decimal.js";
import { DuplicateReceiptError, InvalidReceiptFileError, NoReceiptsError } from "./errors.js";
import {
  AFTER_ENTRY,
  AFTER_RECEIPTS,
  BEFORE_FORMAT,
  BEFORE_RECEIPTS,
  CLOSING_BRACKET,
  COMMA,
  ENTRY,
  FORMAT,
  QUOTE,
  RECEIPT_FILE_FORMAT,
} from "./layout.js";
import { checkField, FIELD_BYTES, type MeteredReceipt, type ReceiptField } from "./receipt.js";
import { decodeRow, ROW_BYTES, ROW_FIELDS } from "./row.js";
import { Rows } from "./rows.js";

/** A part of the file: fixed text, a value, or what decides whether another receipt follows. */
type Step =
  | { kind: "text"; text: Uint8Array; of: "file" | "format" | "receipt" }
  | { kind: "value"; key: keyof MeteredReceipt }
  | { kind: "separator" }
  | { kind: "end" };

const OPENING: Step[] = [
  { kind: "text", text: BEFORE_FORMAT, of: "file" },
  { kind: "text", text: FORMAT, of: "format" },
  { kind: "text", text: BEFORE_RECEIPTS, of: "file" },
];
const STEPS: Step[] = [
  ...OPENING,
  ...ENTRY.flatMap(({ before, key }): Step[] => [
    { kind: "text", text: before, of: "receipt" },
    { kind: "value", key },
  ]),
  { kind: "text", text: AFTER_ENTRY, of: "receipt" },
  { kind: "separator" },
  { kind: "text", text: AFTER_RECEIPTS, of: "file" },
  { kind: "end" },
];
const FIRST_OF_RECEIPT = OPENING.length;
const AFTER_LIST = STEPS.length - 2;

interface Integer {
  bytes: Uint8Array;
  length: number;
}

const ZERO = 48;
const NINE = 57;

/**
 * Reads the published file as it arrives, cut anywhere, and refuses it at the first byte that cannot be there. It keeps
 * the rows alone.
 */
export class ReceiptFileParser {
  private readonly rows = new Rows();
  private step = 0;
  /** Bytes of the current step that were read. */
  private matched = 0;
  /** Bytes of the file before the current chunk. */
  private size = 0;
  private readonly digits = new Uint8Array(MAX_DIGITS);
  private readonly integers: Record<ReceiptField, Integer> = {
    orderId: newInteger(),
    nodeId: newInteger(),
    cumulativeTU: newInteger(),
    measuredAt: newInteger(),
  };
  private readonly hash = new Uint8Array(HASH_BYTES);
  private readonly row = new Uint8Array(ROW_BYTES);

  /** @param keepsHashes whether the hashes of the meter logs become part of the rows */
  constructor(private readonly keepsHashes: boolean) {}

  /** @throws InvalidReceiptFileError, OutOfRangeError, DuplicateReceiptError */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) at = this.advance(STEPS[this.step], chunk, at);
    this.size += chunk.length;
  }

  /**
   * Returns the rows, at the end of the file.
   * @throws InvalidReceiptFileError when the file goes on
   * @throws NoReceiptsError
   */
  end(): Rows {
    if (STEPS[this.step].kind !== "end") {
      throw new InvalidReceiptFileError("top level", `ends at byte ${this.size}, before it is complete`);
    }
    if (this.rows.length === 0) throw new NoReceiptsError();
    return this.rows;
  }

  /** Reads as much of a step as the chunk holds, and returns where the next step begins. */
  private advance(step: Step, chunk: Uint8Array, at: number): number {
    switch (step.kind) {
      case "text":
        return this.readText(step.text, step.of, chunk, at);
      case "value":
        return step.key === "meterLogHash" ? this.readHash(chunk, at) : this.readInteger(step.key, chunk, at);
      case "separator":
        this.appendRow();
        return this.readSeparator(chunk, at);
      case "end":
        throw this.notCanonical("top level", at);
    }
  }

  private readText(text: Uint8Array, of: "file" | "format" | "receipt", chunk: Uint8Array, at: number): number {
    for (; at < chunk.length && this.matched < text.length; ++at, ++this.matched) {
      if (chunk[at] === text[this.matched]) continue;
      if (of === "format") throw new InvalidReceiptFileError("format", `is not "${RECEIPT_FILE_FORMAT}"`);
      if (of === "file") throw this.notCanonical("top level", at);
      const isEmptyList = this.rows.length === 0 && this.step === FIRST_OF_RECEIPT && this.matched === 0;
      if (!isEmptyList || chunk[at] !== CLOSING_BRACKET) throw this.notCanonical(this.path, at);
      this.goTo(AFTER_LIST);
      return at + 1;
    }
    if (this.matched === text.length) this.goTo(this.step + 1);
    return at;
  }

  private readInteger(field: ReceiptField, chunk: Uint8Array, at: number): number {
    for (; at < chunk.length; ++at) {
      const code = chunk[at];
      if (code < ZERO || code > NINE) {
        this.finishInteger(field, code);
        return at;
      }
      if (this.matched === MAX_DIGITS) {
        throw new InvalidReceiptFileError(`${this.path}.${field}`, `has more than ${MAX_DIGITS} digits`);
      }
      this.digits[this.matched++] = code;
    }
    return at;
  }

  private finishInteger(field: ReceiptField, next: number): void {
    const digits = this.digits;
    const length = this.matched;
    if (next !== QUOTE || length === 0 || (length > 1 && digits[0] === ZERO)) {
      throw new InvalidReceiptFileError(`${this.path}.${field}`, "is not a decimal integer");
    }
    const integer = this.integers[field];
    integer.length = decimalToBytes(digits, length, integer.bytes);
    if (integer.length > FIELD_BYTES[field]) {
      checkField(field, BigInt(String.fromCharCode(...digits.subarray(0, length))));
    }
    this.goTo(this.step + 1);
  }

  private readHash(chunk: Uint8Array, at: number): number {
    for (; at < chunk.length && this.matched < 2 * HASH_BYTES; ++at, ++this.matched) {
      const value = hexValue(chunk[at]);
      if (value === undefined) {
        throw new InvalidReceiptFileError(`${this.path}.meterLogHash`, "is not 32 bytes of lower-case hex");
      }
      const index = this.matched >>> 1;
      this.hash[index] = this.matched % 2 === 0 ? value << 4 : this.hash[index] | value;
    }
    if (this.matched === 2 * HASH_BYTES) this.goTo(this.step + 1);
    return at;
  }

  private readSeparator(chunk: Uint8Array, at: number): number {
    if (chunk[at] === COMMA) this.goTo(FIRST_OF_RECEIPT);
    else if (chunk[at] === CLOSING_BRACKET) this.goTo(AFTER_LIST);
    else throw this.notCanonical("receipts", at);
    return at + 1;
  }

  /** Appends the receipt that was read, which must be above the one before. */
  private appendRow(): void {
    let length = 0;
    for (const field of ROW_FIELDS) {
      const integer = this.integers[field];
      this.row[length++] = integer.length;
      for (let i = 0; i < integer.length; ++i) this.row[length++] = integer.bytes[i];
    }
    this.checkAscending(length);
    this.row.set(this.hash, length);
    this.rows.append(this.row, this.keepsHashes ? length + HASH_BYTES : length);
  }

  private checkAscending(length: number): void {
    const last = this.rows.length - 1;
    if (last < 0) return;
    const difference = compareBytes(this.rows.bytesOf(last), this.rows.startOf(last), this.row, 0, length);
    if (difference === 0) throw new DuplicateReceiptError(decodeRow(this.row, 0));
    if (difference > 0) {
      throw new InvalidReceiptFileError(this.path, "is not above the receipt before in order, node, time and TU");
    }
  }

  private goTo(step: number): void {
    this.step = step;
    this.matched = 0;
  }

  /** The place of the current receipt in the file. */
  private get path(): string {
    return `receipts[${this.rows.length}]`;
  }

  private notCanonical(at: string, index: number): InvalidReceiptFileError {
    return new InvalidReceiptFileError(at, `is not in canonical form at byte ${this.size + index}`);
  }
}

function newInteger(): Integer {
  return { bytes: new Uint8Array(MAX_DIGITS), length: 0 };
}
