import { TuringFogError } from "../errors.js";
import type { Receipt } from "./receipt.js";

/** Thrown when a tree, a proof or a file would hold no receipts. */
export class NoReceiptsError extends TuringFogError {
  constructor() {
    super("There are no receipts");
  }
}

/** Thrown when a receipt occurs twice: one leaf can be proven only once. */
export class DuplicateReceiptError extends TuringFogError {
  constructor(readonly receipt: Receipt) {
    super(`Receipt ${describe(receipt)} occurs more than once`);
  }
}

/** Thrown when a proof is asked for a receipt that the tree does not hold. */
export class UnknownReceiptError extends TuringFogError {
  constructor(readonly receipt: Receipt) {
    super(`Receipt ${describe(receipt)} is not in the tree`);
  }
}

/** Thrown when a dumped tree is not a whole tree of receipts. */
export class InvalidReceiptTreeError extends TuringFogError {
  constructor(reason: string, options?: ErrorOptions) {
    super(`Not a tree of receipts: ${reason}`, options);
  }
}

/** Thrown when a published file is not what `encodeReceiptFile` would have written. */
export class InvalidReceiptFileError extends TuringFogError {
  constructor(
    readonly at: string,
    readonly reason: string,
  ) {
    super(`Receipt file, ${at}: ${reason}`);
  }
}

/** Thrown when a published file is longer than its reader allows; the rest of it is not read. */
export class ReceiptFileTooLargeError extends TuringFogError {
  constructor(
    /** Bytes received until the file was refused. */
    readonly size: number,
    readonly maxBytes: number,
  ) {
    super(`Receipt file: has at least ${size} bytes, must have at most ${maxBytes}`);
  }
}

function describe({ orderId, nodeId, cumulativeTU, measuredAt }: Receipt): string {
  return `(order ${orderId}, node ${nodeId}, ${cumulativeTU} TU base units, measured at ${measuredAt})`;
}
