import { concat, getBytes, sha256, toBeHex, toUtf8Bytes } from "ethers";

/** Returns the seed of one purpose from that of another: the SHA-256 of both and of integers of 32 bytes. */
export function deriveSeed(seed: string, purpose: string, ...integers: readonly bigint[]): string {
  return sha256(concat([seed, toUtf8Bytes(purpose), ...integers.map((each) => toBeHex(each, 32))]));
}

/** Random numbers by xoshiro128** of Blackman and Vigna (https://prng.di.unimi.it/xoshiro128starstar.c). */
export class Random {
  /** Four words, never all zero: they come out of SHA-256. */
  private readonly state: Uint32Array;

  /** @param seed 32 bytes, of which the first 16 are the state */
  constructor(seed: string) {
    const view = new DataView(getBytes(seed).buffer);
    this.state = Uint32Array.from([0, 4, 8, 12], (at) => view.getUint32(at, true));
  }

  /** Returns an integer of 32 bits. */
  next(): number {
    const s = this.state;
    const result = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 11);
    return result;
  }

  /** Returns an integer below a limit of at most 2^21. */
  below(limit: number): number {
    return Math.floor((this.next() * limit) / 4_294_967_296);
  }

  /** Returns a binary32 from −1 on, below 1, in steps of 2^−23. */
  signed(): number {
    return (this.next() >>> 8) / 8_388_608 - 1;
  }
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** Draws the images of batches: all of a shard in random order, then all again in another. */
export class Draw {
  private readonly order: Uint32Array;
  private drawn = 0;

  constructor(
    count: number,
    private readonly random: Random,
  ) {
    this.order = Uint32Array.from({ length: count }, (_, i) => i);
  }

  /** Returns the index of the next image, by the shuffle of Fisher and Yates. */
  next(): number {
    const { order } = this;
    if (this.drawn === order.length) this.drawn = 0;
    const other = this.drawn + this.random.below(order.length - this.drawn);
    const index = order[other];
    order[other] = order[this.drawn];
    order[this.drawn++] = index;
    return index;
  }
}
