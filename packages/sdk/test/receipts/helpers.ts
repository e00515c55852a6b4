import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { type MeteredReceipt, type Receipt, RECEIPT_LEAF_ENCODING } from "@turingfog/sdk/wire";
import { expect } from "chai";

/** Repeats a run of the random tests; each names it in its title. */
export const SEED = Number(process.env.SEED ?? 1);

export const TU = 10n ** 18n;

const BITS = { orderId: 256, nodeId: 256, cumulativeTU: 96, measuredAt: 40 };

export function receiptOf(serial: bigint): Receipt {
  return { orderId: (1n << 40n) | serial, nodeId: (3n << 32n) | serial, cumulativeTU: serial * TU, measuredAt: 1_000n };
}

export function receiptsOf(count: number): Receipt[] {
  return Array.from({ length: count }, (_, i) => receiptOf(BigInt(i + 1)));
}

/** Returns the receipt with a hash of a meter log that its order determines. */
export function metered(receipt: Receipt): MeteredReceipt {
  const digits = (receipt.orderId % 2n ** 64n).toString(16).padStart(16, "0");
  return { ...receipt, meterLogHash: `0x${digits.repeat(4)}` };
}

/** Draws numbers that its seed determines (mulberry32). */
export class Random {
  constructor(private state: number) {}

  /** Draws a whole number from 0 to below the limit. */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  /** Draws a number of any length up to so many bits. */
  integer(bits: number): bigint {
    let value = 0n;
    for (let missing = this.below(bits + 1); missing > 0; missing -= 16) {
      const taken = Math.min(16, missing);
      value = (value << BigInt(taken)) | BigInt(this.below(2 ** taken));
    }
    return value;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  /** Draws distinct receipts whose numbers have all lengths, and so many of them share orders. */
  receipts(count: number): Receipt[] {
    const receipts = new Map<string, Receipt>();
    while (receipts.size < count) {
      const before = receipts.size > 0 && this.below(4) === 0 ? [...receipts.values()].at(-1) : undefined;
      const receipt: Receipt = {
        orderId: before?.orderId ?? this.integer(this.pick([48, 64, BITS.orderId])),
        nodeId: this.integer(this.pick([8, 64, BITS.nodeId])),
        cumulativeTU: this.integer(BITS.cumulativeTU),
        measuredAt: this.integer(BITS.measuredAt),
      };
      receipts.set(leafOf(receipt).join(), receipt);
    }
    return [...receipts.values()];
  }

  /** Draws a part of the items, at least one, in their order. */
  some<T>(items: readonly T[]): T[] {
    const outOf = 1 + this.below(8);
    const drawn = items.filter(() => this.below(outOf) === 0);
    return drawn.length > 0 ? drawn : [this.pick(items)];
  }
}

export type Leaf = [orderId: string, nodeId: string, cumulativeTU: string, measuredAt: string];

export function leafOf({ orderId, nodeId, cumulativeTU, measuredAt }: Receipt): Leaf {
  return [orderId.toString(), nodeId.toString(), cumulativeTU.toString(), measuredAt.toString()];
}

/** Builds the receipts' tree by OpenZeppelin's library. */
export function standardTree(receipts: readonly Receipt[]): StandardMerkleTree<Leaf> {
  return StandardMerkleTree.of(receipts.map(leafOf), [...RECEIPT_LEAF_ENCODING]);
}

/** Expects a rejection by an error of a class, whose message contains a text. */
export async function expectRejection(
  promise: Promise<unknown>,
  type: abstract new (...args: never[]) => Error,
  message = "",
): Promise<void> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(type);
  expect((error as Error).message).to.include(message);
}
