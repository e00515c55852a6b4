import { compareBytes, HASH_BYTES, hashToHex } from "./bytes.js";
import { DuplicateReceiptError } from "./errors.js";
import type { TreeHasher } from "./hasher.js";
import { decodeRow } from "./row.js";
import type { Rows } from "./rows.js";

/** Bits of a leaf's hash that its sorting key has beside its row, if the rows leave them room in 53 bits. */
const PREFIX_BITS = 32;
const EXACT_BITS = 53;

/**
 * Holds a Merkle tree as OpenZeppelin's library lays it out: node i has the children 2i + 1 and 2i + 2, and leaves
 * stand last, in descending order. A leaf's position counts from the lowest leaf, which is the last node.
 */
export class Heap {
  private constructor(
    private readonly nodes: Uint8Array,
    /** The row of each leaf, by position. */
    private readonly rowAt: Uint32Array,
  ) {}

  /** @throws DuplicateReceiptError */
  static build(rows: Rows, hasher: TreeHasher): Heap {
    const heap = new Heap(new Uint8Array((2 * rows.length - 1) * HASH_BYTES), new Uint32Array(rows.length));
    for (let row = 0; row < rows.length; ++row) {
      heap.nodes.set(hasher.hashRow(rows.bytesOf(row), rows.startOf(row)), heap.leafStart(row));
    }
    heap.sortRows();
    heap.placeLeaves();
    heap.checkDistinct(rows);
    for (let node = rows.length - 2; node >= 0; --node) {
      heap.nodes.set(hasher.hashPair(heap.nodes, (2 * node + 1) * HASH_BYTES), node * HASH_BYTES);
    }
    return heap;
  }

  /** The number of leaves. */
  get size(): number {
    return this.rowAt.length;
  }

  /** Returns a node as hex. */
  node(index: number): string {
    return hashToHex(this.nodes, index * HASH_BYTES);
  }

  nodeOfLeaf(position: number): number {
    return 2 * this.size - 2 - position;
  }

  rowOfLeaf(position: number): number {
    return this.rowAt[position];
  }

  /** Finds the position of a leaf by its hash; undefined if it is not in the tree. */
  find(hash: Uint8Array): number | undefined {
    let low = 0;
    let high = this.size - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const difference = compareBytes(hash, 0, this.nodes, this.leafStart(middle), HASH_BYTES);
      if (difference === 0) return middle;
      if (difference < 0) high = middle - 1;
      else low = middle + 1;
    }
    return undefined;
  }

  private leafStart(position: number): number {
    return this.nodeOfLeaf(position) * HASH_BYTES;
  }

  /** Orders the rows by the hashes of their leaves, which still stand in the order of the rows. */
  private sortRows(): void {
    const rowBits = 32 - Math.clz32(this.size - 1);
    const rowRange = 2 ** rowBits;
    const droppedBits = Math.max(0, PREFIX_BITS + rowBits - EXACT_BITS);
    const keys = new Float64Array(this.nodes.buffer, 0, this.size === 1 ? 0 : this.size); // the inner nodes' room
    const view = new DataView(this.nodes.buffer);
    for (let row = 0; row < keys.length; ++row) {
      keys[row] = (view.getUint32(this.leafStart(row)) >>> droppedBits) * rowRange + row;
    }
    keys.sort();
    const prefixAt = (i: number): number => Math.floor(keys[i] / rowRange);
    for (let i = 0; i < keys.length; ++i) this.rowAt[i] = keys[i] - prefixAt(i) * rowRange;
    for (let first = 0, next = 1; next <= keys.length; ++next) {
      if (next < keys.length && prefixAt(next) === prefixAt(first)) continue;
      if (next - first > 1) this.rowAt.subarray(first, next).sort((a, b) => this.compareLeaves(a, b));
      first = next;
    }
  }

  private compareLeaves(a: number, b: number): number {
    return compareBytes(this.nodes, this.leafStart(a), this.nodes, this.leafStart(b), HASH_BYTES);
  }

  /** Moves each leaf to its position, along the cycles of the permutation. */
  private placeLeaves(): void {
    const placed = new Uint8Array(this.size);
    const kept = new Uint8Array(HASH_BYTES);
    for (let first = 0; first < this.size; ++first) {
      if (placed[first] === 1) continue;
      kept.set(this.leaf(first));
      let position = first;
      for (; this.rowAt[position] !== first; position = this.rowAt[position]) {
        this.nodes.copyWithin(
          this.leafStart(position),
          this.leafStart(this.rowAt[position]),
          this.leafStart(this.rowAt[position]) + HASH_BYTES,
        );
        placed[position] = 1;
      }
      this.nodes.set(kept, this.leafStart(position));
      placed[position] = 1;
    }
  }

  private checkDistinct(rows: Rows): void {
    for (let position = 1; position < this.size; ++position) {
      if (this.compareLeaves(position - 1, position) !== 0) continue;
      const row = this.rowAt[position];
      throw new DuplicateReceiptError(decodeRow(rows.bytesOf(row), rows.startOf(row)));
    }
  }

  private leaf(position: number): Uint8Array {
    return this.nodes.subarray(this.leafStart(position), this.leafStart(position) + HASH_BYTES);
  }
}
