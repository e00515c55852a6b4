import { OutOfRangeError } from "@turingfog/sdk";
import {
  DuplicateReceiptError,
  InvalidReceiptFileError,
  type MeteredReceipt,
  NoReceiptsError,
} from "@turingfog/sdk/wire";

const BITS = { orderId: 256n, nodeId: 256n, measuredAt: 40n, cumulativeTU: 96n };
const FIELDS = ["orderId", "nodeId", "measuredAt", "cumulativeTU"] as const;

/**
 * Reads a receipt file in the slow and plain way: parses it whole, writes it again and compares the bytes. No number
 * may have more than the 78 digits of the highest uint256.
 */
export function referenceRead(file: Uint8Array): MeteredReceipt[] {
  const content = parse(file);
  if (content?.format !== "turingfog-receipts-v1" || !Array.isArray(content.receipts)) invalid("layout");
  const receipts = (content.receipts as unknown[]).map(readReceipt);
  if (receipts.length === 0) throw new NoReceiptsError();
  const keys = receipts.map((receipt) => FIELDS.map((field) => receipt[field].toString().padStart(78, "0")).join());
  receipts.forEach((receipt, i) => {
    for (const field of FIELDS) {
      const maximum = 2n ** BITS[field] - 1n;
      if (receipt[field] > maximum) throw new OutOfRangeError(field, receipt[field], 0n, maximum);
    }
    if (keys.indexOf(keys[i]) !== i) throw new DuplicateReceiptError(receipt);
  });
  const written = receipts
    .map(({ cumulativeTU, measuredAt, meterLogHash, nodeId, orderId }, i) => ({
      key: keys[i],
      text: JSON.stringify({
        cumulativeTU: `${cumulativeTU}`,
        measuredAt: `${measuredAt}`,
        meterLogHash,
        nodeId: `${nodeId}`,
        orderId: `${orderId}`,
      }),
    }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ text }) => text);
  const whole = `{"format":"turingfog-receipts-v1","receipts":[${written.join()}]}`;
  if (!Buffer.from(whole).equals(file)) invalid("bytes");
  return receipts;
}

function parse(file: Uint8Array): Record<string, unknown> | null {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(file)) as Record<string, unknown> | null;
  } catch {
    return invalid("JSON");
  }
}

function readReceipt(entry: unknown): MeteredReceipt {
  const { orderId, nodeId, cumulativeTU, measuredAt, meterLogHash } = (entry ?? {}) as Record<string, unknown>;
  const [order, node, tu, time] = [orderId, nodeId, cumulativeTU, measuredAt].map((value) =>
    typeof value === "string" && /^(0|[1-9]\d{0,77})$/.test(value) ? BigInt(value) : invalid("number"),
  );
  if (typeof meterLogHash !== "string" || !/^0x[0-9a-f]{64}$/.test(meterLogHash)) invalid("hash");
  return { orderId: order, nodeId: node, cumulativeTU: tu, measuredAt: time, meterLogHash };
}

function invalid(part: string): never {
  throw new InvalidReceiptFileError(part, "is wrong");
}
