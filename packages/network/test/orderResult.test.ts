import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import {
  fetchResult,
  HttpClient,
  HttpError,
  NodeClient,
  openServer,
  SignerClient,
  UnpostedEvidenceError,
  WrongResultError,
} from "@turingfog/network";
import { EVIDENCE, HEADS, type Reading, type Signed } from "@turingfog/sdk/wire";
import { expect } from "chai";

import { LOG, meters } from "./helpers/intake";
import { BUNDLE, withNode } from "./helpers/nodeServers";
import { send } from "./helpers/raw";

const RESULT = Buffer.from("sealed");

const sha256 = (content: Uint8Array | string) => `0x${createHash("sha256").update(content).digest("hex")}`;

const LINE = EVIDENCE.encode({ counted: "seconds", amount: 1n, result: sha256(RESULT) });

/** A node that has released a result, and signers that say what a test gives them. */
async function withSources(
  test: (given: {
    fetch: () => Promise<string>;
    file: string;
    notes: string[];
    /** The last readings at each signer, and the result that it has. */
    heads: (Signed<Reading> | undefined)[];
    kept: (Buffer | undefined)[];
    /** Answers of the node from now on: none. */
    silence: () => Promise<void>;
    /** Puts something else where the node has its result. */
    change: (content: Buffer) => Promise<void>;
    readings: { posted: Signed<Reading>; earlier: Signed<Reading> };
  }) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "turingfog-result-"));
  const client = new HttpClient();
  await withNode({}, async (node) => {
    const { store, files } = node;
    const [meter] = await meters(1);
    const { orderId, nodeId } = meter;
    const [earlier, posted] = [meter.next(), meter.next({ evidence: sha256(LINE) })];
    await send(node.port, { method: "PUT", path: node.path("/bundle"), body: BUNDLE });
    await store.change(orderId, { identity: "AGE-SECRET-KEY-1", result: sha256(RESULT) });
    await store.addReading({ reading: posted, digest: sha256("digest"), line: LINE });
    await store.setDelivered("0xsigner", orderId, posted.sequence);
    await writeFile(files.result, RESULT);
    await node.pretendRun();

    const heads: (Signed<Reading> | undefined)[] = [posted, posted];
    const kept: (Buffer | undefined)[] = [undefined, undefined];
    const servers = await Promise.all(
      heads.map((_, i) =>
        openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG }, (on) => {
          on.get("/v1/nodes/:id/head", (__, reply) => reply.send(HEADS.encode({ heads: heads[i] ? [heads[i]] : [] })));
          on.get("/v1/orders/:id/result", (__, reply) => reply.code(kept[i] ? 200 : 404).send(kept[i] ?? {}));
        }),
      ),
    );
    const endpoints = servers.map(({ server }) => `http://127.0.0.1:${(server.address() as { port: number }).port}`);
    const signers = endpoints.map((each) => new SignerClient(client, each, { orderId, nodeId }));
    const state = { endpoint: `http://127.0.0.1:${node.port}` };
    const [file, notes]: [string, string[]] = [path.join(folder, "result.age"), []];
    const fetch = () => {
      const source = { orderId, signers, node: new NodeClient(client, state.endpoint, orderId) };
      return fetchResult({ ...source, note: (line) => notes.push(line) }, file, 1_000);
    };
    try {
      await test({
        ...{ fetch, file, notes, heads, kept, readings: { posted, earlier } },
        silence: async () => void (state.endpoint = "http://127.0.0.1:1"),
        change: (content) => writeFile(files.result, content),
      });
    } finally {
      client.close();
      await Promise.all(servers.map((server) => server.close()));
      await rm(folder, { recursive: true });
    }
  });
}

describe("fetchResult", () => {
  it("takes the result from the node, if one signer has the reading whose evidence names it", () =>
    withSources(async ({ fetch, file, heads, readings }) => {
      heads[0] = readings.earlier;
      expect(await fetch()).to.equal(sha256(RESULT));
      expect(await readFile(file)).to.deep.equal(RESULT);
    }));

  it("refuses evidence that the node has told no signer, and takes what no signer knows of", () =>
    withSources(async ({ fetch, file, heads, readings }) => {
      heads.fill(readings.earlier);
      await expect(fetch()).to.be.rejectedWith(UnpostedEvidenceError, readings.earlier.evidence);
      expect(await readdir(path.dirname(file))).to.deep.equal([]);
      heads.fill(undefined);
      expect(await fetch()).to.equal(sha256(RESULT));
    }));

  it("refuses another result than the evidence names, and leaves nothing of it", () =>
    withSources(async ({ fetch, file, change }) => {
      await change(Buffer.from("other"));
      await expect(fetch()).to.be.rejectedWith(WrongResultError, sha256(Buffer.from("other")));
      expect(await readdir(path.dirname(file))).to.deep.equal([]);
    }));

  it("takes the copy of a signer if the node gives no answer, and says so", () =>
    withSources(async ({ fetch, file, kept, notes, silence }) => {
      await silence();
      await expect(fetch()).to.be.rejectedWith(HttpError, "127.0.0.1:1 gives no answer");
      expect(await readdir(path.dirname(file))).to.deep.equal([]);
      kept[1] = RESULT;
      expect(await fetch()).to.equal(sha256(RESULT));
      expect(await readFile(file)).to.deep.equal(RESULT);
      expect(notes.join("\n")).to.include("asking the signers");
    }));
});
