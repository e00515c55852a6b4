import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { HttpClient, NodeClient } from "@turingfog/network";
import { expect } from "chai";

import { JOB_OF_TESTS } from "./helpers/jobs";

const STATE = { state: "waiting", reason: "", heldSeconds: 0, images: 0, cumulativeTU: "0" };

/** Asks a node for an order's state, which is what a test says. */
async function stateOf(change: object) {
  const server = createServer((_, response) => response.end(JSON.stringify({ ...STATE, ...change })));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = new HttpClient();
  try {
    return await new NodeClient(client, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, 5n).state();
  } finally {
    client.close();
    await once(server.close(), "close");
  }
}

describe("NodeClient", () => {
  it("gives a node's words on one line, without what a terminal obeys", async () => {
    const { reason, line } = await stateOf({ reason: "\u001b[2Jgone\r\n", line: "\u009b31m\u202eepoch 1" });
    expect([reason, line]).to.deep.equal([" [2Jgone ", " 31m epoch 1"]);
  });

  it("takes a thousand characters of them, and no more", async () => {
    for (const what of ["reason", "line"] as const) {
      expect((await stateOf({ [what]: "x".repeat(1_000) }))[what]).to.have.lengthOf(1_000);
      await expect(stateOf({ [what]: "x".repeat(1_001) })).to.be.rejectedWith(what);
    }
  });

  it("hands in again what a relay refuses because a day's bytes are used up", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-client-"));
    const bundle = path.join(folder, "bundle");
    await writeFile(bundle, "bundle");
    const asked: unknown[] = [];
    const server = createServer(({ url }, response) => {
      if (asked.push(url) > 1) return void response.end();
      response.writeHead(429).end('{"error":"used-up","message":"Try again later"}');
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const client = new HttpClient();
    const grant = {
      orderId: 5n,
      recipient: JOB_OF_TESTS.resultTo,
      identity: "aaaa",
      signature: `0x${"11".repeat(65)}`,
    };
    const node = new NodeClient(client, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, 5n);
    try {
      await node.send(grant, bundle, Infinity, () => undefined);
      expect(asked).to.deep.equal(["grants", "grants", "bundle"].map((what) => `/v1/orders/5/${what}`));
    } finally {
      client.close();
      server.close();
      await rm(folder, { recursive: true });
    }
  });
});
