import { checkDump, dumpedReceipts, dumpReceipt, type ReceiptTreeData } from "./dump.js";
import { DuplicateReceiptError, InvalidReceiptTreeError, NoReceiptsError, UnknownReceiptError } from "./errors.js";
import { TreeHasher } from "./hasher.js";
import { Heap } from "./heap.js";
import { proveLeaves } from "./multiproof.js";
import { RECEIPT_LEAF_ENCODING, type Multiproof, type Receipt } from "./receipt.js";
import { encodeRow, ROW_BYTES } from "./row.js";
import { checkLimits, sliceLeaves, type SliceLimits } from "./slices.js";
import { ReceiptTable } from "./table.js";

/** Proves receipts by an OpenZeppelin standard Merkle tree of them. */
export class ReceiptTree {
  private constructor(
    /** In the order in which they were given. */
    readonly receipts: ReceiptTable,
    private readonly heap: Heap,
    private readonly hasher: TreeHasher,
  ) {}

  /** @throws NoReceiptsError, OutOfRangeError, DuplicateReceiptError */
  static async of(receipts: Iterable<Receipt> | ReceiptTable): Promise<ReceiptTree> {
    const table = receipts instanceof ReceiptTable ? receipts : ReceiptTable.of(receipts);
    if (table.length === 0) throw new NoReceiptsError();
    const hasher = await TreeHasher.get();
    return new ReceiptTree(table, Heap.build(table.rows, hasher), hasher);
  }

  /**
   * Builds the tree that `dump` has written.
   * @throws InvalidReceiptTreeError when it is incomplete, was changed since, or is a tree of something else
   */
  static async load(data: ReceiptTreeData): Promise<ReceiptTree> {
    const receipts = dumpedReceipts(data);
    const tree = await ReceiptTree.of(receipts).catch((error: unknown) => {
      throw new InvalidReceiptTreeError(error instanceof Error ? error.message : String(error), { cause: error });
    });
    checkDump(data, tree.dump());
    return tree;
  }

  get root(): string {
    return this.heap.node(0);
  }

  /** The number of receipts. */
  get size(): number {
    return this.heap.size;
  }

  /**
   * Proves some of the tree's receipts at once.
   * @param receipts in any order; all of them by default
   * @throws NoReceiptsError, OutOfRangeError, DuplicateReceiptError, UnknownReceiptError
   */
  multiproof(receipts?: Iterable<Receipt>): Multiproof {
    return this.prove(this.select(receipts));
  }

  /**
   * Proves receipts in parts that each fit a transaction, in the order of the tree: receipts whose leaves are
   * neighbours share most of their proof.
   * @throws OutOfRangeError when not even one receipt fits
   * @throws DuplicateReceiptError, UnknownReceiptError
   */
  slices(limits: SliceLimits): Iterable<Multiproof> {
    checkLimits(this.heap, limits);
    const selected = this.select(limits.only);
    const fixed = { ...limits };
    return { [Symbol.iterator]: () => this.provenSlices(selected, fixed) };
  }

  dump(): ReceiptTreeData {
    const values: ReceiptTreeData["values"] = Array.from(this.receipts, (receipt) => ({
      value: dumpReceipt(receipt),
      treeIndex: 0,
    }));
    for (let position = 0; position < this.size; ++position) {
      values[this.heap.rowOfLeaf(position)].treeIndex = this.heap.nodeOfLeaf(position);
    }
    const tree = Array.from({ length: 2 * this.size - 1 }, (_, node) => this.heap.node(node));
    return { format: "standard-v1", leafEncoding: [...RECEIPT_LEAF_ENCODING], tree, values };
  }

  private *provenSlices(selected: Uint32Array, limits: SliceLimits): Generator<Multiproof> {
    for (const positions of sliceLeaves(this.heap, selected, limits)) yield this.prove(positions);
  }

  /** Returns the positions of the leaves that are wanted, in ascending order. */
  private select(only: SliceLimits["only"]): Uint32Array {
    return only === undefined || typeof only === "function" ? this.positions(only) : this.positionsOf(only);
  }

  /** Returns the positions of all leaves, or of those whose receipts a condition holds for, in ascending order. */
  private positions(condition?: (receipt: Receipt) => boolean): Uint32Array {
    const positions = new Uint32Array(this.size);
    let count = 0;
    for (let position = 0; position < this.size; ++position) {
      if (condition === undefined || condition(this.receiptAt(position))) positions[count++] = position;
    }
    return positions.subarray(0, count);
  }

  /** Finds the positions of receipts, in ascending order. */
  private positionsOf(receipts: Iterable<Receipt>): Uint32Array {
    const row = new Uint8Array(ROW_BYTES);
    const positions = Uint32Array.from(receipts, (receipt) => {
      encodeRow(receipt, row);
      const position = this.heap.find(this.hasher.hashRow(row, 0));
      if (position === undefined) throw new UnknownReceiptError(receipt);
      return position;
    }).sort();
    positions.forEach((position, i) => {
      if (i > 0 && position === positions[i - 1]) throw new DuplicateReceiptError(this.receiptAt(position));
    });
    return positions;
  }

  private prove(positions: Uint32Array): Multiproof {
    if (positions.length === 0) throw new NoReceiptsError();
    const receipts = Array.from(positions, (position) => this.receiptAt(position));
    return { receiptsRoot: this.root, receipts, ...proveLeaves(this.heap, positions) };
  }

  private receiptAt(position: number): Receipt {
    return this.receipts.at(this.heap.rowOfLeaf(position));
  }
}
