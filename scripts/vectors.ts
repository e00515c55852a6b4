import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { toJson } from "@turingfog/sdk";
import { Draws, Product } from "@turingfog/network";
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
  encodeReceiptFile,
  EVIDENCE,
  GRANT,
  HEADS,
  HEARTBEAT,
  JOB,
  JOB_FILE,
  jobDomain,
  linkDomain,
  meterDomain,
  MessageHasher,
  NODE_DOCUMENT,
  nodeDomain,
  PROPOSAL,
  PROPOSAL_ANSWER,
  READING,
  READINGS,
  receiptDataHash,
  ReceiptTree,
  ROOTS,
  ROUND_CLAIM,
  SIGNER_DOCUMENT,
  SIGNERS,
  typesOf,
  writeBundle,
  type Evidence,
  type Job,
  type JsonFormat,
  type MeteredReceipt,
  type NodeDocument,
  type Proposal,
  type Reading,
  type Signed,
  type SignedFormat,
} from "@turingfog/sdk/wire";
import {
  concat,
  encodeBase64,
  hexlify,
  id,
  sha256,
  toUtf8Bytes,
  type TypedDataDomain,
  TypedDataEncoder,
  Wallet,
  ZeroHash,
} from "ethers";

/** The folder that `npm run vectors` writes to, and docs/operators/formats.md describes. */
export const VECTORS = path.join(__dirname, "../docs/operators/vectors");

const CHAIN_ID = 31_337n;
const TU = 10n ** 18n;
const START = 1_800_000_000n;
const ORDER_ID = (1n << 64n) | (2n << 16n);
const NODE_ID = 7n;
const ZERO_HASH = `0x${"00".repeat(32)}`;

const RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/** A key that anybody can make again: the Keccak-256 of its role. */
const key = (role: string) => new Wallet(id(`turingfog vector: ${role}`));
const contract = (name: string) => id(`turingfog vector: ${name}`).slice(0, 42);

const owner = key("owner");
const meter = key("meter");
const signer = key("signer");
const link = key("link");
const renter = key("renter");

const escrow = contract("escrow");
const DOMAINS = {
  node: nodeDomain(CHAIN_ID, contract("registry")),
  meter: meterDomain(CHAIN_ID, escrow),
  link: linkDomain(CHAIN_ID, contract("oracle")),
  job: jobDomain(CHAIN_ID, escrow),
  oracle: {
    name: "TuringFog TUReceiptOracle",
    version: "1",
    chainId: CHAIN_ID,
    verifyingContract: contract("oracle"),
  },
  escrow: { name: "TuringFog ComputeEscrow", version: "1", chainId: CHAIN_ID, verifyingContract: escrow },
};

/** A message and every value on the way to its signature. */
async function signedVector<T extends object>(
  format: SignedFormat<T>,
  domain: TypedDataDomain,
  by: Wallet,
  message: T,
): Promise<object> {
  return {
    domain,
    encodeType: TypedDataEncoder.from(format.types).encodeType(format.primaryType),
    domainSeparator: TypedDataEncoder.hashDomain(domain),
    structHash: TypedDataEncoder.hashStruct(format.primaryType, format.types, format.typedData(message)),
    digest: format.digest(domain, message),
    signer: by.address.toLowerCase(),
    text: format.encode(await format.sign(by, domain, message)),
  };
}

async function documents(): Promise<object[]> {
  const node: NodeDocument = {
    nodeId: NODE_ID,
    sequence: 3n,
    expiresAt: START + 2_592_000n,
    endpoint: "https://node.example:8443",
    meterKey: meter.address.toLowerCase(),
    encryptionKey: RECIPIENT,
    runners: [
      { kind: "process", name: "sha256", slots: { INPUT: "[a-z0-9.]{1,64}", ROUNDS: "[0-9]{1,4}" } },
      { kind: "training", name: "mnist", slots: {} },
    ],
  };
  const document = {
    signer: signer.address.toLowerCase(),
    sequence: 2n ** 64n - 1n,
    expiresAt: 2n ** 40n - 1n,
    endpoint: "https://signer.example",
    linkKey: link.address.toLowerCase(),
    encryptionKey: RECIPIENT,
    drawCommitment: id("turingfog vector: draw"),
  };
  return [
    await signedVector(NODE_DOCUMENT, DOMAINS.node, owner, node),
    await signedVector(SIGNER_DOCUMENT, DOMAINS.oracle, signer, document),
  ];
}

async function messages(): Promise<object[]> {
  const envelope = {
    receiver: signer.address.toLowerCase(),
    request: "POST /v1/proposals",
    bodyHash: sha256(toUtf8Bytes("body")),
    nonce: id("turingfog vector: nonce"),
    expiresAt: START + 60n,
  };
  const claim = {
    orderId: ORDER_ID,
    nodeId: NODE_ID,
    round: 2n ** 32n - 1n,
    startHash: id("turingfog vector: start"),
    endHash: id("turingfog vector: end"),
    images: 4_096n,
  };
  const grant = { orderId: ORDER_ID, recipient: RECIPIENT, identity: "YWdlLWVuY3J5cHRpb24ub3JnL3YxCg==" };
  return [
    await signedVector(ENVELOPE, DOMAINS.link, link, envelope),
    await signedVector(ROUND_CLAIM, DOMAINS.meter, meter, claim),
    await signedVector(ACKNOWLEDGEMENT, DOMAINS.escrow, renter, { orderId: ORDER_ID, cumulativeTU: 2n ** 96n - 1n }),
    await signedVector(GRANT, DOMAINS.job, renter, grant),
  ];
}

/** A bundle before it is encrypted. */
function bundle(): object {
  const job: Job = {
    chainId: CHAIN_ID,
    escrow,
    nodeId: NODE_ID,
    asset: contract("asset"),
    tuAmount: 3n * TU,
    renter: renter.address.toLowerCase(),
    salt: id("turingfog vector: salt"),
    runner: "sha256",
    slots: { INPUT: "data/input.bin", ROUNDS: "100" },
    imagesPerTU: 0n,
    holdback: 1_000n,
    progress: "encrypted",
    resultTo: RECIPIENT,
  };
  const files = [
    { path: "data/input.bin", content: new Uint8Array(1_000).map((_, i) => i % 251) },
    { path: `${"long".repeat(25)}/${"name".repeat(25)}`, content: new Uint8Array() },
  ];
  const tar = concat(writeBundle(job, files));
  const paths = [JOB_FILE, ...files.map(({ path: name }) => name)];
  return { job: JOB.encode(job), paths, tar: encodeBase64(tar), sha256: sha256(tar) };
}

/** A chain of readings, with the line of evidence of each and its digest. */
async function chain(): Promise<object> {
  const hasher = await MessageHasher.of(READING, DOMAINS.meter);
  const entries: { evidence: string; digest: string; reading: Signed<Reading> }[] = [];
  for (let i = 1n; i <= 4n; ++i) {
    const result = i === 4n ? sha256(toUtf8Bytes("turingfog vector: result")) : ZERO_HASH;
    const evidence: Evidence = { counted: "images", amount: i * 60_000n, result };
    const line = EVIDENCE.encode(evidence);
    const reading: Reading = {
      orderId: ORDER_ID,
      nodeId: NODE_ID,
      sequence: i,
      cumulativeTU: (i * TU) / 3n,
      measuredAt: START + i * 60n,
      evidence: sha256(toUtf8Bytes(line)),
      previous: entries.at(-1)?.digest ?? ZERO_HASH,
    };
    const digest = hexlify(hasher.digest(reading));
    entries.push({ evidence: line, digest, reading: await READING.sign(meter, DOMAINS.meter, reading) });
  }
  const [first] = entries;
  return {
    domain: DOMAINS.meter,
    encodeType: TypedDataEncoder.from(READING.types).encodeType("Reading"),
    domainSeparator: TypedDataEncoder.hashDomain(DOMAINS.meter),
    meterKey: meter.address.toLowerCase(),
    evidence: entries.map(({ evidence }) => evidence),
    digests: entries.map(({ digest }) => digest),
    reading: READING.encode(first.reading),
    post: READINGS.encode({ readings: entries.map(({ reading }) => reading) }),
  };
}

async function receipts(): Promise<{ file: string; facts: object }> {
  const list: MeteredReceipt[] = [1n, 2n, 3n, 2n ** 64n].map((serial) => ({
    orderId: ORDER_ID + (serial << 64n),
    nodeId: NODE_ID + (serial % 2n),
    cumulativeTU: ((serial % 1_000n) * TU) / 7n,
    measuredAt: START + (serial % 1_000n),
    meterLogHash: id(`turingfog vector: log ${serial}`),
  }));
  const file = encodeReceiptFile(list);
  const tree = await ReceiptTree.of(list);
  const facts = {
    dataHash: await receiptDataHash(file),
    receiptsRoot: tree.root,
    receipts: list.length,
    totalTU: list.reduce((sum, { cumulativeTU }) => sum + cumulativeTU, 0n),
  };
  return { file: new TextDecoder().decode(file), facts };
}

/** A challenge, from the heartbeat to the proof. */
async function challenge(): Promise<object> {
  const size = 16n;
  const [name, seed] = [id("turingfog vector: challenge"), id("turingfog vector: seed")];
  const product = Product.of({ seed, size });
  const { root } = product;
  const rows = [0n, 5n, 15n];
  const heartbeat = { nodeId: NODE_ID, receiver: signer.address.toLowerCase(), sentAt: START };
  return {
    seed,
    size,
    root,
    heartbeat: await signedVector(HEARTBEAT, DOMAINS.meter, meter, heartbeat),
    challenges: CHALLENGES.encode({ challenges: [{ id: name, seed, size, seconds: 14n }] }),
    answer: await signedVector(CHALLENGE_ANSWER, DOMAINS.meter, meter, { challenge: name, root }),
    rows: CHALLENGE_ROWS.encode({ challenge: name, rows }),
    proof: CHALLENGE_PROOF.encode({ challenge: name, paths: product.paths(rows) }),
  };
}

/** A request for an attestation and its answer. */
async function attestation(): Promise<object> {
  const log = "total images/sec: 208.75\n";
  const message = { nodeId: NODE_ID, validUntil: START + 86_400n, evidence: sha256(toUtf8Bytes(log)) };
  const attested = { ...message, signerSetVersion: 1n };
  const signature = await signer.signTypedData(DOMAINS.oracle, typesOf("NodeAttestation"), attested);
  return {
    log,
    request: await signedVector(ATTESTATION_REQUEST, DOMAINS.meter, meter, { ...message, card: "" }),
    answer: ATTESTATION.encode({ signerSetVersion: 1n, signer: signer.address.toLowerCase(), signature }),
  };
}

/** What signers say to each other, by format. */
async function batch(): Promise<object> {
  const { facts } = await receipts();
  const { dataHash, receiptsRoot } = facts as { dataHash: string; receiptsRoot: string };
  const interval = START / 3_600n;
  const message = { receiptsRoot, dataHash, signerSetVersion: 1n };
  const signature = await signer.signTypedData(DOMAINS.oracle, typesOf("ReceiptBatch"), message);
  const proposal: Proposal = { interval, attempt: "first", receiptsRoot, dataHash, bytes: 844n, receipts: 4n };
  const refused = [{ index: 1n, reason: "unchallenged", sequence: 0n, digest: ZeroHash, cumulativeTU: 0n }];
  const [, document] = (await documents()) as { text: string }[];
  const { post } = (await chain()) as { post: string };
  const { readings } = READINGS.decode(post);
  const secret = hexlify(new Draws(new Uint8Array(32)).secret(interval));
  const texts = [
    PROPOSAL.encode(proposal),
    PROPOSAL_ANSWER.encode({ dataHash, judged: 4n, refused }),
    BATCH_SIGNATURE.encode({ ...message, signer: signer.address.toLowerCase(), signature }),
    ROOTS.encode({ roots: [{ number: 1n, receiptsRoot, dataHash, bytes: 844n }] }),
    SIGNERS.encode({ documents: [SIGNER_DOCUMENT.decode(document.text)] }),
    DRAW.encode({ interval, secret }),
    HEADS.encode({ heads: readings.slice(-1) }),
  ];
  return Object.fromEntries(texts.map((text) => [(JSON.parse(text) as { format: string }).format, text]));
}

const NODE = NODE_DOCUMENT as unknown as JsonFormat<object>;

/** Texts that no reader may take, each changed in one place from one that all must take. */
async function refused(): Promise<object[]> {
  const { reading } = (await chain()) as { reading: string };
  const [node] = (await documents()) as { text: string }[];
  const [envelope, , acknowledgement] = (await messages()) as { text: string }[];
  const cases: [JsonFormat<object>, string, string][] = [
    [READING, "a space", reading.replace(":", ": ")],
    [READING, "a leading zero", reading.replace('"sequence":"1"', '"sequence":"01"')],
    [READING, "a number in place of a string", reading.replace('"sequence":"1"', '"sequence":1')],
    [READING, "a sequence of 2^64", reading.replace('"sequence":"1"', `"sequence":"${2n ** 64n}"`)],
    [
      READING,
      "a hash in upper case",
      reading.replace(/"evidence":"0x[0-9a-f]+/, (text) =>
        text.toUpperCase().replace("EVIDENCE", "evidence").replace("0X", "0x"),
      ),
    ],
    [READING, "a key twice", reading.replace('"nodeId":"7"', '"nodeId":"7","nodeId":"7"')],
    [READING, "a key that is not known", reading.replace('"nodeId":"7"', '"nodeId":"7","note":""')],
    [READING, "a key that is missing", reading.replace('"nodeId":"7",', "")],
    [
      READING,
      "keys in another order",
      reading.replace(/"measuredAt":"\d+","nodeId":"7"/, (text) => text.split(",").reverse().join(",")),
    ],
    [READING, "another version", reading.replace("turingfog-reading-v1", "turingfog-reading-v2")],
    [READING, "an escaped letter", reading.replace("turingfog-reading-v1", "\\u0074uringfog-reading-v1")],
    [READING, "a line break at the end", `${reading}\n`],
    [NODE, "two runners of one name", node.text.replace('"name":"mnist"', '"name":"sha256"')],
    [NODE, "a pattern without a count", node.text.replace("{1,64}", "+")],
    [NODE, "an endpoint with a query", node.text.replace(":8443", ":8443/?a")],
    [NODE, "an endpoint in upper case", node.text.replace("node.example", "Node.example")],
    [NODE, "an age recipient that is too short", node.text.replace(RECIPIENT, RECIPIENT.slice(0, -1))],
    [ENVELOPE, "a request without a method", envelope.text.replace("POST /", "/")],
    [ACKNOWLEDGEMENT, "a signature of 64 bytes", acknowledgement.text.replace(/1[bc]"}$/, '"}')],
    [ACKNOWLEDGEMENT, "a signature with v of 0", acknowledgement.text.replace(/1[bc]"}$/, '00"}')],
    [
      ACKNOWLEDGEMENT,
      "a signature with a high s",
      acknowledgement.text.replace(/.{64}(1[bc]"})$/, `${"f".repeat(64)}$1`),
    ],
    [READINGS, "no readings", '{"format":"turingfog-readings-v1","readings":[]}'],
  ];
  return cases.map(([format, change, text]) => ({ format: format.name, change, text }));
}

/** Returns the files by name. */
export async function vectors(): Promise<Record<string, string>> {
  const { file, facts } = await receipts();
  const json = (document: unknown) => `${toJson(document)}\n`;
  return {
    "documents.json": json(await documents()),
    "messages.json": json(await messages()),
    "bundle.json": json(bundle()),
    "chain.json": json(await chain()),
    "challenge.json": json(await challenge()),
    "attestation.json": json(await attestation()),
    "batch.json": json(await batch()),
    "receipts.json": file,
    "receipts.facts.json": json(facts),
    "refused.json": json(await refused()),
  };
}

if (require.main === module) {
  vectors().then(
    (files) => {
      mkdirSync(VECTORS, { recursive: true });
      for (const [name, content] of Object.entries(files)) writeFileSync(path.join(VECTORS, name), content);
    },
    (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
  );
}
