import { ENVELOPE, MessageHasher, meterDomain, NODE_DOCUMENT, READING, SignedFormat } from "@turingfog/sdk/wire";
import { TuringFogError } from "@turingfog/sdk";
import { expect } from "chai";
import fc from "fast-check";
import { hexlify, Wallet } from "ethers";
import { SEED, CASES, accepted, nodeDocument } from "./messages";

const DOMAIN = meterDomain(1n, `0x${"ab".repeat(20)}`);

describe("MessageHasher", () => {
  it(`hashes messages of every format as ethers does (seed ${SEED})`, async () => {
    for (const { format, message } of CASES.filter((each) => each.format instanceof SignedFormat)) {
      const signed = format as unknown as SignedFormat<object>;
      const hasher = await MessageHasher.of(signed, DOMAIN);
      fc.assert(
        fc.property(message, (given) => {
          expect(hexlify(hasher.digest(given))).to.equal(signed.digest(DOMAIN, given));
        }),
        { seed: SEED, numRuns: 200 },
      );
    }
  });

  it("hashes an address alike in lower case and with its checksum", async () => {
    const { address } = Wallet.createRandom();
    const hasher = await MessageHasher.of(ENVELOPE, DOMAIN);
    const envelope = {
      request: "GET /",
      bodyHash: `0x${"00".repeat(32)}`,
      nonce: `0x${"00".repeat(32)}`,
      expiresAt: 1n,
    };
    const digests = [address, address.toLowerCase()].map((receiver) => hasher.digest({ ...envelope, receiver }));
    expect(digests[0]).to.deep.equal(digests[1]);
  });

  it("finds the key that has signed, and another for another message", async () => {
    const key = Wallet.createRandom();
    const account = key.address.toLowerCase();
    const signed = await READING.sign(key, DOMAIN, accepted);
    expect(READING.signerOf(DOMAIN, READING.decode(READING.encode(signed)))).to.equal(account);
    expect(READING.signerOf(DOMAIN, { ...signed, cumulativeTU: 0n })).not.to.equal(account);
    expect(READING.signerOf({ ...DOMAIN, chainId: 2n }, signed)).not.to.equal(account);
  });

  it("finds no key behind what only a contract can have signed", () => {
    expect(NODE_DOCUMENT.signerOf(DOMAIN, { ...nodeDocument, signature: `0x${"01".repeat(200)}` })).to.equal(undefined);
  });

  it("refuses what the typed data cannot carry, as ethers does", async () => {
    const hasher = await MessageHasher.of(READING, DOMAIN);
    for (const change of [
      { orderId: 2n ** 256n },
      { orderId: -1n },
      { sequence: 2n ** 64n },
      { cumulativeTU: 2n ** 96n },
      { evidence: "" },
      { evidence: "7" },
      { evidence: "0x01" },
      { evidence: `0x01${"0e".repeat(32)}` },
    ]) {
      const message = { ...accepted, ...change };
      expect(() => READING.digest(DOMAIN, message), JSON.stringify(Object.keys(change))).to.throw();
      expect(() => hasher.digest(message)).to.throw(TuringFogError, Object.keys(change)[0]);
    }
    expect(hexlify(hasher.digest(accepted))).to.equal(READING.digest(DOMAIN, accepted));
  });
});
