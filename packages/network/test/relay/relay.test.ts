import { once } from "node:events";
import http, { type RequestListener } from "node:http";
import net from "node:net";

import { type RefusedError, relayConfig, type RelayLimits, Tunnels } from "@turingfog/network";
import { expect } from "chai";

import { send } from "../helpers/raw";
import { METER, NODE, NOW, RelayWorld, STRANGER } from "../helpers/relaying";

/** Answers with what was asked, and the size of the body; `/none` never, `/zeros/N` with so many bytes. */
const echo: RequestListener = (request, response) => {
  const { method, url = "", headers } = request;
  if (url === "/none") return;
  const [, name, count] = url.split("/");
  if (name === "zeros") return void response.end(Buffer.alloc(Number(count)));
  let size = 0;
  request.on("data", (chunk: Buffer) => (size += chunk.length));
  request.on("end", () => {
    const { "x-forwarded-for": from, "x-more": more, upgrade } = headers;
    response.writeHead(201, { "x-answer": "1" }).end(JSON.stringify({ method, url, size, from, more, upgrade }));
  });
};

describe("A relay", () => {
  const made: { world?: RelayWorld } = {};
  const opened = async (limits: Partial<RelayLimits> = {}, serve = echo, patience?: number) =>
    (made.world = await RelayWorld.open(serve, limits, patience));
  const linked = async (limits: Partial<RelayLimits> = {}, serve = echo, patience?: number) => {
    const world = await opened(limits, serve, patience);
    await world.link();
    return world;
  };
  afterEach(async () => {
    await made.world?.close();
    made.world = undefined;
  });

  describe("between a renter and a node", () => {
    it("hands on method, path, query, headers and body, and says itself whom they come from", async () => {
      const world = await linked();
      const headers = { "x-more": "yes", "x-forwarded-for": "9.9.9.9", te: "trailers" };
      const answer = await world.client.put(`${world.url}/v1/a?b=c`, Buffer.alloc(200_000), { headers });
      expect(JSON.parse(answer.toString())).to.deep.equal({
        ...{ method: "PUT", url: "/v1/a?b=c", size: 200_000, from: "127.0.0.1", more: "yes" },
      });
      expect(JSON.parse((await world.client.get(`${world.url}/v1`)).toString())).to.include({ method: "GET", size: 0 });
    });

    it("hands answers back as they come", async () => {
      const ends: (() => void)[] = [];
      const world = await linked({}, (_, response) => {
        response.write("first");
        ends.push(() => response.end("last"));
      });
      const pieces = world.client.stream(`${world.url}/v1/progress`);
      expect(String((await pieces.next()).value)).to.equal("first");
      ends[0]();
      expect(String((await pieces.next()).value)).to.equal("last");
      await pieces.return();
    });

    it("hands an early answer back though the node reads no further", async () => {
      const world = await linked({}, (_, response) => {
        response.writeHead(409, { connection: "close" }).end('{"error":"closed-order","message":"It is closed"}');
      });
      expect(await world.refusal(world.client.put(`${world.url}/x`, Buffer.alloc(8_000_000)))).to.equal("closed-order");
    });

    it("serves more requests in a row than the node has connections", async () => {
      const world = await linked({}, echo, 1_000);
      for (let i = 0; i < 200; ++i) await world.client.get(`${world.url}/v1/${i}`);
    });

    it("breaks off with the node, and finds it again when either comes back", async () => {
      const world = await linked();
      await world.stopRelay();
      expect(await world.refusal(world.client.get(`${world.url}/v1`))).to.equal("unreachable");
      await world.startRelay();
      await world.isConnected();
      await world.client.get(`${world.url}/v1`);
    });

    it("breaks off an answer whose status is none", async () => {
      const world = await linked({}, ({ socket }) => void socket.end("HTTP/1.1 099 None\r\ncontent-length: 0\r\n\r\n"));
      expect(await world.refusal(world.client.get(`${world.url}/v1`))).to.equal("unreachable");
      expect(await world.metrics.metrics()).to.include('turingfog_relay_requests_total{outcome="broken-off"} 1');
    });

    it("ends a request whose renter has gone", async () => {
      const gone: Promise<unknown>[] = [];
      const world = await linked({}, (_, response) => void gone.push(once(response, "close")));
      const request = http.get(`${world.url}/v1`).on("error", () => undefined);
      await world.isUnderWay(1);
      request.destroy();
      await gone[0];
    });
  });

  describe("asked by somebody who is not the node", () => {
    it("takes no connection that the meter key of the document has not signed", async () => {
      const world = await opened();
      expect(await world.connect(await world.envelope())).to.equal("no-document");
      await world.introduce();
      expect(await world.connect(await world.envelope(STRANGER))).to.equal("bad-envelope");
      expect(await world.connect(await world.envelope(METER, 8n))).to.equal("bad-envelope");
      expect(await world.connect("{}")).to.equal("bad-envelope");
      expect(await world.connect(await world.envelope())).to.be.an("object");
    });

    it("takes a connection's envelope once, also after a restart", async () => {
      const world = await opened();
      await world.introduce();
      const envelope = await world.envelope();
      expect(await world.connect(envelope)).to.be.an("object");
      expect(await world.connect(envelope)).to.equal("bad-envelope");
      await world.stopRelay();
      await world.startRelay();
      expect(await world.connect(envelope)).to.equal("bad-envelope");
    });

    it("takes a document of the node's owner alone, for this relay, in force, and no older one", async () => {
      const world = await opened();
      const refused = (...given: Parameters<RelayWorld["introduce"]>) => world.refusal(world.introduce(...given));
      expect(await refused({}, STRANGER)).to.equal("bad-document");
      expect(await refused({ nodeId: 8n })).to.equal("bad-document");
      expect(await refused({ expiresAt: NOW })).to.equal("bad-document");
      expect(await refused({ endpoint: "https://other.example/nodes/7" })).to.equal("bad-document");
      await world.introduce({ sequence: 2n });
      await world.introduce({ sequence: 2n });
      expect(await refused({ sequence: 1n })).to.equal("old-document");
      expect(await refused({ sequence: 2n, expiresAt: NOW + 1n })).to.equal("old-document");
    });

    it("ends the connections of a key that a new document replaces, and takes no more of it", async () => {
      const world = await opened();
      await world.introduce();
      const socket = await world.connect(await world.envelope());
      const closed = once(socket as never, "close");
      await world.introduce({ sequence: 2n, meterKey: STRANGER.address.toLowerCase() });
      await closed;
      expect(await world.connect(await world.envelope())).to.equal("bad-envelope");
    });

    it("takes no connection by the document of an owner who has sold the node", async () => {
      const world = await opened();
      await world.introduce();
      world.owner = STRANGER.address.toLowerCase();
      expect(await world.connect(await world.envelope())).to.equal("bad-document");
    });

    it("closes a connection that it refuses though the other side does not", async () => {
      const world = await opened();
      const socket = net.connect({ port: world.port, host: "127.0.0.1", allowHalfOpen: true });
      socket.write("GET /nodes/7 HTTP/1.1\r\nhost: relay\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n");
      expect(String(await once(socket, "data"))).to.include("bad-request");
      await world.stopRelay();
      socket.destroy();
    });

    it("ends the connections of a seller once the node is asked for something", async () => {
      const world = await opened();
      await world.introduce();
      const closed = once((await world.connect(await world.envelope())) as net.Socket, "close");
      world.owner = STRANGER.address.toLowerCase();
      expect(await world.refusal(world.client.get(`${world.url}/v1`))).to.equal("no-answer");
      await closed;
    });

    it("takes the document of a buyer, whatever sequence the seller has used", async () => {
      const world = await opened();
      await world.introduce({ sequence: 2n ** 63n - 1n });
      const socket = (await world.connect(await world.envelope())) as net.Socket;
      const closed = once(socket, "close");
      world.owner = STRANGER.address.toLowerCase();
      await world.introduce({ sequence: 1n }, STRANGER);
      await closed;
    });

    it("hears no address any more of which too many were refused", async () => {
      const world = await opened();
      await world.introduce();
      const names: unknown[] = [];
      for (let i = 0; i < 80; ++i) names.push(await world.connect("{}"));
      expect(names.slice(0, 64)).to.deep.equal(Array<string>(64).fill("bad-envelope"));
      expect(names).to.include("too-many-refused");
    });
  });

  it("tells those apart who come through a proxy that it trusts, and believes nobody else", async () => {
    const world = await opened();
    await world.introduce();
    const from = async (address: string) => world.connect("{}", NODE, { "x-forwarded-for": `1.1.1.1, ${address}` });
    const many = async () => {
      for (let i = 0; i < 80; ++i) await from("9.9.9.9");
    };
    await many();
    expect(await from("8.8.8.8")).to.equal("too-many-refused");
    await world.stopRelay();
    world.trustedProxies.push("127.0.0.1");
    await world.startRelay();
    await many();
    expect(await from("9.9.9.9")).to.equal("too-many-refused");
    expect(await from("8.8.8.8")).to.equal("bad-envelope");
  });

  describe("at its limits", () => {
    it("says that a node is not connected, and that its connections are all in use", async () => {
      const world = await opened({}, echo, 50);
      expect(await world.refusal(world.client.get(`${world.url}/v1`))).to.equal("not-connected");
      await world.introduce();
      await world.connect(await world.envelope());
      const first = world.refusal(world.client.get(`${world.url}/v1`));
      expect(await world.refusal(world.client.get(`${world.url}/v1`))).to.equal("busy");
      await world.stopRelay();
      expect(await first).to.equal("unreachable");
    });

    it("takes as many connections of a node as it may have, and no more", async () => {
      const world = await opened({ connections: 2 });
      await world.introduce();
      for (let i = 0; i < 2; ++i) expect(await world.connect(await world.envelope())).to.be.an("object");
      expect(await world.connect(await world.envelope())).to.equal("too-many-connections");
    });

    it("takes as many nodes as it may have, and no more", async () => {
      const world = await opened({ nodes: 1 });
      const other = { nodeId: 8n, endpoint: world.url.replace(/7$/, "8") };
      await world.introduce();
      await world.client.put(`${other.endpoint}/document`, await world.document(other));
      expect(await world.connect(await world.envelope())).to.be.an("object");
      expect(await world.connect(await world.envelope(METER, 8n), 8n)).to.equal("full");
      expect(await world.connect(await world.envelope())).to.be.an("object");
    });

    it("gives the place of a node that is not attested to one that is", async () => {
      const world = await opened({ nodes: 1 });
      const other = { nodeId: 8n, endpoint: world.url.replace(/7$/, "8") };
      await world.introduce();
      await world.client.put(`${other.endpoint}/document`, await world.document(other));
      const socket = (await world.connect(await world.envelope())) as net.Socket;
      const closed = once(socket, "close");
      world.attested.add(8n);
      expect(await world.connect(await world.envelope(METER, 8n), 8n)).to.be.an("object");
      await closed;
      expect(await world.connect(await world.envelope())).to.equal("full");
      world.attested.add(NODE);
      expect(await world.connect(await world.envelope())).to.equal("full");
    });

    it("ends a request of the address that has most connections for one that has fewer", async () => {
      const world = await opened({}, echo, 1_000);
      await world.introduce();
      const node = async () => (await world.connect(await world.envelope())) as net.Socket;
      const get = (from: string) => send(world.port, { method: "GET", path: "/nodes/7/v1", from });
      const sockets = [await node(), await node()];
      const first = get("127.0.0.1");
      await once(sockets[0], "data");
      const second = get("127.0.0.1");
      await once(sockets[1], "data");
      const other = get("127.0.0.2");
      expect((await first).json).to.include({
        error: "busy",
        message: "Another address needs the connection: try again later",
      });
      for (const each of [sockets[1], await node()]) each.destroy();
      for (const each of [second, other]) expect((await each).json.error).to.equal("no-answer");
    });

    it("gives the place of a request up whose client has gone while it waits", async () => {
      const world = await opened({}, echo, 600_000);
      await world.introduce();
      const socket = (await world.connect(await world.envelope())) as net.Socket;
      const first = world.refusal(world.client.get(`${world.url}/v1`));
      await once(socket, "data");
      const waiting = http.get(`${world.url}/v1`, { agent: false }).on("error", () => undefined);
      await once(waiting, "finish");
      waiting.destroy();
      await world.hasEnded();
      socket.destroy();
      expect(await first).to.equal("no-answer");
    });

    it("hands on as many requests of an address to a node at a time as it may have, and no more", async () => {
      const world = await linked({ requests: 2 });
      const hanging = [1, 2].map(() => http.get(`${world.url}/none`).on("error", () => undefined));
      await world.isUnderWay(2);
      expect(await world.refusal(world.client.get(`${world.url}/v1`))).to.equal("busy");
      for (const each of hanging) each.destroy();
    });

    const most = 100_000;
    for (const [how, headers] of [
      ["with its length", {}],
      ["in chunks", { "transfer-encoding": "chunked" }],
    ] as const) {
      it(`hands on a body of its limit that comes ${how}, and refuses a byte more`, async () => {
        const world = await linked({ maxBytes: most });
        const put = (size: number) => world.put(size, headers);
        expect(JSON.parse(await put(most))).to.include({ size: most });
        expect(JSON.parse(await put(most + 1))).to.include({ error: "too-large" });
      });
    }

    it("hands an answer of its limit back, and breaks off one of a byte more", async () => {
      const world = await linked({ maxBytes: most });
      expect(await world.client.get(`${world.url}/zeros/${most}`)).to.have.lengthOf(most);
      expect(await world.refusal(world.client.get(`${world.url}/zeros/${most + 1}`))).to.equal("unreachable");
    });

    it("hands nothing on once a node's bytes of the day are used up", async () => {
      const world = await linked({ dailyBytes: 8 * most });
      const get = (from: string) => send(world.port, { method: "GET", path: `/nodes/7/zeros/${most}`, from });
      for (let i = 2; i < 10; ++i) expect((await get(`127.0.0.${i}`)).body).to.have.lengthOf(most);
      expect(JSON.parse(await world.put(most, {}))).to.include({ error: "used-up" });
    });

    it("are none by which an address could not send one body a day", () => {
      const { limits } = relayConfig.shape;
      expect(limits.safeParse({ maxBytes: 2_048, dailyBytes: 16_384 }).success).to.equal(true);
      const { error } = limits.safeParse({ maxBytes: 2_048, dailyBytes: 16_383 });
      expect(error?.issues.map(({ message }) => message)).to.deep.equal(["expected at least 8 times maxBytes"]);
    });

    it("lets an address use an eighth of a node's bytes of the day, and breaks off what goes on", async () => {
      const world = await linked({ dailyBytes: 8 * most });
      expect(JSON.parse(await world.put(most + 1, {}))).to.include({ error: "used-up" });
      expect(await world.refusal(world.client.get(`${world.url}/zeros/${2 * most}`))).to.equal("unreachable");
      expect(await world.refusal(world.client.get(`${world.url}/zeros/1`))).to.equal("used-up");
      const other = await send(world.port, { method: "GET", path: "/nodes/7/zeros/10", from: "127.0.0.2" });
      expect(other.body).to.have.lengthOf(10);
    });

    it("gives up a node from which nothing comes", async () => {
      const world = await linked({ idleSeconds: 1 });
      expect(await world.refusal(world.client.get(`${world.url}/none`))).to.equal("too-slow");
    });
  });

  it("says by its metrics how many nodes are connected", async () => {
    const world = await opened();
    await world.introduce();
    await world.connect(await world.envelope());
    expect(await world.metrics.metrics()).to.include("turingfog_relay_nodes 1");
  });
});

describe("The connections of a relay", () => {
  it("go from a request of a minute to an address that has fewer, and from no shorter one", async () => {
    let now = 0;
    const tunnels = new Tunnels(relayConfig.shape.limits.parse(undefined), 200, () => now);
    const [first, second, third] = [1, 2, 3].map(() => new net.Socket().on("error", () => undefined));
    const take = (sender: string) => tunnels.take(NODE, sender, new AbortController().signal);
    for (const each of [first, second]) tunnels.add(NODE, each, () => false);
    expect([await take("a"), await take("b")]).to.deep.equal([first, second]);
    now = 59_999;
    expect(await take("c").catch((error: RefusedError) => error.error)).to.equal("busy");
    expect(first.destroyed).to.equal(false);
    now = 60_000;
    const taken = take("c");
    expect(await once(first, "error")).to.have.nested.property("[0].error", "busy");
    tunnels.add(NODE, third, () => false);
    tunnels.open(NODE, third);
    expect(await taken).to.equal(third);
    expect(second.destroyed).to.equal(false);
    tunnels.close();
  });
});
