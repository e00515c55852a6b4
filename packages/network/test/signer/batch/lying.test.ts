import { once } from "node:events";
import { createServer, type Server } from "node:http";

import { time } from "@nomicfoundation/hardhat-network-helpers";
import { HttpError, type Verdict } from "@turingfog/network";
import { TU } from "@turingfog/sdk";
import {
  BATCH_SIGNATURE,
  encodeReceiptFile,
  type MeteredReceipt,
  PROPOSAL,
  PROPOSAL_ANSWER,
  type Proposal,
  type ProposalAnswer,
  receiptDataHash,
  ReceiptTree,
} from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id, sha256, toUtf8Bytes } from "ethers";

import { DELAY, INTERVAL, PAIRS, SignerNetwork, type TestSigner } from "../../helpers/signers";

const START = 1_900_000_000n;

const verdict = (orderId: bigint): Verdict => ({
  orderId,
  nodeId: 1n,
  points: [{ sequence: 1n, measuredAt: START, digest: id(`${orderId}`), countedTU: TU }],
});

const receipt = (orderId: bigint): MeteredReceipt => ({
  orderId,
  nodeId: 1n,
  cumulativeTU: TU,
  measuredAt: START,
  meterLogHash: id(`${orderId}`),
});

/** A signer that lies: its process is gone, and what it serves and says is the test's. */
class Liar {
  readonly files = new Map<string, Buffer>();
  private constructor(
    readonly signer: TestSigner,
    private readonly server: Server,
  ) {}

  static async of(signer: TestSigner): Promise<Liar> {
    await signer.stop();
    const server = createServer().listen(signer.port, "127.0.0.1");
    await once(server, "listening");
    const liar = new Liar(signer, server);
    server.on("request", (request, response) => {
      const file = liar.files.get(request.url?.split("/").at(-1) ?? "");
      if (file === undefined) response.writeHead(404).end();
      else response.writeHead(200).end(file);
    });
    return liar;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), "close");
  }

  /** Says something to a signer. */
  async say(to: TestSigner, path: string, body: string): Promise<string> {
    const document = to.parts.documents.of(to.address);
    if (document === undefined || this.signer.link === undefined) throw new Error("The signer has no document");
    try {
      await this.signer.link.send(document, "POST", path, body);
      return "taken";
    } catch (error) {
      if (error instanceof HttpError) return error.error;
      throw error;
    }
  }

  /** Answers the last proposal of a signer, and does not sign it. */
  async answer(to: TestSigner, refused: ProposalAnswer["refused"]): Promise<void> {
    this.signer.clock.sees(BigInt(await time.latest()));
    const { dataHash } = (await to.parts.files.all()).at(-1) as { dataHash: string };
    const body = PROPOSAL_ANSWER.encode({ dataHash, judged: 2n, refused });
    expect(await this.say(to, `/v1/proposals/${dataHash}/answers`, body)).to.equal("taken");
  }

  /** Announces a file, of which some of what is said may be false. */
  async propose(to: TestSigner, file: Buffer, lies: Partial<Proposal> = {}): Promise<string> {
    const ended = BigInt(await time.latest()) / INTERVAL - 1n;
    const proposal: Proposal = {
      interval: ended,
      attempt: "first",
      receiptsRoot: id("root"),
      dataHash: await receiptDataHash(file),
      bytes: BigInt(file.length),
      receipts: 1n,
      ...lies,
    };
    this.files.set(proposal.dataHash, file);
    return this.say(to, "/v1/proposals", PROPOSAL.encode(proposal));
  }
}

/** Runs a test with three signers and a liar, which is the first to propose, at the end of an interval. */
async function withLiar(
  test: (liar: Liar, signer: TestSigner, network: SignerNetwork) => Promise<void>,
): Promise<void> {
  const network = await SignerNetwork.start();
  const liar = await Liar.of(network.signers[0]);
  try {
    network.verdicts = [verdict(1n), verdict(2n)];
    await time.increase(INTERVAL);
    liar.signer.clock.sees(BigInt(await time.latest()));
    for (const signer of network.up) await signer.parts.chain.advance();
    await test(liar, network.signers[1], network);
  } finally {
    await liar.close();
    await network.stop();
  }
}

const rootCount = async ({ protocol: { contracts } }: SignerNetwork) =>
  (await contracts.oracle.queryFilter(contracts.oracle.filters.RootSubmitted())).length;

describe("a signer that lies", () => {
  const honest = Buffer.from(encodeReceiptFile([receipt(1n)]));
  const outOfOrder = Buffer.from(
    honest
      .toString()
      .replace(/\[(.*)\]/, (_, entry: string) => `[${entry},${entry.replace('"orderId":"1"', '"orderId":"0"')}]`),
  );

  const cases: [string, Buffer, (tree: ReceiptTree) => Partial<Proposal>, string][] = [
    [
      "another root than its file's",
      honest,
      () => ({ receiptsRoot: id("lie") }),
      "file of a proposal is not what was announced",
    ],
    [
      "more receipts than its file has",
      honest,
      ({ root }) => ({ receiptsRoot: root, receipts: 2n }),
      "file of a proposal is not what was announced",
    ],
    [
      "fewer bytes than its file has",
      honest,
      ({ root }) => ({ receiptsRoot: root, bytes: BigInt(honest.length) - 1n }),
      "file of a proposal refused",
    ],
    ["a file with a line out of order", outOfOrder, () => ({ receipts: 2n }), "file of a proposal refused"],
    [
      "a file above what all open orders can make",
      honest,
      () => ({ bytes: 256n * BigInt(PAIRS + 1) + 1n }),
      "proposal too large",
    ],
  ];
  for (const [what, file, lies, message] of cases) {
    it(`proposes ${what}: nothing is signed, and the others' batch goes on`, () =>
      withLiar(async (liar, signer, network) => {
        const tree = await ReceiptTree.of([receipt(1n)]);
        expect(await liar.propose(signer, file, lies(tree))).to.equal("taken");
        await signer.advance();
        expect(signer.logged(message)).to.have.lengthOf(1);
        expect(await signer.parts.batch.signing.of(await receiptDataHash(file))).to.deep.equal([]);
        await network.pass(DELAY, 6);
        expect(await rootCount(network)).to.equal(1);
      }));
  }

  it("takes a file of exactly as many bytes as all open orders can make", () =>
    withLiar(async (liar, signer) => {
      await liar.propose(signer, honest, { bytes: 256n * BigInt(PAIRS + 1) });
      await signer.advance();
      expect(signer.logged("proposal too large")).to.deep.equal([]);
    }));

  it("may propose once and once more in an interval, of one that has ended, and the same again", () =>
    withLiar(async (liar, signer) => {
      const other = Buffer.from(encodeReceiptFile([receipt(2n)]));
      const ended = BigInt(await time.latest()) / INTERVAL - 1n;
      expect(await liar.propose(signer, honest)).to.equal("taken");
      expect(await liar.propose(signer, honest)).to.equal("taken");
      expect(await liar.propose(signer, other)).to.equal("second-proposal");
      expect(await liar.propose(signer, other, { attempt: "repeat" })).to.equal("taken");
      expect(await liar.propose(signer, other, { interval: ended + 1n })).to.equal("too-early");
      expect(await liar.propose(signer, other, { interval: ended + 2n })).to.equal("other-interval");
      expect(await liar.propose(signer, other, { interval: ended - 2n })).to.equal("other-interval");
      expect(signer.logged("second proposal")).to.have.lengthOf(1);
    }));

  it("may propose in its turn, and not before the others", () =>
    withLiar(async (liar, signer) => {
      await time.increase(INTERVAL);
      liar.signer.clock.sees(BigInt(await time.latest()));
      await signer.parts.chain.advance();
      expect(await liar.propose(signer, honest)).to.equal("too-early");
      await time.increase(3n * DELAY);
      liar.signer.clock.sees(BigInt(await time.latest()));
      await signer.parts.chain.advance();
      expect(await liar.propose(signer, honest)).to.equal("taken");
    }));

  it("proposes one file to one and another to another: each is judged as it is, and one root comes of it", () =>
    withLiar(async (liar, signer, network) => {
      const [, , third] = network.signers;
      for (const [to, orderId] of [
        [signer, 1n],
        [third, 2n],
      ] as const) {
        const { root } = await ReceiptTree.of([receipt(orderId)]);
        await liar.propose(to, Buffer.from(encodeReceiptFile([receipt(orderId)])), { receiptsRoot: root });
      }
      await network.pass(DELAY, 6);
      expect(await rootCount(network)).to.equal(1);
    }));

  it("cannot sign for another, nor for a file or a root that is not there", () =>
    withLiar(async (liar, signer, network) => {
      await network.pass(DELAY, 1);
      liar.signer.clock.sees(BigInt(await time.latest()));
      const [{ dataHash, receiptsRoot }] = await signer.parts.files.all();
      const given = {
        receiptsRoot,
        dataHash,
        signerSetVersion: 1n,
        signer: network.signers[3].address,
        signature: `0x${"11".repeat(65)}`,
      };
      const say = (message: typeof given) =>
        liar.say(signer, `/v1/proposals/${message.dataHash}/signatures`, BATCH_SIGNATURE.encode(message));
      expect(await say(given)).to.equal("bad-signature");
      expect(await say({ ...given, signer: `0x${"22".repeat(20)}` })).to.equal("no-signer");
      expect(await say({ ...given, receiptsRoot: id("lie") })).to.equal("other-root");
      expect(await say({ ...given, dataHash: sha256(toUtf8Bytes("lie")) })).to.equal("unknown-file");
      expect(await say({ ...given, signerSetVersion: 2n })).to.equal("other-signer-set");
    }));

  it("answers that it refuses nothing and does not sign: the repeat is of those that vote", () =>
    withLiar(async (liar, signer, network) => {
      const [, , third] = network.signers;
      third.differences.verdicts = [verdict(1n)];
      await network.pass(DELAY, 1);
      await liar.answer(signer, []);
      await network.pass(DELAY / 2n, 6);
      expect(await rootCount(network)).to.equal(1);
    }));

  it("promises to sign a repeat and does not: the next repeat does without it", () =>
    withLiar(async (liar, signer, network) => {
      const [, , third] = network.signers;
      third.differences.verdicts = [verdict(1n)];
      const refused = [{ index: 0n, reason: "over-rate", sequence: 1n, digest: id("1"), cumulativeTU: TU - 1n }];
      await network.pass(DELAY, 1);
      await liar.answer(signer, refused);
      await network.pass(DELAY / 2n, 6);
      expect(await rootCount(network)).to.equal(0);
      await network.pass(INTERVAL - (3n * DELAY) / 2n, 1);
      await liar.answer(signer, refused);
      await network.pass(DELAY / 2n, 6);
      expect(await rootCount(network)).to.equal(1);
    }));

  it("announces an old file for the interval that has ended: the others propose none the less", () =>
    withLiar(async (liar, signer, network) => {
      await network.pass(DELAY, 6);
      expect(await rootCount(network)).to.equal(1);
      network.verdicts = [verdict(1n), verdict(2n), verdict(3n)];
      // to the next interval in which it is the first
      await time.increase(4n * INTERVAL - DELAY);
      liar.signer.clock.sees(BigInt(await time.latest()));
      for (const each of network.up) {
        await each.parts.chain.advance();
        const receipts = [receipt(1n), receipt(2n)];
        const { root } = await ReceiptTree.of(receipts);
        await liar.propose(each, Buffer.from(encodeReceiptFile(receipts)), { receiptsRoot: root, receipts: 2n });
      }
      await network.pass(DELAY, 6);
      expect(signer.logged("proposal of an old file")).to.have.lengthOf(1);
      expect(await rootCount(network)).to.equal(2);
    }));

  it("is not heard if it is no signer", () =>
    withLiar(async (_, signer) => {
      const answer = await fetch(`http://127.0.0.1:${signer.port}/v1/proposals`, { method: "POST", body: "{}" });
      expect(answer.status).to.equal(401);
    }));
});
