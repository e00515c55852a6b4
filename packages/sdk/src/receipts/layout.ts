import { ascii } from "./bytes.js";
import type { MeteredReceipt } from "./receipt.js";

/** Names the layout of the published file; another layout gets another name. */
export const RECEIPT_FILE_FORMAT = "turingfog-receipts-v1";

export const BEFORE_FORMAT = ascii('{"format":"');
export const FORMAT = ascii(RECEIPT_FILE_FORMAT);
export const BEFORE_RECEIPTS = ascii('","receipts":[');

/** The text of a receipt in the canonical form of RFC 8785: the keys in alphabetical order, each before its value. */
export const ENTRY: readonly { before: Uint8Array; key: keyof MeteredReceipt }[] = [
  { before: ascii('{"cumulativeTU":"'), key: "cumulativeTU" },
  { before: ascii('","measuredAt":"'), key: "measuredAt" },
  { before: ascii('","meterLogHash":"0x'), key: "meterLogHash" },
  { before: ascii('","nodeId":"'), key: "nodeId" },
  { before: ascii('","orderId":"'), key: "orderId" },
];
export const AFTER_ENTRY = ascii('"}');

export const COMMA = 0x2c;
export const QUOTE = 0x22;
export const CLOSING_BRACKET = 0x5d;
export const AFTER_RECEIPTS = ascii("}");
