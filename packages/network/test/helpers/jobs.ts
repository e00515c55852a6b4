import type { Job } from "@turingfog/sdk/wire";

/** A job of an order that exists nowhere. */
export const JOB_OF_TESTS: Job = {
  chainId: 31_337n,
  escrow: `0x${"e5".repeat(20)}`,
  nodeId: 7n,
  asset: `0x${"a5".repeat(20)}`,
  tuAmount: 10n ** 18n,
  renter: `0x${"de".repeat(20)}`,
  salt: `0x${"5a".repeat(32)}`,
  runner: "program",
  slots: {},
  imagesPerTU: 0n,
  holdback: 0n,
  progress: "public",
  resultTo: "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
};
