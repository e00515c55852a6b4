import { address, bytes32, keySignature, list, record, uint, uintUpTo } from "./codecs.js";
import { JsonFormat, SignedFormat } from "./format.js";

/** The header that has the heartbeat of a node's request for challenges. */
export const HEARTBEAT_HEADER = "TuringFog-Heartbeat";

/** The most rows and columns of a challenge's matrices. */
export const MAX_CHALLENGE_SIZE = 16_384n;

const MAX_STATEMENT = 1_024;
const MAX_OPEN = 16;
const MAX_ROWS = 64;
const MAX_DEPTH = 14;
const MAX_PROOF = 131_072;

/** A node's sign of life to one signer, by its meter key, with which it asks for challenges. */
export interface Heartbeat {
  nodeId: bigint;
  /** The signer that it is for. */
  receiver: string;
  /** Unix seconds. */
  sentAt: bigint;
}

/** A product of two matrices that a node is to compute at once. */
export interface Challenge {
  id: string;
  /** The matrices are made from it. */
  seed: string;
  /** Rows and columns of both matrices, a power of two. */
  size: bigint;
  /** Seconds between the signer's answer with the challenge and the node's answer to it, both as the signer sees them. */
  seconds: bigint;
}

/** A node's answer to a challenge, by its meter key, before it knows which rows are looked at. */
export interface ChallengeAnswer {
  challenge: string;
  /** The root of a Merkle tree over the product's rows. */
  root: string;
}

/** The rows that a signer looks at. */
export interface ChallengeRows {
  challenge: string;
  rows: bigint[];
}

/** The way from each row that was asked for to the root, the neighbour of the row first. */
export interface ChallengeProof {
  challenge: string;
  paths: string[][];
}

export const HEARTBEAT = new SignedFormat<Heartbeat>(
  "turingfog-heartbeat-v1",
  "Heartbeat",
  MAX_STATEMENT,
  { nodeId: uint(256), receiver: address, sentAt: uint(40) },
  keySignature,
);

export const CHALLENGES = new JsonFormat<{ challenges: Challenge[] }>("turingfog-challenges-v1", 8_192, {
  challenges: list(
    record<Challenge>({ id: bytes32, seed: bytes32, size: uintUpTo(32, MAX_CHALLENGE_SIZE), seconds: uint(32) }),
    0,
    MAX_OPEN,
  ),
});

export const CHALLENGE_ANSWER = new SignedFormat<ChallengeAnswer>(
  "turingfog-challenge-answer-v1",
  "ChallengeAnswer",
  MAX_STATEMENT,
  { challenge: bytes32, root: bytes32 },
  keySignature,
);

export const CHALLENGE_ROWS = new JsonFormat<ChallengeRows>("turingfog-challenge-rows-v1", MAX_STATEMENT, {
  challenge: bytes32,
  rows: list(uintUpTo(32, MAX_CHALLENGE_SIZE - 1n), 1, MAX_ROWS),
});

export const CHALLENGE_PROOF = new JsonFormat<ChallengeProof>("turingfog-challenge-proof-v1", MAX_PROOF, {
  challenge: bytes32,
  paths: list(list(bytes32, 1, MAX_DEPTH), 1, MAX_ROWS),
});
