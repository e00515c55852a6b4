import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { HttpClient, HttpError } from "@turingfog/network";
import { expect } from "chai";

import { Trickler } from "../helpers/trickler";

/** A server that answers `/chunked/N` and `/whole/N` with N bytes, and refuses all else in words of its own. */
async function withServer(test: (url: string, client: HttpClient) => Promise<void>): Promise<void> {
  const server = createServer(({ url = "" }, response) => {
    const [, how, bytes] = url.split("/");
    const body = Buffer.alloc(Number(bytes ?? 0), "x");
    if (how === "whole") response.writeHead(200, { "content-length": body.length }).end(body);
    else if (how === "chunked") response.writeHead(200).write(body, () => response.end());
    else response.writeHead(409).end(JSON.stringify({ error: how, message: `\u001b[31m${"no ".repeat(500)}` }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = new HttpClient();
  try {
    await test(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, client);
  } finally {
    client.close();
    server.closeAllConnections();
    await once(server.close(), "close");
  }
}

async function errorOf(asking: Promise<unknown>): Promise<HttpError> {
  const error: unknown = await asking.catch((reason: unknown) => reason);
  expect(error).to.be.instanceOf(HttpError);
  return error as HttpError;
}

describe("HttpClient", () => {
  for (const how of ["whole", "chunked"]) {
    it(`takes an answer of exactly its limit that comes ${how}, and refuses a byte more`, async () => {
      await withServer(async (url, client) => {
        expect(await client.get(`${url}/${how}/1000`, { maxBytes: 1_000 })).to.have.lengthOf(1_000);
        expect((await errorOf(client.get(`${url}/${how}/1001`, { maxBytes: 1_000 }))).error).to.equal("too-large");
        // the connection of an answer that was not read to its end holds nobody up
        expect(await client.get(`${url}/${how}/1000`, { maxBytes: 1_000 })).to.have.lengthOf(1_000);
      });
    });
  }

  it("repeats a refusal's name, and no more of its words than a line without what a terminal obeys", async () => {
    await withServer(async (url, client) => {
      const named = await errorOf(client.get(`${url}/not-now`));
      expect([named.status, named.error]).to.deep.equal([409, "not-now"]);
      expect(named.message).to.have.lengthOf.below(400).and.not.to.match(/\p{C}/u);
      expect((await errorOf(client.get(`${url}/NOT%20NOW`))).error).to.equal("refused");
    });
  });

  it("gives up on an answer that comes bit by bit once its time is over, also piece by piece", async () => {
    const trickler = await Trickler.open();
    const client = new HttpClient();
    try {
      expect((await errorOf(client.get(trickler.endpoint, { timeout: 200 }))).error).to.equal("timeout");
      const pieces = client.stream(trickler.endpoint, { signal: AbortSignal.timeout(200) });
      const all = async () => {
        for await (const piece of pieces) expect(piece.toString()).to.match(/^ +$/);
      };
      // the answer has begun
      expect((await errorOf(all())).status).to.equal(200);
    } finally {
      client.close();
      await trickler.close();
    }
  });

  it("names who gives no answer, also when it was to be taken piece by piece", async () => {
    let gone = "";
    await withServer(async (url) => void (gone = url));
    const client = new HttpClient();
    for (const asking of [client.get(gone), client.stream(gone).next()]) {
      expect(await errorOf(asking)).to.include({ status: 0, error: "unreachable", host: new URL(gone).host });
    }
    client.close();
  });

  it("ends what is under way when it is closed", async () => {
    const trickler = await Trickler.open();
    const client = new HttpClient();
    const failing = errorOf(client.get(trickler.endpoint));
    while (trickler.asked.length === 0) await new Promise(setImmediate);
    client.close();
    expect((await failing).error).to.equal("unreachable");
    await trickler.close();
  });
});
