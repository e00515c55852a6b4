import {
  BrokenChainError,
  checkEnvelope,
  documentInForce,
  EnvelopeRefusedError,
  MAX_ENVELOPE_AGE,
  MessageHasher,
  meterDomain,
  READING,
  type Reading,
  ReadingChain,
  SIGNER_DOCUMENT,
} from "@turingfog/sdk/wire";
import { expect } from "chai";

const DOMAIN = meterDomain(31_337n, `0x${"e5".repeat(20)}`);
const ZERO_HASH = `0x${"00".repeat(32)}`;

const FIRST: Reading = {
  orderId: 5n,
  nodeId: 7n,
  sequence: 1n,
  cumulativeTU: 10n,
  measuredAt: 1_000n,
  evidence: `0x${"01".repeat(32)}`,
  previous: ZERO_HASH,
};

async function chain() {
  const hasher = await MessageHasher.of(READING, DOMAIN);
  const started = new ReadingChain(hasher, 5n, 7n);
  const previous = started.append(FIRST);
  const second: Reading = { ...FIRST, sequence: 2n, cumulativeTU: 10n, measuredAt: 1_060n, previous };
  return { hasher, started, second };
}

describe("ReadingChain", () => {
  it("continues by the digest of the reading before, and gives that of the last", async () => {
    const { started, second } = await chain();
    expect(started.head).to.equal(READING.digest(DOMAIN, FIRST));
    expect(started.append(second)).to.equal(READING.digest(DOMAIN, second));
    expect(started.head).to.equal(READING.digest(DOMAIN, second));
  });

  it("has no head before the first reading", async () => {
    const { hasher } = await chain();
    expect(new ReadingChain(hasher, 5n, 7n).head).to.equal(undefined);
  });

  for (const [field, value, expected] of [
    ["orderId", 6n, "5"],
    ["nodeId", 8n, "7"],
    ["sequence", 1n, "2"],
    ["sequence", 3n, "2"],
    ["previous", ZERO_HASH, "0x[0-9a-f]{64}"],
    ["cumulativeTU", 9n, "at least 10"],
    ["measuredAt", 1_059n, "at least 1060"],
  ] as const) {
    it(`refuses ${field} ${value} and stays as it was`, async () => {
      const { started, second } = await chain();
      const { head } = started;
      expect(() => started.append({ ...second, [field]: value }))
        .to.throw(BrokenChainError, new RegExp(`${field} is ${value}, expected ${expected}$`))
        .with.property("field", field);
      expect(started.head).to.equal(head);
      expect(started.append(second)).to.equal(READING.digest(DOMAIN, second));
    });
  }

  it("refuses a first reading that names one before, or is not the first", async () => {
    const { hasher } = await chain();
    const empty = new ReadingChain(hasher, 5n, 7n);
    expect(() => empty.append({ ...FIRST, previous: `0x${"01".repeat(32)}` })).to.throw(BrokenChainError, "previous");
    expect(() => empty.append({ ...FIRST, sequence: 0n })).to.throw(BrokenChainError, "sequence is 0, expected 1");
  });

  it("keeps no hold on what it was given", async () => {
    const { hasher } = await chain();
    const own = new ReadingChain(hasher, 5n, 7n);
    const given = { ...FIRST };
    const previous = own.append(given);
    given.cumulativeTU = 0n;
    const lower = { ...FIRST, sequence: 2n, cumulativeTU: 9n, measuredAt: 1_060n, previous };
    expect(() => own.append(lower)).to.throw(BrokenChainError, "cumulativeTU is 9, expected at least 10");
  });
});

describe("documentInForce", () => {
  const at = (sequence: bigint, expiresAt: bigint) => ({
    sequence,
    expiresAt,
    signer: `0x${"00".repeat(20)}`,
    endpoint: "https://signer.example",
    linkKey: `0x${"00".repeat(20)}`,
    encryptionKey: `age1${"q".repeat(58)}`,
    drawCommitment: ZERO_HASH,
    signature: "0x00",
  });
  const [low, high] = [at(1n, 100n), at(2n, 50n)];

  it("is the one with the highest sequence, wherever it stands", () => {
    expect(documentInForce(SIGNER_DOCUMENT, [low, high], 10n)).to.equal(high);
    expect(documentInForce(SIGNER_DOCUMENT, [high, low], 10n)).to.equal(high);
  });

  it("is none once that one has expired, though an older one has not", () => {
    expect(documentInForce(SIGNER_DOCUMENT, [low, high], 49n)).to.equal(high);
    expect(documentInForce(SIGNER_DOCUMENT, [low, high], 50n)).to.equal(undefined);
  });

  it("is none if two of the highest sequence contradict each other, and one if they say the same", () => {
    const other = { ...high, linkKey: `0x${"01".repeat(20)}` };
    expect(documentInForce(SIGNER_DOCUMENT, [low, high, other], 10n)).to.equal(undefined);
    expect(documentInForce(SIGNER_DOCUMENT, [low, other, high], 10n)).to.equal(undefined);
    expect(documentInForce(SIGNER_DOCUMENT, [high, { ...high, signature: "0x01" }], 10n)).to.equal(high);
  });

  it("is none among none", () => {
    expect(documentInForce(SIGNER_DOCUMENT, [], 0n)).to.equal(undefined);
  });
});

describe("checkEnvelope", () => {
  const now = 1_000n;
  const receiver = `0x${"ab".repeat(20)}`;
  const bodyHash = `0x${"0b".repeat(32)}`;
  const request = "POST /v1/proposals";
  const envelope = { receiver, request, bodyHash, nonce: ZERO_HASH, expiresAt: now + MAX_ENVELOPE_AGE };
  const received = { receiver, request, bodyHash, now };

  it("takes one of this receiver, this body and this time", () => {
    checkEnvelope(envelope, received);
    checkEnvelope(
      { ...envelope, expiresAt: now + 1n },
      { ...received, receiver: receiver.toUpperCase().replace("X", "x") },
    );
  });

  for (const [field, value] of [
    ["receiver", `0x${"ac".repeat(20)}`],
    ["request", "POST /v1/claims"],
    ["bodyHash", ZERO_HASH],
    ["expiresAt", now],
    ["expiresAt", now + MAX_ENVELOPE_AGE + 1n],
  ] as const) {
    it(`refuses ${field} ${value}`, () => {
      expect(() => checkEnvelope({ ...envelope, [field]: value }, received))
        .to.throw(EnvelopeRefusedError, `${field} is ${value}, expected`)
        .with.property("field", field);
    });
  }
});
