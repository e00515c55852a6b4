export { type ReceiptTreeData } from "./dump.js";
export {
  DuplicateReceiptError,
  InvalidReceiptFileError,
  InvalidReceiptTreeError,
  NoReceiptsError,
  ReceiptFileTooLargeError,
  UnknownReceiptError,
} from "./errors.js";
export {
  decodeReceiptFile,
  encodeReceiptFile,
  readMeteredReceiptFile,
  readReceiptFile,
  receiptDataHash,
  writeReceiptFile,
  type Chunks,
  type ReceiptFile,
  type ReceiptFileLimits,
  type WebStream,
} from "./file.js";
export { RECEIPT_FILE_FORMAT } from "./layout.js";
export { RECEIPT_LEAF_ENCODING, type MeteredReceipt, type Multiproof, type Receipt } from "./receipt.js";
export { type SliceLimits } from "./slices.js";
export { MeteredReceiptTable, ReceiptTable } from "./table.js";
export { ReceiptTree } from "./tree.js";
