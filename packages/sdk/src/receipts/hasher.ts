import { createKeccak, type IHasher } from "hash-wasm";

import { compareBytes, HASH_BYTES } from "./bytes.js";

/** The end of each row field in its ABI encoding, whose words stand in the order in which `Receipt` declares them. */
const WORD_ENDS = [32, 64, 128, 96];

let shared: Promise<TreeHasher> | undefined;

/** Hashes leaves and nodes as OpenZeppelin's standard Merkle tree and the escrow do. */
export class TreeHasher {
  private readonly leaf = new Uint8Array(128);
  private readonly pair = new Uint8Array(2 * HASH_BYTES);

  private constructor(private readonly keccak: IHasher) {}

  /** Resolves to the one hasher: none of its calls leaves a state that another could disturb. */
  static get(): Promise<TreeHasher> {
    shared ??= createKeccak(256).then((keccak) => new TreeHasher(keccak));
    return shared;
  }

  /** Returns the hash of the leaf that a row stands for. */
  hashRow(bytes: Uint8Array, start: number): Uint8Array {
    this.leaf.fill(0);
    let at = start;
    for (let field = 0; field < WORD_ENDS.length; ++field) {
      const length = bytes[at++];
      for (let i = WORD_ENDS[field] - length; i < WORD_ENDS[field]; ++i) this.leaf[i] = bytes[at++];
    }
    return this.hash(this.hash(this.leaf));
  }

  /** Returns the hash of two neighbouring nodes, of which the first begins at `start`. */
  hashPair(nodes: Uint8Array, start: number): Uint8Array {
    const ascending = compareBytes(nodes, start, nodes, start + HASH_BYTES, HASH_BYTES) <= 0;
    const first = ascending ? start : start + HASH_BYTES;
    const second = ascending ? start + HASH_BYTES : start;
    for (let i = 0; i < HASH_BYTES; ++i) {
      this.pair[i] = nodes[first + i];
      this.pair[HASH_BYTES + i] = nodes[second + i];
    }
    return this.hash(this.pair);
  }

  private hash(bytes: Uint8Array): Uint8Array {
    return this.keccak.init().update(bytes).digest("binary");
  }
}
