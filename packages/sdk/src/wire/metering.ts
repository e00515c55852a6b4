import { TuringFogError } from "../errors.js";
import { hashToHex } from "../receipts/bytes.js";
import { type Codecs, bytes32, keySignature, list, oneOf, record, uint } from "./codecs.js";
import { JsonFormat, type Signed, SignedFormat } from "./format.js";
import type { MessageHasher } from "./hasher.js";

/** The least number of seconds between two readings of one chain. */
export const READING_INTERVAL = 60n;

/** The most readings that one post may hold. */
export const MAX_POSTED = 256;

/** What a signer answers to a reading: that it is stored, was stored before, or why it is not. */
export const READING_RESULTS = [
  "accepted",
  "known",
  "unknown-order",
  "closed-order",
  "other-node",
  "unknown-node",
  "stopped-node",
  "no-document",
  "bad-signature",
  "ahead-of-time",
  "before-start",
  "broken-chain",
  "falling-tu",
  "too-soon",
  "equivocation",
  "over-budget",
] as const;

export type ReadingResult = (typeof READING_RESULTS)[number];

const MAX_READING = 1_024;
const MAX_POST = 262_144;
const ZERO_HASH = `0x${"00".repeat(32)}`;

/** A node's statement of all that it has delivered on an order until some time, by its meter key. */
export interface Reading {
  orderId: bigint;
  nodeId: bigint;
  /** From 1 on, without a gap. */
  sequence: bigint;
  /** All TU, 18 decimals, that the node has delivered on the order until `measuredAt`. */
  cumulativeTU: bigint;
  /** Unix seconds. */
  measuredAt: bigint;
  /** The SHA-256 of the line that says what was counted; see `Evidence`. */
  evidence: string;
  /** The digest of the reading before; zero in the first. */
  previous: string;
}

/** The count behind a reading. */
export interface Evidence {
  counted: "images" | "seconds";
  /** Images trained, or seconds held, since the start of the order. */
  amount: bigint;
  /** The SHA-256 of the result's ciphertext; zero as long as there is none. */
  result: string;
}

/** A signer's answer to a reading. */
export interface ReadingAnswer {
  result: ReadingResult;
  /** The sequence that the signer expects next of the reading's chain; 0 if it knows no such chain. */
  next: bigint;
}

/** A worker's statement about its part in a round of joint training, by its meter key. */
export interface RoundClaim {
  orderId: bigint;
  nodeId: bigint;
  round: bigint;
  /** The hash of the weights at the start of the round. */
  startHash: string;
  /** The hash of the worker's weights at the end of the round. */
  endHash: string;
  images: bigint;
}

const reading: Codecs<Reading> = {
  orderId: uint(256),
  nodeId: uint(256),
  sequence: uint(64),
  cumulativeTU: uint(96),
  measuredAt: uint(40),
  evidence: bytes32,
  previous: bytes32,
};

export const READING = new SignedFormat<Reading>("turingfog-reading-v1", "Reading", MAX_READING, reading, keySignature);

/** Readings as they are posted, each without the format's name. */
export const READINGS = new JsonFormat<{ readings: Signed<Reading>[] }>("turingfog-readings-v1", MAX_POST, {
  readings: list(record<Signed<Reading>>({ ...reading, signature: keySignature }), 1, MAX_POSTED),
});

/** The answers to posted readings, in their order. */
export const READING_ANSWERS = new JsonFormat<{ answers: ReadingAnswer[] }>("turingfog-reading-answers-v1", MAX_POST, {
  answers: list(record<ReadingAnswer>({ result: oneOf(...READING_RESULTS), next: uint(64) }), 1, MAX_POSTED),
});

/** The line whose SHA-256, without a line break, a reading names. */
export const EVIDENCE = new JsonFormat<Evidence>("turingfog-evidence-v1", MAX_READING, {
  counted: oneOf("images", "seconds"),
  amount: uint(64),
  result: bytes32,
});

export const ROUND_CLAIM = new SignedFormat<RoundClaim>(
  "turingfog-round-claim-v1",
  "RoundClaim",
  MAX_READING,
  {
    orderId: uint(256),
    nodeId: uint(256),
    round: uint(32),
    startHash: bytes32,
    endHash: bytes32,
    images: uint(64),
  },
  keySignature,
);

/** Thrown when a reading does not continue its chain. */
export class BrokenChainError extends TuringFogError {
  constructor(
    readonly reading: Reading,
    /** The value that breaks the chain. */
    readonly field: keyof Reading,
    expected: string,
  ) {
    const { orderId, nodeId, sequence } = reading;
    super(
      `Reading ${sequence} of order ${orderId}, node ${nodeId}: ${field} is ${reading[field]}, expected ${expected}`,
    );
  }
}

/** The readings of one node on one order, of which each names the digest of the one before. */
export class ReadingChain {
  private last: { reading: Reading; digest: string } | undefined;

  constructor(
    private readonly hasher: MessageHasher<Reading>,
    readonly orderId: bigint,
    readonly nodeId: bigint,
  ) {}

  /** The digest of the last reading, which a receipt names as its meter log; undefined if there is none. */
  get head(): string | undefined {
    return this.last?.digest;
  }

  /**
   * Appends a reading, whose signature was checked; if it is refused, the chain is as before.
   * @returns the digest of the reading
   * @throws BrokenChainError
   */
  append(reading: Reading): string {
    const { orderId, nodeId, last } = this;
    const refuse = (field: keyof Reading, expected: string) => {
      throw new BrokenChainError(reading, field, expected);
    };
    if (reading.orderId !== orderId) refuse("orderId", `${orderId}`);
    if (reading.nodeId !== nodeId) refuse("nodeId", `${nodeId}`);
    const sequence = (last?.reading.sequence ?? 0n) + 1n;
    if (reading.sequence !== sequence) refuse("sequence", `${sequence}`);
    const previous = last?.digest ?? ZERO_HASH;
    if (reading.previous !== previous) refuse("previous", previous);
    if (last !== undefined) {
      const { cumulativeTU, measuredAt } = last.reading;
      if (reading.cumulativeTU < cumulativeTU) refuse("cumulativeTU", `at least ${cumulativeTU}`);
      const earliest = measuredAt + READING_INTERVAL;
      if (reading.measuredAt < earliest) refuse("measuredAt", `at least ${earliest}`);
    }
    const digest = hashToHex(this.hasher.digest(reading));
    this.last = { reading: { ...reading }, digest };
    return digest;
  }
}
