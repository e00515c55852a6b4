import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { openServer, RESULT_MIGRATIONS, Results, type ResultTables } from "@turingfog/network";
import { EVIDENCE } from "@turingfog/sdk/wire";
import { expect } from "chai";

import { LOG, StoppedClock } from "../helpers/intake";
import { open, send, untilClosed } from "../helpers/raw";
import { Stores } from "../helpers/stores";

const DAYS = 86_400n;
const MAX_BYTES = 1_000;
const AUTHOR = { orderId: 5n, nodeId: 7n };

const sha256 = (content: Uint8Array | string) => `0x${createHash("sha256").update(content).digest("hex")}`;

const lineOf = (result: Uint8Array, amount = 1n) =>
  EVIDENCE.encode({ counted: "seconds", amount, result: sha256(result) });

/** A signer that keeps results, and has readings whose evidence is `named`. */
async function withResults(
  test: (given: {
    results: Results;
    clock: StoppedClock;
    named: Set<string>;
    put: (what: string, body: Uint8Array | string) => Promise<string>;
    get: () => Promise<string>;
    files: () => Promise<string[]>;
    port: number;
  }) => Promise<void>,
): Promise<void> {
  const stores = new Stores();
  const folder = await mkdtemp(path.join(tmpdir(), "turingfog-results-"));
  const { db } = await stores.openNew<ResultTables>(RESULT_MIGRATIONS);
  const [clock, named] = [new StoppedClock(), new Set<string>()];
  const evidence = async ({ orderId, nodeId }: typeof AUTHOR, most: number) =>
    orderId === AUTHOR.orderId && nodeId === AUTHOR.nodeId ? [...named].reverse().slice(0, most) : [];
  const checkDisk = async () => undefined;
  const results = new Results({ db, folder, maxBytes: MAX_BYTES, evidence, checkDisk, clock, log: LOG });
  const server = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG }, (on) => results.addRoutes(on));
  const { port } = server.server.address() as { port: number };
  const url = (what: string) => `/v1/orders/5/${what}?node=7`;
  try {
    await test({
      ...{ results, clock, named, port },
      put: async (what, body) => {
        const { status, json } = await send(port, { method: "PUT", path: url(what), body });
        return json.error ?? String(status);
      },
      get: async () => (await send(port, { method: "GET", path: url("result") })).body,
      files: () => readdir(folder),
    });
  } finally {
    await server.close();
    await stores.close();
    await rm(folder, { recursive: true });
  }
}

describe("Results", () => {
  const result = Buffer.alloc(MAX_BYTES, "result");

  it("are taken if the evidence of a stored reading names them, up to the limit, and handed out", () =>
    withResults(async ({ results, named, put, get }) => {
      const line = lineOf(result);
      named.add(sha256(line));
      expect(await put("log", `${line}\n`)).to.equal("200");
      expect((await results.known())(AUTHOR, sha256(line))).to.equal(false);
      expect(await put("result", Buffer.alloc(MAX_BYTES + 1))).to.equal("too-large");
      expect(await put("result", result)).to.equal("200");
      expect((await results.known())(AUTHOR, sha256(line))).to.equal(true);
      expect((await results.known())({ ...AUTHOR, nodeId: 8n }, sha256(line))).to.equal(false);
      expect(await get()).to.equal(result.toString());
    }));

  it("are refused before they are read if no evidence names any, and by their hash if it names another", () =>
    withResults(async ({ named, put, get, files, port }) => {
      const head = "PUT /v1/orders/5/result?node=7 HTTP/1.1\r\nhost: a\r\ncontent-length: 900\r\n\r\n";
      expect(await untilClosed(await open(port, head))).to.include("no-result-named");
      const none = EVIDENCE.encode({ counted: "seconds", amount: 1n, result: `0x${"00".repeat(32)}` });
      named.add(sha256(none)).add(sha256(lineOf(result)));
      expect(await put("log", none)).to.equal("200");
      expect(await put("result", result)).to.equal("no-result-named");
      expect(await put("log", lineOf(result))).to.equal("200");
      expect(await put("result", "another")).to.equal("other-result");
      expect(JSON.parse(await get())).to.have.property("error", "no-result");
      expect(await files()).to.deep.equal([]);
    }));

  it("take no line that no stored reading names, nor what is none, and then none of the others", () =>
    withResults(async ({ named, put }) => {
      named.add(sha256(lineOf(result)));
      expect(await put("log", `${lineOf(result)}\n${lineOf(result, 2n)}`)).to.equal("unknown-evidence");
      expect(await put("log", `${lineOf(result)}\nnonsense`)).to.equal("bad-message");
      expect(await put("result", result)).to.equal("no-result-named");
    }));

  it("are kept for fourteen days, count afterwards too, and do not come back", () =>
    withResults(async ({ results, clock, named, put, get, files }) => {
      const line = lineOf(result);
      named.add(sha256(line));
      await put("log", line);
      await put("result", result);
      clock.time += 14n * DAYS - 1n;
      await results.prune();
      expect(await files()).to.deep.equal([`5-7-${sha256(result).slice(2)}`]);
      clock.time += 1n;
      await results.prune();
      expect(await files()).to.deep.equal([]);
      expect(JSON.parse(await get())).to.have.property("error", "no-result");
      expect((await results.known())(AUTHOR, sha256(line))).to.equal(true);
      expect(await put("result", result)).to.equal("200");
      expect(await files()).to.deep.equal([]);
    }));

  it("are those of an order and a node by their ids", () =>
    withResults(async ({ port }) => {
      for (const path of ["/v1/orders/x/log?node=7", "/v1/orders/5/log", `/v1/orders/5/log?node=${2n ** 256n}`]) {
        const { status, json } = await send(port, { method: "PUT", path, body: lineOf(result) });
        expect([status, json.error], path).to.deep.equal([400, "bad-request"]);
      }
    }));
});
