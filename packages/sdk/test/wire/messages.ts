import {
  ACKNOWLEDGEMENT,
  ATTESTATION,
  ATTESTATION_REQUEST,
  BATCH_SIGNATURE,
  CHALLENGE_ANSWER,
  CHALLENGE_PROOF,
  CHALLENGE_ROWS,
  CHALLENGES,
  DRAW,
  ENVELOPE,
  EVIDENCE,
  GRANT,
  HEADS,
  HEARTBEAT,
  JOB,
  type JsonFormat,
  NODE_DOCUMENT,
  NODE_DOCUMENTS,
  PROPOSAL,
  PROPOSAL_ANSWER,
  READING,
  READING_ANSWERS,
  READING_RESULTS,
  READINGS,
  type Reading,
  ROOTS,
  ROUND_CLAIM,
  type Runner,
  SIGNER_DOCUMENT,
  SIGNERS,
  type Signed,
} from "@turingfog/sdk/wire";
import fc from "fast-check";
import { hexlify } from "ethers";

export const SEED = Number(process.env.SEED ?? 1);

/* ARBITRARY MESSAGES */

const uint = (bits: number) =>
  fc.oneof(fc.constantFrom(0n, 1n, 2n ** BigInt(bits) - 1n), fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n }));

const size = (max: bigint) => fc.bigInt({ min: 0n, max });

const hex = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => hexlify(value));

const matching = (pattern: RegExp) => fc.stringMatching(pattern);

/** Signatures of keys as they can be: r and s below half of the group's order. */
export const signature = fc
  .tuple(hex(31), hex(31), fc.constantFrom("1b", "1c"))
  .map(([r, s, v]) => `0x01${r.slice(2)}01${s.slice(2)}${v}`);

const endpoint = fc.constantFrom("http://127.0.0.1:8080", "https://[2001:db8::1]/a.b/c~d", "https://node.example");

const recipient = matching(/^age1[ac-hj-np-z02-9]{58}$/);

export const pattern = fc.constantFrom("[a-z0-9.]{1,64}", "[0-9]{0,4}", "[A-Za-z _/-]{1,9999}");

const slots = fc.dictionary(matching(/^[A-Z][A-Z0-9_]{0,5}$/), pattern, { maxKeys: 4 });

const runner: fc.Arbitrary<Runner> = fc.record({
  kind: fc.constantFrom<Runner["kind"]>("training", "benchmark", "container", "process"),
  name: matching(/^[a-z0-9][a-z0-9-]{0,8}$/),
  // without a prototype, as fast-check makes them, they would not be equal
  slots: slots.map((given) => ({ ...given })),
});

const anyNodeDocument = fc.record({
  nodeId: uint(256),
  sequence: uint(64),
  expiresAt: uint(40),
  endpoint,
  meterKey: hex(20),
  encryptionKey: recipient,
  runners: fc.uniqueArray(runner, { minLength: 1, maxLength: 16, selector: ({ name }) => name }),
  signature: fc.integer({ min: 1, max: 300 }).chain(hex),
});

const signerDocument = fc.record({
  signer: hex(20),
  sequence: uint(64),
  expiresAt: uint(40),
  endpoint,
  linkKey: hex(20),
  encryptionKey: recipient,
  drawCommitment: hex(32),
  signature: fc.integer({ min: 1, max: 300 }).chain(hex),
});

const reading = fc.record({
  orderId: uint(256),
  nodeId: uint(256),
  sequence: uint(64),
  cumulativeTU: uint(96),
  measuredAt: uint(40),
  evidence: hex(32),
  previous: hex(32),
  signature,
});

interface Case {
  format: JsonFormat<object>;
  message: fc.Arbitrary<object>;
}

const one = <T extends object>(format: JsonFormat<T>, message: fc.Arbitrary<T>): Case => ({
  format: format,
  message,
});

export const CASES: Case[] = [
  one(NODE_DOCUMENT, anyNodeDocument),
  one(SIGNER_DOCUMENT, signerDocument),
  one(READING, reading),
  one(READINGS, fc.record({ readings: fc.array(reading, { minLength: 1, maxLength: 3 }) })),
  one(
    EVIDENCE,
    fc.record({ counted: fc.constantFrom("images" as const, "seconds" as const), amount: uint(64), result: hex(32) }),
  ),
  one(
    ROUND_CLAIM,
    fc.record({
      orderId: uint(256),
      nodeId: uint(256),
      round: uint(32),
      startHash: hex(32),
      endHash: hex(32),
      images: uint(64),
      signature,
    }),
  ),
  one(
    ENVELOPE,
    fc.record({
      receiver: hex(20),
      request: matching(/^(GET|POST|PUT) \/[!-~]{0,20}$/),
      bodyHash: hex(32),
      nonce: hex(32),
      expiresAt: uint(40),
      signature,
    }),
  ),
  one(
    GRANT,
    fc.record({
      orderId: uint(256),
      recipient,
      identity: fc.uint8Array({ minLength: 1, maxLength: 40 }).map((value) => Buffer.from(value).toString("base64")),
      signature,
    }),
  ),
  one(
    JOB,
    fc.record({
      chainId: uint(64),
      escrow: hex(20),
      nodeId: uint(256),
      asset: hex(20),
      tuAmount: uint(96),
      renter: hex(20),
      salt: hex(32),
      runner: matching(/^[a-z0-9][a-z0-9-]{0,8}$/),
      slots: fc
        .dictionary(matching(/^[A-Z][A-Z0-9_]{0,5}$/), matching(/^[ -~]{0,12}$/), { maxKeys: 4 })
        .map((given) => ({ ...given })),
      imagesPerTU: uint(64),
      holdback: fc.bigInt({ min: 0n, max: 2_000n }),
      progress: fc.constantFrom("public" as const, "encrypted" as const),
      resultTo: recipient,
    }),
  ),
  one(ACKNOWLEDGEMENT, fc.record({ orderId: uint(256), cumulativeTU: uint(96), signature })),
  one(
    ATTESTATION_REQUEST,
    fc.record({
      ...{ nodeId: uint(256), validUntil: uint(40), evidence: hex(32), signature },
      card: fc.constantFrom("", "Tesla V100-SXM2-16GB"),
    }),
  ),
  one(ATTESTATION, fc.record({ signerSetVersion: uint(64), signer: hex(20), signature })),
  one(HEARTBEAT, fc.record({ nodeId: uint(256), receiver: hex(20), sentAt: uint(40), signature })),
  one(
    CHALLENGES,
    fc.record({
      challenges: fc.array(fc.record({ id: hex(32), seed: hex(32), size: size(16_384n), seconds: uint(32) }), {
        maxLength: 3,
      }),
    }),
  ),
  one(CHALLENGE_ANSWER, fc.record({ challenge: hex(32), root: hex(32), signature })),
  one(CHALLENGE_ROWS, fc.record({ challenge: hex(32), rows: fc.array(size(16_383n), { minLength: 1, maxLength: 4 }) })),
  one(
    CHALLENGE_PROOF,
    fc.record({
      challenge: hex(32),
      paths: fc.array(fc.array(hex(32), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
    }),
  ),
  one(
    PROPOSAL,
    fc.record({
      interval: uint(64),
      attempt: fc.constantFrom("first" as const, "repeat" as const),
      receiptsRoot: hex(32),
      dataHash: hex(32),
      bytes: uint(64),
      receipts: uint(32),
    }),
  ),
  one(
    PROPOSAL_ANSWER,
    fc.record({
      dataHash: hex(32),
      judged: uint(32),
      refused: fc.array(
        fc.record({
          index: uint(32),
          reason: matching(/^[a-z]{1,9}(-[a-z]{1,9})?$/),
          sequence: uint(64),
          digest: hex(32),
          cumulativeTU: uint(96),
        }),
        { maxLength: 3 },
      ),
    }),
  ),
  one(
    BATCH_SIGNATURE,
    fc.record({
      receiptsRoot: hex(32),
      dataHash: hex(32),
      signerSetVersion: uint(64),
      signer: hex(20),
      signature: fc.integer({ min: 1, max: 300 }).chain(hex),
    }),
  ),
  one(
    ROOTS,
    fc.record({
      roots: fc.array(fc.record({ number: uint(64), receiptsRoot: hex(32), dataHash: hex(32), bytes: uint(64) }), {
        maxLength: 3,
      }),
    }),
  ),
  one(DRAW, fc.record({ interval: uint(64), secret: hex(32) })),
  one(SIGNERS, fc.record({ documents: fc.array(signerDocument, { maxLength: 2 }) })),
  one(
    NODE_DOCUMENTS,
    fc.record({
      documents: fc.array(
        fc.tuple(anyNodeDocument, uint(40)).map(([document, firstSeen]) => ({ ...document, firstSeen })),
        { maxLength: 2 },
      ),
    }),
  ),
  one(
    READING_ANSWERS,
    fc.record({
      answers: fc.array(fc.record({ result: fc.constantFrom(...READING_RESULTS), next: uint(64) }), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  ),
  one(HEADS, fc.record({ heads: fc.array(reading, { maxLength: 3 }) })),
];

export const change = fc.record({ at: fc.nat(), to: fc.nat(), kind: fc.integer({ min: 0, max: 4 }) });

export const accepted: Signed<Reading> = {
  orderId: 1n,
  nodeId: 2n,
  sequence: 1n,
  cumulativeTU: 10n ** 18n,
  measuredAt: 1_800_000_000n,
  evidence: `0x${"0e".repeat(32)}`,
  previous: `0x${"00".repeat(32)}`,
  signature: `0x${"51".repeat(64)}1b`,
};

export const nodeDocument = {
  nodeId: 1n,
  sequence: 1n,
  expiresAt: 1n,
  endpoint: "https://node.example",
  meterKey: `0x${"00".repeat(20)}`,
  encryptionKey: `age1${"q".repeat(58)}`,
  runners: [{ kind: "process" as const, name: "a", slots: {} }],
  signature: "0x00",
};
