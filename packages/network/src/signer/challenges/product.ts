import { createHash } from "node:crypto";

import type { Challenge } from "@turingfog/sdk/wire";

/**
 * The product of two square matrices of 32-bit integers, modulo 2^32, which both are made from a seed: what a node computes
 * to show that it has its rated speed. The root of a Merkle tree over the product's rows is told first, and rows are asked
 * for afterwards: whoever left out a part of the work does not have them.
 */
export class Product {
  private constructor(
    /** From the leaves to the root. */
    private readonly levels: Buffer[][],
  ) {}

  /** Computes a challenge's product: size³ multiplications. Takes the thread for as long as that. */
  static of({ seed, size }: Pick<Challenge, "seed" | "size">): Product {
    const n = Number(size);
    const factors = new Factors(seed);
    const right = new Int32Array(n * n);
    for (let k = 0; k < n; ++k) factors.rightRow(k, right.subarray(k * n, (k + 1) * n));
    const leaves: Buffer[] = [];
    for (let i = 0; i < n; ++i) {
      const row = new Int32Array(n);
      for (let k = 0; k < n; ++k) addScaled(row, factors.left(i, k), right.subarray(k * n, (k + 1) * n));
      leaves.push(leafOf(row));
    }
    const levels = [leaves];
    while (levels[levels.length - 1].length > 1) {
      const below = levels[levels.length - 1];
      levels.push(Array.from({ length: below.length / 2 }, (_, i) => hash(below[2 * i], below[2 * i + 1])));
    }
    return new Product(levels);
  }

  get root(): string {
    return toHex(this.levels[this.levels.length - 1][0]);
  }

  /** Returns the neighbours on the way from each row to the root. */
  paths(rows: readonly bigint[]): string[][] {
    return rows.map((row) => this.levels.slice(0, -1).map((level, depth) => toHex(level[(Number(row) >> depth) ^ 1])));
  }
}

/** Checks rows of a product against its root, by computing them: size² multiplications for each. */
export function checkRows(
  { seed, size }: Pick<Challenge, "seed" | "size">,
  root: string,
  rows: readonly bigint[],
  paths: readonly (readonly string[])[],
): boolean {
  const n = Number(size);
  const factors = new Factors(seed);
  const products = rows.map(() => new Int32Array(n));
  const right = new Int32Array(n);
  for (let k = 0; k < n; ++k) {
    factors.rightRow(k, right);
    rows.forEach((row, r) => addScaled(products[r], factors.left(Number(row), k), right));
  }
  const depth = Math.log2(n);
  return (
    paths.length === rows.length &&
    rows.every((row, r) => paths[r].length === depth && rootOf(leafOf(products[r]), Number(row), paths[r]) === root)
  );
}

function rootOf(leaf: Buffer, row: number, path: readonly string[]): string {
  const root = path.reduce((below, neighbour, depth) => {
    const other = Buffer.from(neighbour.slice(2), "hex");
    return (row >> depth) % 2 === 0 ? hash(below, other) : hash(other, below);
  }, leaf);
  return toHex(root);
}

/** The matrices of a seed: each value comes from its row and its column alone. */
class Factors {
  private readonly words: number[];

  constructor(seed: string) {
    const bytes = Buffer.from(seed.slice(2), "hex");
    this.words = [0, 4, 8, 12].map((at) => bytes.readInt32LE(at));
  }

  left(row: number, column: number): number {
    return mixed(mixed(this.words[0] ^ row) ^ mixed(this.words[1] ^ column));
  }

  /** Writes a row of the right matrix. */
  rightRow(row: number, out: Int32Array): void {
    const ofRow = mixed(this.words[2] ^ row);
    for (let column = 0; column < out.length; ++column) out[column] = mixed(ofRow ^ mixed(this.words[3] ^ column));
  }
}

/** The last steps of MurmurHash3 (32 bits), by Austin Appleby, in the public domain. */
function mixed(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}

function addScaled(sum: Int32Array, factor: number, row: Int32Array): void {
  for (let i = 0; i < sum.length; ++i) sum[i] += Math.imul(factor, row[i]);
}

/** The SHA-256 of a row: 4 bytes a value, the lowest first. */
function leafOf(row: Int32Array): Buffer {
  const bytes = Buffer.alloc(4 * row.length);
  row.forEach((value, i) => bytes.writeInt32LE(value, 4 * i));
  return hash(bytes);
}

function hash(...parts: Buffer[]): Buffer {
  const sha256 = createHash("sha256");
  for (const part of parts) sha256.update(part);
  return sha256.digest();
}

function toHex(bytes: Buffer): string {
  return `0x${bytes.toString("hex")}`;
}
