import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { openServer, RESULT_MIGRATIONS, Results, type ResultTables } from "@turingfog/network";
import { EVIDENCE } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { sha256 } from "ethers";

import { LOG, StoppedClock } from "../helpers/intake";
import { Stores } from "../helpers/stores";

const MOST = 1_000;

/** A signer's results, of a node whose readings name some lines of evidence. */
async function withResults(
  test: (world: {
    results: Results;
    folder: string;
    /** Lets the node sign one more reading, with a line that names a result, and sends the line. */
    name: (result: Buffer) => Promise<number>;
    send: (what: string, body: string | Buffer) => Promise<{ status: number; error?: string }>;
    disk: { isFull: boolean };
    queries: () => number;
  }) => Promise<void>,
): Promise<void> {
  const stores = new Stores();
  const folder = await mkdtemp(path.join(tmpdir(), "turingfog-results-"));
  const { db } = await stores.openNew<ResultTables>(RESULT_MIGRATIONS);
  const disk = { isFull: false };
  const evidence: string[] = [];
  let asked = 0;
  const results = new Results({
    db,
    folder,
    maxBytes: MOST,
    evidence: async (_, most) => {
      ++asked;
      return evidence.slice(-most).reverse();
    },
    checkDisk: async () => {
      if (disk.isFull) throw new Error("full");
    },
    clock: new StoppedClock(),
    log: LOG,
  });
  const server = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG }, (on) => results.addRoutes(on));
  const { port } = server.server.address() as { port: number };
  const send = async (what: string, body: string | Buffer) => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/orders/7/${what}?node=1`, {
      method: "PUT",
      body: typeof body === "string" ? body : new Uint8Array(body),
      headers: { "content-type": "application/octet-stream" },
    });
    const { error } = (await answer.json()) as { error?: string };
    return { status: answer.status, error };
  };
  const name = async (result: Buffer) => {
    const line = EVIDENCE.encode({ counted: "images", amount: BigInt(evidence.length), result: sha256(result) });
    evidence.push(sha256(Buffer.from(line)));
    return (await send("log", `${line}\n`)).status;
  };
  try {
    await test({ results, folder, name, send, disk, queries: () => asked });
  } finally {
    await server.close();
    await stores.close();
    await rm(folder, { recursive: true });
  }
}

const [FIRST, SECOND] = [Buffer.from("first"), Buffer.from("second")];

describe("the results that a signer keeps", () => {
  it("are those alone that the last reading names, and nothing of another stays on the disk", () =>
    withResults(async ({ name, send, folder, results }) => {
      expect((await send("result", FIRST)).error).to.equal("no-result-named");
      await name(FIRST);
      expect((await send("result", SECOND)).error).to.equal("other-result");
      expect(await readdir(folder)).to.deep.equal([]);
      expect((await send("result", FIRST)).status).to.equal(200);
      await name(SECOND);
      expect((await send("result", FIRST)).error).to.equal("other-result");
      expect((await send("result", SECOND)).status).to.equal(200);
      expect(await readdir(folder)).to.deep.equal([`7-1-${sha256(SECOND).slice(2)}`]);
      const isKnown = await results.known();
      const line = EVIDENCE.encode({ counted: "images", amount: 0n, result: sha256(FIRST) });
      expect(isKnown({ orderId: 7n, nodeId: 1n }, sha256(Buffer.from(line)))).to.equal(true);
    }));

  it("have a limit of bytes, and need room on the disk", () =>
    withResults(async ({ name, send, folder, disk }) => {
      const large = Buffer.alloc(MOST + 1);
      await name(large);
      expect((await send("result", large)).error).to.equal("too-large");
      await name(FIRST);
      disk.isFull = true;
      expect((await send("result", FIRST)).error).to.equal("disk-full");
      disk.isFull = false;
      expect((await send("result", FIRST)).status).to.equal(200);
      expect(await readdir(folder)).to.have.lengthOf(1);
    }));

  it("are named by lines that are looked for once a request, and of which there are not too many", () =>
    withResults(async ({ name, send, queries }) => {
      await name(FIRST);
      const line = EVIDENCE.encode({ counted: "images", amount: 0n, result: sha256(FIRST) });
      const before = queries();
      expect((await send("log", `${line}\n`.repeat(200))).status).to.equal(200);
      expect(queries() - before).to.equal(1);
      const lines = Array.from({ length: 257 }, (_, i) =>
        EVIDENCE.encode({ counted: "images", amount: BigInt(i), result: sha256(FIRST) }),
      );
      expect((await send("log", lines.join("\n"))).error).to.equal("too-many-lines");
      expect((await send("log", lines[256])).error).to.equal("unknown-evidence");
    }));
});
