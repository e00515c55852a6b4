import { InvalidReceiptTreeError } from "./errors.js";
import { RECEIPT_LEAF_ENCODING, type Receipt } from "./receipt.js";

/** A tree as OpenZeppelin's library dumps it; integers are decimal strings, so that it is plain JSON. */
export interface ReceiptTreeData {
  format: "standard-v1";
  leafEncoding: string[];
  /** All nodes, from the root on. */
  tree: string[];
  /** The receipts in the order in which they were given, with the nodes of their leaves. */
  values: { value: DumpedReceipt; treeIndex: number }[];
}

export type DumpedReceipt = [orderId: string, nodeId: string, cumulativeTU: string, measuredAt: string];

export function dumpReceipt({ orderId, nodeId, cumulativeTU, measuredAt }: Receipt): DumpedReceipt {
  return [orderId.toString(), nodeId.toString(), cumulativeTU.toString(), measuredAt.toString()];
}

/**
 * Reads the receipts of a dump, without comparing them with its nodes.
 * @throws InvalidReceiptTreeError
 */
export function dumpedReceipts(data: ReceiptTreeData): Receipt[] {
  if (typeof data !== "object" || data === null) {
    throw new InvalidReceiptTreeError(`it is ${JSON.stringify(data) ?? "undefined"}, not an object`);
  }
  if (data.format !== "standard-v1") {
    throw new InvalidReceiptTreeError(`its format is ${JSON.stringify(data.format)}, not "standard-v1"`);
  }
  if (JSON.stringify(data.leafEncoding) !== JSON.stringify(RECEIPT_LEAF_ENCODING)) {
    throw new InvalidReceiptTreeError(`its leaves are (${data.leafEncoding}), not (${RECEIPT_LEAF_ENCODING})`);
  }
  const missing = (["tree", "values"] as const).filter((key) => !Array.isArray(data[key]));
  if (missing.length !== 0) {
    throw new InvalidReceiptTreeError(`${missing.join(" and ")} missing: its nodes and its values must be arrays`);
  }
  // unlike map, Array.from does not pass over holes
  return Array.from(data.values, (entry, index) => {
    const fields: unknown = entry?.value;
    const hasAll = Array.isArray(fields) && Array.from<unknown>(fields).every(isDecimal);
    if (!hasAll || fields.length !== RECEIPT_LEAF_ENCODING.length) {
      throw new InvalidReceiptTreeError(`values[${index}] is not a receipt of four decimal integers`);
    }
    const [orderId, nodeId, cumulativeTU, measuredAt] = fields.map(BigInt);
    return { orderId, nodeId, cumulativeTU, measuredAt };
  });
}

/**
 * Checks that a dump is what its receipts make.
 * @param whole the dump of the tree that was built of its receipts
 * @throws InvalidReceiptTreeError
 */
export function checkDump(data: ReceiptTreeData, whole: ReceiptTreeData): void {
  if (data.tree.length !== whole.tree.length) {
    throw new InvalidReceiptTreeError(
      `it has ${data.tree.length} nodes, but its ${data.values.length} values make ${whole.tree.length}; ` +
        `missing: ${missingParts(data, whole).join(", ") || "unknown"}`,
    );
  }
  const node = whole.tree.findIndex((hash, index) => data.tree[index] !== hash);
  if (node >= 0) {
    throw new InvalidReceiptTreeError(`tree[${node}] is ${data.tree[node]}, but its values make ${whole.tree[node]}`);
  }
  const value = whole.values.findIndex(({ treeIndex }, index) => data.values[index].treeIndex !== treeIndex);
  if (value >= 0) {
    throw new InvalidReceiptTreeError(
      `values[${value}] has the treeIndex ${JSON.stringify(data.values[value].treeIndex)}, must have ${whole.values[value].treeIndex}`,
    );
  }
}

/** Names the leaves whose values are missing, or else the nodes that are. */
function missingParts(data: ReceiptTreeData, whole: ReceiptTreeData): string[] {
  if (data.tree.length < whole.tree.length) {
    const nodes = new Set(data.tree);
    return whole.tree.flatMap((hash, index) => (nodes.has(hash) ? [] : [`tree[${index}]`]));
  }
  // the leaves are the last nodes, one more than there are nodes above them
  const placed = new Set(data.values.map(({ treeIndex }) => treeIndex));
  const leaves = Array.from({ length: Math.ceil(data.tree.length / 2) }, (_, i) => data.tree.length - 1 - i);
  return leaves.filter((node) => !placed.has(node)).map((node) => `the value of tree[${node}]`);
}

function isDecimal(value: unknown): value is string {
  return typeof value === "string" && /^(0|[1-9]\d{0,77})$/.test(value);
}
