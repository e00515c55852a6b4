import { JOB, type Job } from "@turingfog/sdk/wire";

const ADDRESS = `0x${"ab".repeat(20)}`;

export const job: Job = {
  chainId: 31_337n,
  escrow: ADDRESS,
  nodeId: 7n,
  asset: `0x${"cd".repeat(20)}`,
  tuAmount: 10n ** 18n,
  renter: `0x${"ef".repeat(20)}`,
  salt: `0x${"5a".repeat(32)}`,
  runner: "sha256",
  slots: { INPUT: "data/a.bin" },
  imagesPerTU: 0n,
  holdback: 1_000n,
  progress: "encrypted",
  resultTo: `age1${"q".repeat(58)}`,
};

export const text = JOB.encode(job);
