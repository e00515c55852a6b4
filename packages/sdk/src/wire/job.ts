import { TuringFogError } from "../errors.js";
import { accountSignature, address, ageRecipient, bytes32, dictionary, oneOf, text, uint, uintUpTo } from "./codecs.js";
import { MAX_SLOTS, runnerName, SLOT_NAME } from "./documents.js";
import { JsonFormat, SignedFormat } from "./format.js";

/** The most that a job may hold back of its TU until its result is delivered, in basis points. */
export const MAX_HOLDBACK = 2_000n;

/** The longest `job.json`, in bytes. */
export const MAX_JOB = 262_144;

const MAX_GRANT = 65_536;

/** Terms of an order, which its job repeats, so that a bundle cannot be handed in for another order. */
export interface JobTerms {
  chainId: bigint;
  escrow: string;
  /** 0 on a joint order. */
  nodeId: bigint;
  asset: string;
  /** 18 decimals. */
  tuAmount: bigint;
  renter: string;
}

/** Work to be done on an order: `job.json`, the first entry of a bundle. */
export interface Job extends JobTerms {
  /** Drawn at random, so that no two bundles are the same. */
  salt: string;
  /** The node's name for the runner that is asked for. */
  runner: string;
  /** Texts that fill the runner's slots, by name. */
  slots: Record<string, string>;
  /** Images that make 1 TU; 0 if time is counted. */
  imagesPerTU: bigint;
  /** Basis points of the TU that are held back until the result is delivered; 0 if none is promised. */
  holdback: bigint;
  progress: "public" | "encrypted";
  /** The age recipient that the result is encrypted to. */
  resultTo: string;
}

/** Key of a job for one reader, by the holder of the order or, on a joint order, by its coordinator. */
export interface Grant {
  orderId: bigint;
  /** The age recipient that can read it. */
  recipient: string;
  /** The age identity of the job's key, encrypted to the recipient, in base64. */
  identity: string;
}

export const JOB = new JsonFormat<Job>("turingfog-job-v1", MAX_JOB, {
  chainId: uint(64),
  escrow: address,
  nodeId: uint(256),
  asset: address,
  tuAmount: uint(96),
  renter: address,
  salt: bytes32,
  runner: runnerName,
  slots: dictionary(
    SLOT_NAME,
    (value) => /^[ -~]{0,9999}$/.test(value),
    MAX_SLOTS,
    `at most ${MAX_SLOTS} slots: a name of A-Z, 0-9 and _, and at most 9,999 ASCII characters`,
  ),
  imagesPerTU: uint(64),
  holdback: uintUpTo(16, MAX_HOLDBACK),
  progress: oneOf("public", "encrypted"),
  resultTo: ageRecipient,
});

export const GRANT = new SignedFormat<Grant>(
  "turingfog-grant-v1",
  "Grant",
  MAX_GRANT,
  {
    orderId: uint(256),
    recipient: ageRecipient,
    identity: text(
      /^(?=.{4,8192}$)([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
      "base64 of at most 8,192 characters",
    ),
  },
  accountSignature,
);

/** Thrown when a job is of another order than it came with. */
export class JobMismatchError extends TuringFogError {
  constructor(
    readonly job: Job,
    /** The term that differs. */
    readonly term: keyof JobTerms,
    readonly expected: bigint | string,
  ) {
    super(`job.json: ${term} is ${job[term]}, its order has ${expected}`);
  }
}

/**
 * Checks that a job is of an order.
 * @param terms of the order, addresses in lower case or with their checksum
 * @throws JobMismatchError
 */
export function checkJob(job: Job, terms: JobTerms): void {
  for (const term of ["chainId", "escrow", "nodeId", "asset", "tuAmount", "renter"] as const) {
    const expected = terms[term];
    const same = typeof expected === "string" ? expected.toLowerCase() : expected;
    if (job[term] !== same) throw new JobMismatchError(job, term, same);
  }
}
