import {
  ACKNOWLEDGEMENT,
  InvalidMessageError,
  type JsonFormat,
  MessageTooLargeError,
  NODE_DOCUMENT,
  READING,
  READINGS,
  SIGNER_DOCUMENT,
} from "@turingfog/sdk/wire";
import { expect } from "chai";
import fc from "fast-check";
import { toBeHex } from "ethers";
import { SEED, CASES, change, accepted, nodeDocument } from "./messages";

const RUNS = Number(process.env.FUZZ_INPUTS ?? 2_000);

/** Changes a text in one to three places: bits, bytes taken out, doubled or moved, or another text's. */
function mutated(text: string, changes: readonly { at: number; to: number; kind: number }[]): Uint8Array {
  let bytes = [...Buffer.from(text)];
  for (const { at, to, kind } of changes) {
    const place = at % bytes.length;
    const end = place + 1 + (to % 8);
    if (kind === 0) bytes[place] ^= 1 << (to % 8);
    else if (kind === 1) bytes[place] = to % 256;
    else if (kind === 2) bytes.splice(place, end - place);
    else if (kind === 3) bytes.splice(place, 0, ...bytes.slice(place, end));
    else bytes = [...bytes.slice(place), ...bytes.slice(0, place)];
    if (bytes.length === 0) return new Uint8Array();
  }
  return Uint8Array.from(bytes);
}

const signerDocument = {
  signer: `0x${"00".repeat(20)}`,
  sequence: 1n,
  expiresAt: 1n,
  endpoint: "https://signer.example",
  linkKey: `0x${"00".repeat(20)}`,
  encryptionKey: `age1${"q".repeat(58)}`,
  drawCommitment: `0x${"00".repeat(32)}`,
  signature: "0x00",
};

function refusal(text: string | Uint8Array, format: JsonFormat<object> = READING): Error {
  try {
    format.decode(text);
  } catch (error) {
    return error as Error;
  }
  throw new Error(`${format.name} took ${String(text)}`);
}

describe("messages between nodes and signers", () => {
  for (const { format, message } of CASES) {
    describe(format.name, () => {
      it(`reads what it has written, in one canonical form (seed ${SEED})`, () => {
        fc.assert(
          fc.property(message, (given) => {
            const text = format.encode(given);
            expect(format.decode(text)).to.deep.equal(given);
            expect(format.decode(Buffer.from(text))).to.deep.equal(given);
            const { format: name, ...rest } = JSON.parse(text) as Record<string, unknown>;
            expect(name).to.equal(format.name);
            expect(Object.keys(JSON.parse(text) as object)).to.deep.equal([...Object.keys(rest), "format"].sort());
          }),
          { seed: SEED, numRuns: 100 },
        );
      });

      it(`takes no text but the one that it would write, however it is changed (seed ${SEED})`, () => {
        fc.assert(
          fc.property(message, fc.array(change, { minLength: 1, maxLength: 3 }), (given, changes) => {
            const bytes = mutated(format.encode(given), changes);
            try {
              expect(format.encode(format.decode(bytes))).to.equal(Buffer.from(bytes).toString());
            } catch (error) {
              expect(error).to.be.instanceOf(InvalidMessageError);
            }
          }),
          { seed: SEED, numRuns: RUNS },
        );
      });
    });
  }

  it("refuses a message above its limit before it reads it, and takes one at the limit", () => {
    const atLimit = (size: number) => {
      const [head, tail] = NODE_DOCUMENT.encode({ ...nodeDocument, signature: "0x00" }).split('"0x00"');
      return `${head}"0x${"00".repeat((size - head.length - tail.length - 4) / 2)}"${tail}`;
    };
    // the signature's own limit comes first: what is asked here is whether the text was read at all
    expect(refusal(atLimit(65_536), NODE_DOCUMENT)).to.be.instanceOf(InvalidMessageError);
    expect(refusal(atLimit(65_538), NODE_DOCUMENT)).to.be.instanceOf(MessageTooLargeError);
    const largest = { ...nodeDocument, signature: `0x${"00".repeat(8_192)}` };
    expect(NODE_DOCUMENT.decode(NODE_DOCUMENT.encode(largest))).to.deep.equal(largest);
  });

  it("posts 256 of the longest readings at once, and refuses 257", () => {
    const longest = {
      orderId: 2n ** 256n - 1n,
      nodeId: 2n ** 256n - 1n,
      sequence: 2n ** 64n - 1n,
      cumulativeTU: 2n ** 96n - 1n,
      measuredAt: 2n ** 40n - 1n,
      evidence: `0x${"ff".repeat(32)}`,
      previous: `0x${"ff".repeat(32)}`,
      signature: `0x${"7f".repeat(64)}1c`,
    };
    const post = (count: number) => READINGS.encode({ readings: Array.from({ length: count }, () => longest) });
    expect(READINGS.decode(post(256)).readings).to.have.lengthOf(256);
    expect(() => post(257)).to.throw(InvalidMessageError, "readings: has 257 items, expected 1 to 256");
  });

  const text = READING.encode(accepted);
  for (const [what, given, message] of [
    ["bytes that are not UTF-8", Buffer.from([0xff, 0xfe]), "turingfog-reading-v1, top level: is not UTF-8"],
    ["a byte order mark", Buffer.from(`\ufeff${text}`), "turingfog-reading-v1, top level: is not JSON"],
    ["what is not JSON", "{", "turingfog-reading-v1, top level: is not JSON"],
    ["a list", "[]", "turingfog-reading-v1, top level: is a list, expected an object"],
    [
      "lists in lists without an end",
      text.replace('"sequence":"1"', `"sequence":${"[".repeat(100)}${"]".repeat(100)}`),
      "turingfog-reading-v1, sequence: is a list, expected a decimal integer below 2^64 as a string",
    ],
    ["null", "null", "turingfog-reading-v1, top level: is null, expected an object"],
    ["a missing value", text.replace('"nodeId":"2",', ""), "turingfog-reading-v1, top level: has no nodeId"],
    [
      "a value it does not know",
      text.replace("{", '{"__proto__":"1",'),
      'turingfog-reading-v1, top level: has a key "__proto__", knows format, orderId, nodeId, sequence, ' +
        "cumulativeTU, measuredAt, evidence, previous, signature",
    ],
    [
      "a number where a decimal string belongs",
      text.replace('"sequence":"1"', '"sequence":1'),
      "turingfog-reading-v1, sequence: is 1, expected a decimal integer below 2^64 as a string",
    ],
    [
      "an integer beyond its type",
      text.replace('"measuredAt":"1800000000"', `"measuredAt":"${2n ** 40n}"`),
      'turingfog-reading-v1, measuredAt: is "1099511627776", expected a decimal integer below 2^40 as a string',
    ],
    [
      "a negative integer",
      text.replace('"sequence":"1"', '"sequence":"-1"'),
      'turingfog-reading-v1, sequence: is "-1", expected a decimal integer below 2^64 as a string',
    ],
    [
      "digits without an end, of which it shows the first",
      text.replace('"sequence":"1"', `"sequence":"${"1".repeat(500)}"`),
      `turingfog-reading-v1, sequence: is "${"1".repeat(80)}…, expected a decimal integer below 2^64 as a string`,
    ],
    [
      "a hash in upper case",
      text.replace("0e".repeat(32), "0E".repeat(32)),
      `turingfog-reading-v1, evidence: is "0x${"0E".repeat(32)}", expected 0x and 64 lower-case hex digits`,
    ],
    [
      "another format",
      text.replace("reading-v1", "reading-v2"),
      'turingfog-reading-v1, format: is "turingfog-reading-v2", expected turingfog-reading-v1',
    ],
    [
      "another format before what it lacks",
      '{"format":"turingfog-reading-v2"}',
      'turingfog-reading-v1, format: is "turingfog-reading-v2", expected turingfog-reading-v1',
    ],
    [
      "what a terminal would obey, and shows it in ASCII",
      text.replace('"sequence":"1"', '"sequence":"\u009b31m\u202e\ud800"'),
      'turingfog-reading-v1, sequence: is "\\u009b31m\\u202e\\ud800", expected',
    ],
    ["a key twice", text.replace('"nodeId":"2"', '"nodeId":"2","nodeId":"2"'), "canonical form"],
    ["spaces", text.replace(":", ": "), "canonical form"],
    ["a line break at the end", `${text}\n`, "canonical form"],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(refusal(given)).to.be.instanceOf(InvalidMessageError);
      expect(refusal(given).message).to.contain(message);
    });
  }

  it("refuses nesting as deep as its limit lets it be, by name", () => {
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
    ]) {
      const depth = Math.floor(65_536 / (open.length + close.length)) - 1;
      const nested = `${open.repeat(depth)}1${close.repeat(depth)}`;
      expect(refusal(nested, NODE_DOCUMENT)).to.be.instanceOf(InvalidMessageError);
      const inside = `{"format":"turingfog-node-document-v1","nodeId":${nested.slice(0, -100)}`;
      expect(refusal(inside, NODE_DOCUMENT)).to.be.instanceOf(InvalidMessageError);
    }
  });

  const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const signatureOf = (r: bigint, s: bigint, v: bigint) => toBeHex((r << 264n) | (s << 8n) | v, 65);
  for (const [what, given] of [
    ["r of zero", signatureOf(0n, 1n, 27n)],
    ["r of the group's order", signatureOf(ORDER, 1n, 27n)],
    ["s of zero", signatureOf(1n, 0n, 27n)],
    ["a high s", signatureOf(1n, ORDER / 2n + 1n, 27n)],
    ["v of 0", signatureOf(1n, 1n, 0n)],
    ["v of 29", signatureOf(1n, 1n, 29n)],
    ["64 bytes", `0x${"01".repeat(64)}`],
  ]) {
    it(`refuses a key's signature with ${what}, as the escrow does`, () => {
      expect(() => ACKNOWLEDGEMENT.encode({ orderId: 1n, cumulativeTU: 1n, signature: given })).to.throw(
        InvalidMessageError,
        "signature",
      );
    });
  }

  it("takes a key's signature at the bounds", () => {
    for (const signature of [signatureOf(1n, 1n, 27n), signatureOf(ORDER - 1n, ORDER / 2n, 28n)]) {
      const acknowledgement = { orderId: 1n, cumulativeTU: 1n, signature };
      expect(ACKNOWLEDGEMENT.decode(ACKNOWLEDGEMENT.encode(acknowledgement))).to.deep.equal(acknowledgement);
    }
  });

  for (const address of [
    "ftp://node.example",
    "https://",
    "https://Node.example",
    "https://user@node.example",
    "https://node.example?",
    "https://node.example/#",
    "https://node.example/",
    "https://node.example/a b",
    "https://[::1",
    "https://node.example:65536",
    "https://256.1.1.1",
    "http://[:::::]",
    "https://node.example/..",
    "https://node.example/./a",
    `https://${"a".repeat(248)}`,
  ]) {
    it(`refuses the endpoint ${address.slice(0, 40)}`, () => {
      const document = { ...signerDocument, endpoint: address };
      expect(() => SIGNER_DOCUMENT.encode(document)).to.throw(InvalidMessageError, "endpoint");
    });
  }

  it("takes endpoints that a path can be added to", () => {
    for (const address of [
      "http://127.0.0.1:8080",
      "https://[2001:db8::1]:8443/turingfog/v2",
      `https://${"a".repeat(247)}`,
    ]) {
      const document = { ...signerDocument, endpoint: address };
      expect(SIGNER_DOCUMENT.decode(SIGNER_DOCUMENT.encode(document))).to.deep.equal(document);
      expect(new URL(`${address}/v1/readings`).pathname).to.match(/\/v1\/readings$/);
    }
  });

  for (const pattern of [
    "[a-z]",
    "(a+)+",
    "[^a]{1,2}",
    "[a]{1,}",
    "[a\\]{1,2}",
    "[a-z]{01,2}",
    "[a-z]{1,10000}",
    "[z-a]{1,2}",
    "[a]{9,1}",
    "[a--]{1,2}",
  ]) {
    it(`refuses the pattern ${pattern} of a slot`, () => {
      const runners = [{ kind: "process" as const, name: "a", slots: { A: pattern } }];
      expect(() => NODE_DOCUMENT.encode({ ...nodeDocument, runners })).to.throw(
        InvalidMessageError,
        "runners[0].slots",
      );
    });
  }

  it("refuses two runners of one name", () => {
    const runners = (["process", "training"] as const).map((kind) => ({ kind, name: "a", slots: {} }));
    expect(() => NODE_DOCUMENT.encode({ ...nodeDocument, runners })).to.throw(
      InvalidMessageError,
      "turingfog-node-document-v1, runners: names a twice",
    );
  });

  it("names the place of a value in a list", () => {
    const post = READINGS.encode({ readings: [accepted, accepted] });
    const second = post.lastIndexOf('"sequence":"1"');
    const changed = `${post.slice(0, second)}"sequence":"x"${post.slice(second + 14)}`;
    expect(refusal(changed, READINGS).message).to.match(/^turingfog-readings-v1, readings\[1\]\.sequence: is "x"/);
  });

  it("writes nothing that it would not read", () => {
    expect(() => READING.encode({ ...accepted, sequence: 2n ** 64n })).to.throw(InvalidMessageError, "sequence");
    expect(() => READING.encode({ ...accepted, evidence: "0x" })).to.throw(InvalidMessageError, "evidence");
  });
});
