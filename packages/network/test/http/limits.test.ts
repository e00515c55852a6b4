import { once } from "node:events";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";

import { checkDepth, LIMITS, type Limits, openServer, RefusedError } from "@turingfog/network";
import { expect } from "chai";

import { LOG } from "../helpers/intake";
import { open, send, untilClosed } from "../helpers/raw";

/** A server that answers with the length of what it was sent, and fails where it is told to. */
async function withServer(limits: Partial<Limits>, test: (port: number) => Promise<void>): Promise<void> {
  const server = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG, limits }, (on) => {
    on.post("/length", ({ body }) => ({ length: (body as Buffer).length }));
    on.get("/broken", () => {
      throw new Error("secret of /root/place");
    });
    on.get("/refused", () => {
      throw new RefusedError(409, "not-now", "Not now");
    });
  });
  try {
    await test((server.server.address() as { port: number }).port);
  } finally {
    await server.close();
  }
}

const post = (body: string | Uint8Array, headers = {}) => ({ path: "/length", body, headers });

const nested = (depth: number) => Buffer.from("[".repeat(depth) + "]".repeat(depth));

describe("Server", () => {
  it("has the limits of the specification", () => {
    expect(LIMITS).to.deep.equal({
      headers: 10_000,
      body: 30_000,
      connectionsPerAddress: 64,
      maxBytes: 256 * 1_024,
      maxDepth: 8,
    });
  });

  it("takes a body of 256 KiB, and refuses one byte more", async () => {
    await withServer({}, async (port) => {
      const most = LIMITS.maxBytes;
      expect((await send(port, post(Buffer.alloc(most)))).body).to.equal(`{"length":${most}}`);
      const { status, json } = await send(port, post(Buffer.alloc(most + 1)));
      expect([status, json.error]).to.deep.equal([413, "too-large"]);
    });
  });

  it("refuses a body that does not say how long it is as soon as it is too long", async () => {
    await withServer({ maxBytes: 1_000 }, async (port) => {
      const start = "POST /length HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
      const socket = await open(port, start + `3e9\r\n${"x".repeat(1_001)}\r\n`);
      expect(await untilClosed(socket))
        .to.include("413")
        .and.to.include("too-large");
    });
  });

  it("takes a body as it is, and refuses a compressed one before it is read", async () => {
    await withServer({}, async (port) => {
      expect((await send(port, post("abc", { "content-encoding": "identity" }))).status).to.equal(200);
      const { status, json } = await send(port, post(gzipSync("abc"), { "content-encoding": "gzip" }));
      expect([status, json.error]).to.deep.equal([415, "compressed-body"]);
    });
  });

  it("takes headers that come in time, and closes when they do not", async () => {
    await withServer({ headers: 400 }, async (port) => {
      const socket = await open(port, "POST /length HTTP/1.1\r\nhost: a\r\n");
      expect(await untilClosed(socket))
        .to.include("408")
        .and.to.include("too-slow");
      expect((await send(port, post("abc"))).status).to.equal(200);
    });
  });

  it("closes when a body does not come in time, though it comes bit by bit", async () => {
    await withServer({ headers: 200, body: 600 }, async (port) => {
      const socket = await open(port, "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 200000\r\n\r\n");
      const dripping = setInterval(() => socket.write("x"), 50);
      try {
        expect(await untilClosed(socket)).to.include("408");
      } finally {
        clearInterval(dripping);
      }
    });
  });

  it("closes a connection that was too slow, though the other side keeps it open", async () => {
    await withServer({ headers: 200, body: 400, connectionsPerAddress: 1 }, async (port) => {
      const socket = connect({ host: "127.0.0.1", port, localAddress: "127.0.0.9", allowHalfOpen: true });
      socket.on("error", () => undefined).resume();
      socket.write("POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n");
      await once(socket, "end");
      const freed = async (): Promise<number> =>
        send(port, { ...post("abc"), from: "127.0.0.9" }).then(({ status }) => status, freed);
      expect(await freed()).to.equal(200);
      socket.destroy();
    });
  });

  it("lets an address have so many connections, closes the next, and lets others in", async () => {
    await withServer({ connectionsPerAddress: 3 }, async (port) => {
      const held = [await open(port), await open(port), await open(port)];
      // a request is answered on each, so that the server has counted them
      for (const socket of held) socket.write("POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx");
      await Promise.all(held.map((socket) => new Promise((resolve) => socket.once("data", resolve))));
      expect(await untilClosed(await open(port))).to.equal("");
      expect((await send(port, { ...post("abc"), from: "127.0.0.2" })).status).to.equal(200);

      const closed = untilClosed(held[0]);
      held[0].destroy();
      await closed;
      const answered = async (): Promise<number> => send(port, post("abc")).then(({ status }) => status, answered);
      expect(await answered()).to.equal(200);
      for (const socket of held) socket.destroy();
    });
  });

  it("answers errors by name and sentence, without what the error says or where it was", async () => {
    await withServer({}, async (port) => {
      const broken = await send(port, { method: "GET", path: "/broken" });
      expect([broken.status, broken.json]).to.deep.equal([
        500,
        { error: "failed", message: "The server failed; its log says why" },
      ]);
      expect(broken.body).not.to.match(/secret|root|at /);
      const refused = await send(port, { method: "GET", path: "/refused" });
      expect([refused.status, refused.json]).to.deep.equal([409, { error: "not-now", message: "Not now" }]);
      const missing = await send(port, { method: "GET", path: "/%00../etc" });
      expect([missing.status, missing.json.error]).to.deep.equal([404, "not-found"]);
    });
  });

  it("refuses what has no place here before its body comes", async () => {
    await withServer({}, async (port) => {
      const socket = await open(port, "PUT /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: 200000\r\n\r\n");
      expect(await untilClosed(socket))
        .to.include("404")
        .and.to.include("not-found");
    });
  });

  it("answers what is no HTTP by name, and closes", async () => {
    await withServer({}, async (port) => {
      const socket = await open(port, "hello\r\n\r\n");
      expect(await untilClosed(socket))
        .to.include("400")
        .and.to.include("bad-request");
    });
  });
});

describe("Depth of JSON", () => {
  it("takes eight objects and lists within each other, and refuses nine", () => {
    expect(() => checkDepth(nested(8))).not.to.throw();
    expect(() => checkDepth(nested(9)))
      .to.throw(RefusedError, "8 objects and lists")
      .with.property("error", "too-deep");
    expect(() => checkDepth(Buffer.from('{"a":'.repeat(9) + "1" + "}".repeat(9)))).to.throw(RefusedError);
  });

  it("counts those within each other, not those beside each other or in texts", () => {
    expect(() => checkDepth(Buffer.from(`[${"[],".repeat(1_000)}[]]`))).not.to.throw();
    expect(() => checkDepth(Buffer.from(JSON.stringify(["[[[[[[[[[[", '\\"[[[[[[[[[[', "\\"])))).not.to.throw();
    expect(() => checkDepth(Buffer.from(`["\\\\",${"[".repeat(9)}`))).to.throw(RefusedError);
  });
});
