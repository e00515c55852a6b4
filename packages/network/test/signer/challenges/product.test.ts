import { createHash } from "node:crypto";

import { challengeFor, checkRows, Draws, isDrawn, Product } from "@turingfog/network";
import { TU } from "@turingfog/sdk";
import { expect } from "chai";
import { id, sha256 } from "ethers";

const seed = id("a seed");
const size = 64n;
const rows = [0n, 7n, 63n];

/** The value of a matrix, said again with integers of any length. */
function valueAt(words: bigint[], row: bigint, column: bigint): bigint {
  const M = 2n ** 32n;
  const mix = (given: bigint) => {
    let x = given;
    x = ((x ^ (x >> 16n)) * 0x85ebca6bn) % M;
    x = ((x ^ (x >> 13n)) * 0xc2b2ae35n) % M;
    return x ^ (x >> 16n);
  };
  return mix(mix(words[0] ^ row) ^ mix(words[1] ^ column));
}

/** The root of the product, said again. */
function slowRoot(n: bigint): string {
  const words = [0, 4, 8, 12].map((at) => BigInt(Buffer.from(seed.slice(2), "hex").readUInt32LE(at)));
  const span = Array.from({ length: Number(n) }, (_, i) => BigInt(i));
  const hash = (...parts: Buffer[]) => createHash("sha256").update(Buffer.concat(parts)).digest();
  let level = span.map((i) => {
    const row = Buffer.alloc(4 * Number(n));
    for (const j of span) {
      const sum = span.reduce((all, k) => all + valueAt(words.slice(0, 2), i, k) * valueAt(words.slice(2), k, j), 0n);
      row.writeUInt32LE(Number(sum % 2n ** 32n), 4 * Number(j));
    }
    return hash(row);
  });
  while (level.length > 1) {
    level = level.flatMap((each, i) => (i % 2 === 0 ? [hash(each, level[i + 1])] : []));
  }
  return `0x${level[0].toString("hex")}`;
}

describe("the product of a challenge", () => {
  const product = Product.of({ seed, size });

  it("is the product of the matrices of its seed", () => {
    expect(Product.of({ seed, size: 16n }).root).to.equal(slowRoot(16n));
  });

  it("has the rows that are asked for", () => {
    expect(checkRows({ seed, size }, product.root, rows, product.paths(rows))).to.equal(true);
  });

  it("does not have rows of another seed or root, other rows, too few, or a path that is too long", () => {
    const paths = product.paths(rows);
    expect(checkRows({ seed: id("another"), size }, product.root, rows, paths)).to.equal(false);
    expect(checkRows({ seed, size }, id("root"), rows, paths)).to.equal(false);
    expect(checkRows({ seed, size }, product.root, [0n, 8n, 63n], paths)).to.equal(false);
    expect(checkRows({ seed, size }, product.root, rows, paths.slice(1))).to.equal(false);
    expect(checkRows({ seed, size }, product.root, rows, [...paths.slice(1), [...paths[2], id("more")]])).to.equal(
      false,
    );
  });

  it("is checked for less than a tenth of what it takes", () => {
    const large = { seed, size: 512n };
    const spent = (work: () => unknown) => {
      const before = process.cpuUsage();
      work();
      return process.cpuUsage(before).user;
    };
    const made: { product?: Product } = {};
    const computing = spent(() => (made.product = Product.of(large)));
    const { root } = made.product as Product;
    const paths = (made.product as Product).paths(rows);
    expect(10 * spent(() => checkRows(large, root, rows, paths))).to.be.below(computing);
  });
});

describe("the terms of a challenge", () => {
  const terms = { perTU: 10n ** 9n, work: 4n, grace: 5n };

  it("are the largest product that the rated speed computes in time, and the time for it", () => {
    expect(challengeFor(TU, terms)).to.deep.equal({ size: 1_024n, seconds: 7n });
    expect(challengeFor(2n * TU, terms)).to.deep.equal({ size: 1_024n, seconds: 6n });
    expect(challengeFor(3n * TU, terms)).to.deep.equal({ size: 2_048n, seconds: 8n });
  });

  it("are bounded for the slowest and the fastest", () => {
    expect(challengeFor(0n, terms)).to.deep.equal({ size: 64n, seconds: 9n });
    expect(challengeFor(10n ** 9n * TU, terms).size).to.equal(16_384n);
  });
});

describe("draws", () => {
  const draws = new Draws(Buffer.alloc(32, 1));

  it("are committed to by the SHA-256 of the interval's secret", () => {
    expect(draws.commitment(7n)).to.equal(sha256(draws.secret(7n)));
    expect(draws.commitment(8n)).not.to.equal(draws.commitment(7n));
  });

  it("can be repeated by anybody, once the secret is published", () => {
    for (let i = 0; i < 100; ++i) {
      const block = id(`block ${i}`);
      expect(isDrawn(draws.secret(7n), "node 1", block, 3n)).to.equal(draws.isDrawn(7n, "node 1", block, 3n));
    }
  });

  it("depend on the interval, on what is sampled and on the block, and are as frequent as asked for", () => {
    const drawn = (interval: bigint, what: string, salt: string) =>
      Array.from({ length: 1_000 }, (_, i) => draws.isDrawn(interval, what, id(`${salt} ${i}`), 4n));
    const first = drawn(7n, "node 1", "block");
    for (const other of [drawn(8n, "node 1", "block"), drawn(7n, "node 2", "block"), drawn(7n, "node 1", "other")]) {
      expect(other).not.to.deep.equal(first);
      expect(other.filter(Boolean).length).to.be.within(190, 310);
    }
  });
});
