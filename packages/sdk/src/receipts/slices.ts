import { checkCount, checkRange } from "../errors.js";
import type { Heap } from "./heap.js";
import type { Receipt } from "./receipt.js";

/** Limits one transaction of `ComputeEscrow.settle`. */
export interface SliceLimits {
  /** The most bytes of calldata. The transaction around it takes up to 200 more. */
  maxBytes: number;
  /** The most gas. */
  maxGas: bigint;
  /** The most gas that a receipt takes, beside its part of the proof; 78,000 by default, which a joint order's can take. */
  gasPerReceipt?: bigint;
  /** Selects the receipts to settle: these, or those that a condition holds for; all of the tree's by default. */
  only?: Iterable<Receipt> | ((receipt: Receipt) => boolean);
}

/** Above what any takes: most is the first of its node on a joint order and of its miner in a round (gas.test.ts). */
const DEFAULT_GAS_PER_RECEIPT = 78_000n;

/** Gas of a node of the proof: its calldata, that of its flag, and the hash. */
const NODE_GAS = 1_000n;

/** Gas of a settlement beside its receipts: the transaction itself, the root, the asset's round, the transfer. */
const SETTLEMENT_GAS = 100_000n;

const MAX_GAS = 2n ** 64n - 1n;

const WORD = 32;

/** The calldata of no receipts less one flag: the selector, five arguments, and the lengths of the three lists. */
const EMPTY_BYTES = 4 + 8 * WORD - WORD;

/** A receipt is four words and a flag; a node of the proof is a word and a flag. */
const RECEIPT_BYTES = 5 * WORD;
const NODE_BYTES = 2 * WORD;

/**
 * Checks that one receipt fits, wherever its leaf is.
 * @throws OutOfRangeError
 */
export function checkLimits(heap: Heap, { maxBytes, maxGas, gasPerReceipt }: SliceLimits): void {
  const depth = depthOf(heap.nodeOfLeaf(0));
  checkCount("maxBytes", maxBytes, calldataBytes(1, depth));
  if (gasPerReceipt !== undefined) checkRange("gasPerReceipt", gasPerReceipt, 1n, MAX_GAS);
  checkRange("maxGas", maxGas, gasOf(1, depth, gasPerReceipt), MAX_GAS);
}

/**
 * Cuts leaves into runs that keep to the limits, each as long as they allow.
 * @param positions in ascending order, each once
 */
export function* sliceLeaves(heap: Heap, positions: Uint32Array, limits: SliceLimits): Generator<Uint32Array> {
  let first = 0;
  let proofLength = 0;
  for (let next = 0; next < positions.length; ++next) {
    let length = proofLength + proofGrowth(heap, positions, first, next);
    const count = next - first + 1;
    if (calldataBytes(count, length) > limits.maxBytes || gasOf(count, length, limits.gasPerReceipt) > limits.maxGas) {
      yield positions.subarray(first, next);
      first = next;
      length = proofGrowth(heap, positions, first, next);
    }
    proofLength = length;
  }
  if (first < positions.length) yield positions.subarray(first);
}

/**
 * Returns by how much the proof of the leaves from `first` on grows when `next` joins them. The first leaf needs a node
 * for each level. Another one is below a node of the proof already: it takes that node's place and needs one for each
 * level between them. Leaves follow one another around the tree, so the closest to it is either the last or the first.
 */
function proofGrowth(heap: Heap, positions: Uint32Array, first: number, next: number): number {
  const node = heap.nodeOfLeaf(positions[next]);
  if (first === next) return depthOf(node);
  const shared = Math.max(
    sharedDepth(node, heap.nodeOfLeaf(positions[next - 1])),
    sharedDepth(node, heap.nodeOfLeaf(positions[first])),
  );
  return depthOf(node) - shared - 2;
}

/** Returns how deep the lowest common ancestor of two nodes is. */
function sharedDepth(a: number, b: number): number {
  const depth = Math.min(depthOf(a), depthOf(b));
  // counted from 1, the bits of a node behind the first are its path from the root
  const difference = ((a + 1) >>> (depthOf(a) - depth)) ^ ((b + 1) >>> (depthOf(b) - depth));
  return depth - (32 - Math.clz32(difference));
}

function depthOf(node: number): number {
  return 31 - Math.clz32(node + 1);
}

/** Returns the length of the calldata of `settle`; the flags are one fewer than the receipts and the proof's nodes. */
function calldataBytes(receipts: number, proofLength: number): number {
  return EMPTY_BYTES + receipts * RECEIPT_BYTES + proofLength * NODE_BYTES;
}

function gasOf(receipts: number, proofLength: number, gasPerReceipt = DEFAULT_GAS_PER_RECEIPT): bigint {
  return SETTLEMENT_GAS + BigInt(receipts) * gasPerReceipt + BigInt(proofLength) * NODE_GAS;
}
