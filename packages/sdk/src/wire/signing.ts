import { accountSignature, address, bytes32, keySignature, list, oneOf, record, text, uint } from "./codecs.js";
import { NODE_DOCUMENT, type NodeDocument, SIGNER_DOCUMENT, type SignerDocument } from "./documents.js";
import { JsonFormat, type Signed } from "./format.js";
import { READING, type Reading } from "./metering.js";

/** The most receipts that one answer refuses by name; the rest of the file is then not judged. */
export const MAX_REFUSED = 1_000;

/** The most roots in one answer. */
export const MAX_ROOTS = 512;

/** The most documents of a node in one answer: those of the highest sequences. */
export const MAX_DOCUMENTS = 16;

const MAX_STATEMENT = 1_024;
const MAX_JSON = 262_144;
const MAX_SIGNERS = 64;
/** The most heads in one answer. */
export const MAX_HEADS = 256;

/** A signer's announcement of a receipt file that it wants a quorum for. */
export interface Proposal {
  /** Number of the interval whose receipts these are: the time of its start over the interval's length. */
  interval: bigint;
  /** The second proposal of an interval leaves out what was refused of the first. */
  attempt: "first" | "repeat";
  receiptsRoot: string;
  /** The SHA-256 of the file. */
  dataHash: string;
  bytes: bigint;
  receipts: bigint;
}

/** A receipt that a signer does not sign, and what it would sign instead. */
export interface RefusedReceipt {
  /** Its place in the file, from 0. */
  index: bigint;
  reason: string;
  /** Sequence of the last reading that the signer would sign a receipt of; 0 if none. */
  sequence: bigint;
  /** Digest of that reading; zero if none. */
  digest: string;
  /** The TU that it would sign then, 18 decimals. */
  cumulativeTU: bigint;
}

/** A signer's answer to a proposal that it does not sign as it stands. */
export interface ProposalAnswer {
  dataHash: string;
  /** Number of receipts that were judged, from the first; those after them count as refused. */
  judged: bigint;
  refused: RefusedReceipt[];
}

/** A signer's signature of a root and its file: that of a `ReceiptBatch`, see `ORACLE_TYPES`. */
export interface BatchSignature {
  receiptsRoot: string;
  dataHash: string;
  signerSetVersion: bigint;
  signer: string;
  signature: string;
}

/** A root that a signer knows the file of. */
export interface PublishedRoot {
  /** Ascends in the signer's list, without meaning elsewhere. */
  number: bigint;
  receiptsRoot: string;
  dataHash: string;
  /** Of the file. */
  bytes: bigint;
}

/** A secret by which a signer has drawn in an interval that is over. */
export interface Draw {
  interval: bigint;
  /** 32 bytes; their SHA-256 was the commitment. */
  secret: string;
}

export const PROPOSAL = new JsonFormat<Proposal>("turingfog-proposal-v1", MAX_STATEMENT, {
  interval: uint(64),
  attempt: oneOf("first", "repeat"),
  receiptsRoot: bytes32,
  dataHash: bytes32,
  bytes: uint(64),
  receipts: uint(32),
});

export const PROPOSAL_ANSWER = new JsonFormat<ProposalAnswer>("turingfog-proposal-answer-v1", MAX_JSON, {
  dataHash: bytes32,
  judged: uint(32),
  refused: list(
    record<RefusedReceipt>({
      index: uint(32),
      reason: text(/^(?=.{1,32}$)[a-z]+(-[a-z]+)*$/, "1 to 32 lower-case letters, in words joined by -"),
      sequence: uint(64),
      digest: bytes32,
      cumulativeTU: uint(96),
    }),
    0,
    MAX_REFUSED,
  ),
});

export const BATCH_SIGNATURE = new JsonFormat<BatchSignature>("turingfog-batch-signature-v1", 65_536, {
  receiptsRoot: bytes32,
  dataHash: bytes32,
  signerSetVersion: uint(64),
  signer: address,
  signature: accountSignature,
});

export const ROOTS = new JsonFormat<{ roots: PublishedRoot[] }>("turingfog-roots-v1", MAX_JSON, {
  roots: list(
    record<PublishedRoot>({ number: uint(64), receiptsRoot: bytes32, dataHash: bytes32, bytes: uint(64) }),
    0,
    MAX_ROOTS,
  ),
});

export const DRAW = new JsonFormat<Draw>("turingfog-draw-v1", MAX_STATEMENT, { interval: uint(64), secret: bytes32 });

/** The documents of all signers, as one of them knows them. */
export const SIGNERS = new JsonFormat<{ documents: Signed<SignerDocument>[] }>("turingfog-signers-v1", 2_097_152, {
  documents: list(
    record<Signed<SignerDocument>>({ ...SIGNER_DOCUMENT.codecs, signature: accountSignature }),
    0,
    MAX_SIGNERS,
  ),
});

/** A node's document, and when a signer first saw it, in unix seconds. */
export type SeenDocument = Signed<NodeDocument> & { firstSeen: bigint };

/** The documents of a node that a signer has seen, by ascending sequence. */
export const NODE_DOCUMENTS = new JsonFormat<{ documents: SeenDocument[] }>("turingfog-node-documents-v1", 2_097_152, {
  documents: list(
    record<SeenDocument>({ ...NODE_DOCUMENT.codecs, signature: accountSignature, firstSeen: uint(40) }),
    0,
    MAX_DOCUMENTS,
  ),
});

/** The last reading of each chain of a node that a signer has. */
export const HEADS = new JsonFormat<{ heads: Signed<Reading>[] }>("turingfog-heads-v1", MAX_JSON, {
  heads: list(record<Signed<Reading>>({ ...READING.codecs, signature: keySignature }), 0, MAX_HEADS),
});
