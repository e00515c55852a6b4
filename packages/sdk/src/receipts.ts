import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { isHexString, MaxUint256, sha256, toUtf8Bytes } from "ethers";

import { checkRange, TuringFogError } from "./errors.js";

/** What the oracle's quorum has measured; see `Receipt` in IComputeEscrow.sol. */
export interface Receipt {
  orderId: bigint;
  nodeId: bigint;
  /** All TU, 18 decimals, that the node has delivered on the order until `measuredAt`. */
  cumulativeTU: bigint;
  /** Unix seconds. */
  measuredAt: bigint;
}

/** A receipt as it is published: with the hash of the meter log that the signers checked. */
export interface MeteredReceipt extends Receipt {
  /** 32 bytes, lower-case hex. */
  meterLogHash: string;
}

/** The arguments of `ComputeEscrow.settle` that follow the asset. */
export interface Multiproof {
  receiptsRoot: string;
  /** In the order that the multiproof wants. */
  receipts: Receipt[];
  proof: string[];
  proofFlags: boolean[];
}

/** A tree as OpenZeppelin's library dumps it; integers are decimal strings, so that it is plain JSON. */
export type ReceiptTreeData = ReturnType<StandardMerkleTree<Leaf>["dump"]>;

type Leaf = [orderId: string, nodeId: string, cumulativeTU: string, measuredAt: string];

/** The types of a leaf, in the order in which `Receipt` declares them. */
export const RECEIPT_LEAF_ENCODING = ["uint256", "uint256", "uint96", "uint40"];

/** Names the layout of the published file; another layout gets another name. */
export const RECEIPT_FILE_FORMAT = "turingfog-receipts-v1";

const LIMITS: Record<keyof Receipt, bigint> = {
  orderId: MaxUint256,
  nodeId: MaxUint256,
  cumulativeTU: 2n ** 96n - 1n,
  measuredAt: 2n ** 40n - 1n,
};

/** A tree, a proof or a file of no receipts. */
export class NoReceiptsError extends TuringFogError {
  constructor() {
    super("There are no receipts");
  }
}

/** The same receipt twice: one leaf can be proven only once. */
export class DuplicateReceiptError extends TuringFogError {
  constructor(readonly receipt: Receipt) {
    super(`Receipt ${describe(receipt)} occurs more than once`);
  }
}

/** A proof was asked for of a receipt that the tree does not hold. */
export class UnknownReceiptError extends TuringFogError {
  constructor(readonly receipt: Receipt) {
    super(`Receipt ${describe(receipt)} is not in the tree`);
  }
}

/** A dumped tree that is not a whole tree of receipts. */
export class InvalidReceiptTreeError extends TuringFogError {
  constructor(reason: string, options?: ErrorOptions) {
    super(`Not a tree of receipts: ${reason}`, options);
  }
}

/** A published file that is not what `encodeReceiptFile` would have written. */
export class InvalidReceiptFileError extends TuringFogError {
  constructor(
    readonly at: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`Receipt file, ${at}: ${reason}`, options);
  }
}

/** An OpenZeppelin standard Merkle tree of receipts. */
export class ReceiptTree {
  private constructor(
    private readonly tree: StandardMerkleTree<Leaf>,
    /** In the order in which they were given. */
    readonly receipts: readonly Receipt[],
  ) {}

  /** @throws NoReceiptsError, OutOfRangeError, DuplicateReceiptError */
  static async of(receipts: readonly Receipt[]): Promise<ReceiptTree> {
    if (receipts.length === 0) throw new NoReceiptsError();
    receipts.forEach(checkReceipt);
    checkDistinct(receipts);
    return new ReceiptTree(StandardMerkleTree.of(receipts.map(toLeaf), RECEIPT_LEAF_ENCODING), receipts.map(toReceipt));
  }

  /**
   * The tree that `dump` has written.
   * @throws InvalidReceiptTreeError when it was changed since, or is a tree of something else
   */
  static async load(data: ReceiptTreeData): Promise<ReceiptTree> {
    if (String(data.leafEncoding) !== String(RECEIPT_LEAF_ENCODING)) {
      throw new InvalidReceiptTreeError(`its leaves are (${data.leafEncoding}), not (${RECEIPT_LEAF_ENCODING})`);
    }
    try {
      const tree = StandardMerkleTree.load(data);
      return new ReceiptTree(
        tree,
        data.values.map(({ value }) => fromLeaf(value)),
      );
    } catch (error) {
      throw new InvalidReceiptTreeError(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  get root(): string {
    return this.tree.root;
  }

  /**
   * Proves some of the tree's receipts at once.
   * @param receipts in any order; all of them unless given
   * @throws NoReceiptsError, OutOfRangeError, DuplicateReceiptError, UnknownReceiptError
   */
  multiproof(receipts: readonly Receipt[] = this.receipts): Multiproof {
    if (receipts.length === 0) throw new NoReceiptsError();
    receipts.forEach(checkReceipt);
    checkDistinct(receipts);
    const { leaves, proof, proofFlags } = this.tree.getMultiProof(receipts.map((receipt) => this.indexOf(receipt)));
    return { receiptsRoot: this.root, receipts: leaves.map(fromLeaf), proof, proofFlags };
  }

  dump(): ReceiptTreeData {
    return this.tree.dump();
  }

  private indexOf(receipt: Receipt): number {
    try {
      return this.tree.leafLookup(toLeaf(receipt));
    } catch {
      throw new UnknownReceiptError(receipt);
    }
  }
}

/**
 * The published receipt file: JSON in the canonical form of RFC 8785, receipts in ascending order of order, node, time
 * and TU, so that the same receipts make the same bytes whoever writes them.
 * @throws NoReceiptsError, OutOfRangeError, DuplicateReceiptError, InvalidReceiptFileError
 */
export async function encodeReceiptFile(receipts: readonly MeteredReceipt[]): Promise<Uint8Array> {
  if (receipts.length === 0) throw new NoReceiptsError();
  receipts.forEach((receipt, i) => {
    checkReceipt(receipt);
    checkMeterLogHash(receipt.meterLogHash, `receipts[${i}].meterLogHash`);
  });
  checkDistinct(receipts);
  // RFC 8785 wants keys in alphabetical order; all values are strings of ASCII, which JSON.stringify writes canonically
  const entries = [...receipts].sort(compare).map((receipt) => ({
    cumulativeTU: receipt.cumulativeTU.toString(),
    measuredAt: receipt.measuredAt.toString(),
    meterLogHash: receipt.meterLogHash,
    nodeId: receipt.nodeId.toString(),
    orderId: receipt.orderId.toString(),
  }));
  return toUtf8Bytes(JSON.stringify({ format: RECEIPT_FILE_FORMAT, receipts: entries }));
}

/**
 * Reads a published receipt file. `ReceiptTree.of` its result for the root, `receiptDataHash` its bytes for the hash:
 * a signer signs, and an auditor trusts, only what both agree with.
 * @throws InvalidReceiptFileError when a single byte differs from what `encodeReceiptFile` writes
 */
export async function decodeReceiptFile(file: Uint8Array): Promise<MeteredReceipt[]> {
  const content = parseJson(file);
  if (!isRecord(content)) throw new InvalidReceiptFileError("top level", "must be an object");
  if (content.format !== RECEIPT_FILE_FORMAT) {
    throw new InvalidReceiptFileError("format", `is ${JSON.stringify(content.format)}, not "${RECEIPT_FILE_FORMAT}"`);
  }
  if (!Array.isArray(content.receipts)) throw new InvalidReceiptFileError("receipts", "must be an array");
  const receipts = content.receipts.map(decodeReceipt);
  if (!isEqual(await encodeReceiptFile(receipts), file)) {
    throw new InvalidReceiptFileError("top level", "is not in canonical form");
  }
  return receipts;
}

/** SHA-256 of a published receipt file: the `dataHash` that the quorum signs with the root. */
export async function receiptDataHash(file: Uint8Array): Promise<string> {
  return sha256(file);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function decodeReceipt(entry: unknown, index: number): MeteredReceipt {
  const at = `receipts[${index}]`;
  if (!isRecord(entry)) throw new InvalidReceiptFileError(at, "must be an object");
  const integer = (field: keyof Receipt): bigint => {
    const value = entry[field];
    if (typeof value !== "string" || !/^(0|[1-9]\d*)$/.test(value)) {
      throw new InvalidReceiptFileError(`${at}.${field}`, `is ${JSON.stringify(value)}, not a decimal integer`);
    }
    return BigInt(value);
  };
  checkMeterLogHash(entry.meterLogHash, `${at}.meterLogHash`);
  return {
    orderId: integer("orderId"),
    nodeId: integer("nodeId"),
    cumulativeTU: integer("cumulativeTU"),
    measuredAt: integer("measuredAt"),
    meterLogHash: entry.meterLogHash,
  };
}

function checkMeterLogHash(value: unknown, at: string): asserts value is string {
  if (typeof value !== "string" || !isHexString(value, 32) || value !== value.toLowerCase()) {
    throw new InvalidReceiptFileError(at, `is ${JSON.stringify(value)}, not 32 bytes of lower-case hex`);
  }
}

function parseJson(file: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(file));
  } catch (error) {
    throw new InvalidReceiptFileError("top level", "is not JSON", { cause: error });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkReceipt(receipt: Receipt): void {
  for (const field of ["orderId", "nodeId", "cumulativeTU", "measuredAt"] as const) {
    checkRange(field, receipt[field], 0n, LIMITS[field]);
  }
}

function checkDistinct(receipts: readonly Receipt[]): void {
  const seen = new Set<string>();
  for (const receipt of receipts) {
    const key = toLeaf(receipt).join();
    if (seen.has(key)) throw new DuplicateReceiptError(receipt);
    seen.add(key);
  }
}

function compare(a: Receipt, b: Receipt): number {
  const difference =
    a.orderId - b.orderId || a.nodeId - b.nodeId || a.measuredAt - b.measuredAt || a.cumulativeTU - b.cumulativeTU;
  return difference < 0n ? -1 : 1; // never 0: the receipts are distinct
}

function toLeaf({ orderId, nodeId, cumulativeTU, measuredAt }: Receipt): Leaf {
  return [orderId.toString(), nodeId.toString(), cumulativeTU.toString(), measuredAt.toString()];
}

function fromLeaf([orderId, nodeId, cumulativeTU, measuredAt]: Leaf): Receipt {
  return {
    orderId: BigInt(orderId),
    nodeId: BigInt(nodeId),
    cumulativeTU: BigInt(cumulativeTU),
    measuredAt: BigInt(measuredAt),
  };
}

function toReceipt({ orderId, nodeId, cumulativeTU, measuredAt }: Receipt): Receipt {
  return { orderId, nodeId, cumulativeTU, measuredAt };
}

function describe({ orderId, nodeId, cumulativeTU, measuredAt }: Receipt): string {
  return `(order ${orderId}, node ${nodeId}, ${cumulativeTU} TU base units, measured at ${measuredAt})`;
}
