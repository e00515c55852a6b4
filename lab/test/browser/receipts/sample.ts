import type { MeteredReceipt } from "@turingfog/sdk/wire";

/** Makes receipts that the page and the test both know. */
export function* makeSample(count: number): Generator<MeteredReceipt> {
  for (let i = 1; i <= count; ++i) {
    yield {
      orderId: (BigInt(i % 3) << 40n) | BigInt(i),
      nodeId: BigInt(1 + (i % 500)),
      cumulativeTU: BigInt(i) * 10n ** 18n,
      measuredAt: 1_800_000_000n + BigInt(i % 3_600),
      meterLogHash: `0x${i.toString(16).padStart(64, "0")}`,
    };
  }
}
