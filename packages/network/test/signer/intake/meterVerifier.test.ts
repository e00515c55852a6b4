import { MeterVerifier } from "@turingfog/network";
import { READING, type Reading } from "@turingfog/sdk/wire";
import { expect } from "chai";
import fc from "fast-check";
import { getBytes, hexlify, Wallet } from "ethers";

import { Meter, METER_DOMAIN } from "../../helpers/meters";

const SEED = Number(process.env.SEED ?? 1);

const uint = (bits: number) => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n });
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((value) => hexlify(value));

const reading: fc.Arbitrary<Reading> = fc.record({
  orderId: uint(256),
  nodeId: uint(256),
  sequence: uint(64),
  cumulativeTU: uint(96),
  measuredAt: uint(40),
  evidence: bytes(32),
  previous: bytes(32),
});

const key = fc.integer({ min: 1, max: 3 }).map((number) => new Wallet(`0x${String(number).padStart(64, "0")}`));

describe("MeterVerifier", () => {
  it(`hashes and verifies random readings as ethers does (seed ${SEED})`, async () => {
    const verifier = await MeterVerifier.of(METER_DOMAIN);
    await fc.assert(
      fc.asyncProperty(reading, key, key, async (message, signer, claimed) => {
        const signed = await READING.sign(signer, METER_DOMAIN, message);
        const digest = verifier.digest(message);
        expect(hexlify(digest)).to.equal(READING.digest(METER_DOMAIN, message));

        const accounts = [claimed.address.toLowerCase()];
        const byEthers = READING.signerOf(METER_DOMAIN, signed);
        const expected = accounts.includes(byEthers ?? "") ? byEthers : undefined;
        expect(verifier.signerAmong(accounts, digest, getBytes(signed.signature))).to.equal(expected);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it(`takes no changed signature that ethers would not take, v included (seed ${SEED})`, async () => {
    const verifier = await MeterVerifier.of(METER_DOMAIN);
    const meter = await Meter.of(1);
    const message = meter.next();
    const digest = verifier.digest(message);
    // the key is known from then on
    expect(verifier.signerAmong([meter.key], digest, getBytes(message.signature))).to.equal(meter.key);
    const flipped = message.signature.endsWith("1b") ? "1c" : "1b";
    const withOtherV = `${message.signature.slice(0, -2)}${flipped}`;
    expect(verifier.signerAmong([meter.key], digest, getBytes(withOtherV))).to.equal(undefined);

    fc.assert(
      fc.property(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = getBytes(message.signature).slice();
        changed[at] ^= change;
        const taken = verifier.signerAmong([meter.key], digest, changed);
        const byEthers = READING.signerOf(METER_DOMAIN, { ...message, signature: hexlify(changed) });
        expect(taken).to.equal(byEthers === meter.key ? meter.key : undefined);
      }),
      { seed: SEED, numRuns: 100 },
    );
  });

  it("names the one of two accounts in force that has signed", async () => {
    const verifier = await MeterVerifier.of(METER_DOMAIN);
    const [old, next] = [await Meter.of(1), await Meter.of(2)];
    for (const meter of [old, next, old]) {
      const message = meter.next();
      const found = verifier.signerAmong([old.key, next.key], verifier.digest(message), getBytes(message.signature));
      expect(found).to.equal(meter.key);
    }
  });
});
