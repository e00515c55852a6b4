import { bytes32, keySignature, list, oneOf, record, uint } from "./codecs.js";
import { JsonFormat, type Signed } from "./format.js";
import { MAX_POSTED, ROUND_CLAIM, type RoundClaim } from "./metering.js";

/** The most workers whose claims close a round. */
export const MAX_WORKERS_OF_ROUND = 256;

/** The most rounds in one answer of a worker. */
export const MAX_CLOSINGS = 8;

/** What a signer answers to a claim: that it is stored, was stored before, or why it is not. */
export const CLAIM_RESULTS = [
  "accepted",
  "known",
  "unknown-order",
  "closed-order",
  "other-node",
  "unknown-node",
  "stopped-node",
  "no-document",
  "bad-signature",
  "old-round",
  "equivocation",
  "over-budget",
] as const;

export type ClaimResult = (typeof CLAIM_RESULTS)[number];

/** A worker whose claim of a round was found to be false. */
export interface StoppedWorker {
  nodeId: bigint;
  /** Its first false round. */
  round: bigint;
}

/** A round that is over: nobody signs it, because all that it says follows from its claims. */
export interface Closing {
  orderId: bigint;
  round: bigint;
  /** Number of the coordinator's turn, which rises over the whole run. */
  attempt: bigint;
  startHash: string;
  /**
   * The hash of the weights that the next round begins with: the trimmed mean of what is claimed or, if workers are stopped,
   * the end of the round before the first false one.
   */
  endHash: string;
  /** By ascending node ids; of this round and this start. */
  claims: Signed<RoundClaim>[];
  /** Workers that take no part from the next round on. */
  stopped: StoppedWorker[];
}

/** What a worker tells of a run after some round. */
export interface TrainingState {
  /** Its own claims. */
  claims: Signed<RoundClaim>[];
  /** Rounds that are over, by ascending numbers without a gap. */
  closings: Closing[];
}

const claim = record<Signed<RoundClaim>>({ ...ROUND_CLAIM.codecs, signature: keySignature });

const MAX_CLAIMS = 262_144;
const MAX_ANSWERS = 65_536;
const MAX_STATE = 2_097_152;
const MAX_AUDITS = 65_536;

/** Claims as they are posted, each without the format's name. */
export const ROUND_CLAIMS = new JsonFormat<{ claims: Signed<RoundClaim>[] }>("turingfog-round-claims-v1", MAX_CLAIMS, {
  claims: list(claim, 1, MAX_POSTED),
});

/** The answers to posted claims, in their order. */
export const CLAIM_ANSWERS = new JsonFormat<{ answers: { result: ClaimResult }[] }>(
  "turingfog-claim-answers-v1",
  MAX_ANSWERS,
  { answers: list(record({ result: oneOf(...CLAIM_RESULTS) }), 1, MAX_POSTED) },
);

const stopped = list(record<StoppedWorker>({ nodeId: uint(256), round: uint(32) }), 0, MAX_WORKERS_OF_ROUND);

const closing = record<Closing>({
  orderId: uint(256),
  round: uint(32),
  attempt: uint(32),
  startHash: bytes32,
  endHash: bytes32,
  claims: list(claim, 1, MAX_WORKERS_OF_ROUND),
  stopped,
});

export const TRAINING_STATE = new JsonFormat<TrainingState>("turingfog-training-state-v1", MAX_STATE, {
  claims: list(claim, 0, MAX_POSTED),
  closings: list(closing, 0, MAX_CLOSINGS),
});

/** Workers of an order whose claims a signer has found to be false. */
export const STOPPED_WORKERS = new JsonFormat<{ stopped: StoppedWorker[] }>(
  "turingfog-stopped-workers-v1",
  MAX_AUDITS,
  { stopped },
);
