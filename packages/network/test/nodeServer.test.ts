import { once } from "node:events";
import http from "node:http";
import { writeFile } from "node:fs/promises";

import { encryptText, escrowDomain, newAgeKey, makeGrant } from "@turingfog/network";
import { ACKNOWLEDGEMENT, GRANT } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id, Wallet } from "ethers";

import { FLOOD, flood } from "./helpers/floods";
import { ESCROW, Meter } from "./helpers/meters";
import { BUNDLE, HOLDER, ownOrder, type ServedNode, withNode } from "./helpers/nodeServers";
import { open, send, untilClosed } from "./helpers/raw";

const THIEF = new Wallet(id("thief"));

/** Sends a request of the renter's, and returns its status and the name of its refusal. */
async function put(node: ServedNode, path: string, body: string | Uint8Array, from?: string): Promise<string> {
  const { status, json } = await send(node.port, { method: "PUT", path, body, from });
  return json.error === undefined ? String(status) : `${status} ${json.error}`;
}

/** Hands the bundle in as soon as others that were broken off leave room. */
async function putOnceFree(node: ServedNode, path: string): Promise<string> {
  const answer = await put(node, path, BUNDLE);
  return answer === "429 busy" ? putOnceFree(node, path) : answer;
}

/** Hands wrong bundles in until one is refused because others are under way. */
async function untilBusy(node: ServedNode, path: string, from: string): Promise<void> {
  const answer = await put(node, path, Buffer.alloc(9), from);
  if (answer !== "429 busy") return untilBusy(node, path, from);
}

async function grantOf(node: ServedNode, by = HOLDER, orderId = node.meter.orderId): Promise<string> {
  const { identity } = await newAgeKey();
  return GRANT.encode(await makeGrant(by, node.domain, orderId, node.age.recipient, identity));
}

async function acknowledgementOf(node: ServedNode, cumulativeTU: bigint, by = HOLDER, orderId = node.meter.orderId) {
  return ACKNOWLEDGEMENT.encode(
    await ACKNOWLEDGEMENT.sign(by, escrowDomain(31_337n, ESCROW), { orderId, cumulativeTU }),
  );
}

/** The start of a request whose body does not come. */
const slow = (path: string, bytes: number) =>
  `PUT ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n{`;

describe("A node's server", () => {
  it("takes a bundle of exactly its limit, and none of a byte more", async () => {
    await withNode({}, async (node) => {
      expect(await put(node, node.path("/bundle"), Buffer.alloc(BUNDLE.length + 1))).to.equal("413 too-large");
      expect(await put(node, node.path("/bundle"), BUNDLE)).to.equal("201");
      expect(await put(node, node.path("/bundle"), BUNDLE)).to.equal("200");
    });
  });

  it("takes nothing for an order that is not an open one of its own in a final block, before a byte is read", async () => {
    await withNode({}, async (node) => {
      const { world, meter, store } = node;
      const [closed, foreign, early, refused] = [101n, 102n, 103n, 104n];
      world.orders.set(closed, ownOrder(meter, { orderId: closed, closed: true }));
      world.orders.set(foreign, ownOrder(meter, { orderId: foreign, nodeId: 2n }));
      world.orders.set(early, ownOrder(meter, { orderId: early }));
      world.orders.set(refused, ownOrder(meter, { orderId: refused }));
      for (const orderId of [foreign, closed, refused]) await store.take(orderId, id(`job ${orderId}`));
      await store.change(refused, { refusal: "no" });
      for (const [orderId, refusal] of [
        [99n, "404 Not Found unknown-order"],
        [foreign, "404 Not Found unknown-order"],
        [closed, "409 Conflict closed-order"],
        [early, "404 Not Found unknown-order"],
        [refused, "409 Conflict refused-order"],
      ] as const) {
        const text = await untilClosed(await open(node.port, slow(node.path("/bundle", orderId), 1_000)));
        const [, status] = /^HTTP\/1.1 ([^\r]+)/.exec(text) ?? [];
        const [, error] = /"error":"([^"]+)"/.exec(text) ?? [];
        expect(`${status} ${error}`, `order ${orderId}`).to.equal(refusal);
      }
    });
  });

  it("lets two bundles come for an order at a time, each from an address of its own", async () => {
    await withNode({}, async (node) => {
      const path = node.path("/bundle");
      const first = await open(node.port, slow(path, BUNDLE.length), "127.0.0.2");
      // it is under way as soon as a second one of its address is refused
      await untilBusy(node, path, "127.0.0.2");
      const second = await open(node.port, slow(path, BUNDLE.length), "127.0.0.3");
      await untilBusy(node, path, "127.0.0.4");
      first.destroy();
      second.destroy();
      expect(await putOnceFree(node, path)).to.equal("201");
    });
  });

  it("takes a grant by the order's holder for itself, and no other", async () => {
    await withNode({}, async (node) => {
      const path = node.path("/grants");
      const other = await newAgeKey();
      const elsewhere = await makeGrant(HOLDER, node.domain, node.meter.orderId, other.recipient, other.identity);
      expect(await put(node, path, await grantOf(node, THIEF))).to.equal("422 bad-grant");
      expect(await put(node, path, GRANT.encode(elsewhere))).to.equal("422 bad-grant");
      expect(await put(node, path, await grantOf(node, HOLDER, 6n))).to.equal("422 other-order");
      const nonsense = Buffer.from(await encryptText(node.age.recipient, "no key")).toString("base64");
      const grant = GRANT.decode(await grantOf(node));
      expect(await put(node, path, GRANT.encode({ ...grant, identity: nonsense }))).to.equal("422 bad-grant");
      expect((await node.store.order(node.meter.orderId))?.identity).to.equal("");
      expect(await put(node, path, await grantOf(node))).to.equal("200");
      expect((await node.store.order(node.meter.orderId))?.identity).to.match(/^AGE-SECRET-KEY-1/);
    });
  });

  it("takes JSON of eight objects within each other, and refuses nine by name", async () => {
    await withNode({}, async (node) => {
      const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
      expect(await put(node, node.path("/grants"), nested(8))).to.equal("400 bad-message");
      expect(await put(node, node.path("/grants"), nested(9))).to.equal("400 too-deep");
      expect(await put(node, node.path("/grants"), Buffer.alloc(262_145))).to.equal("413 too-large");
    });
  });

  it("takes an acknowledgement of all that was ordered, by who would be refunded, and none of more", async () => {
    await withNode({}, async (node) => {
      const path = node.path("/acknowledgements");
      const { tuAmount } = ownOrder(node.meter);
      const refused = "422 bad-acknowledgement";
      expect(await put(node, path, await acknowledgementOf(node, tuAmount + 1n))).to.equal(refused);
      expect(await put(node, path, await acknowledgementOf(node, 1n, THIEF))).to.equal(refused);
      expect(await put(node, path, await acknowledgementOf(node, 1n, HOLDER, 6n))).to.equal(refused);
      expect(await node.store.acknowledgements()).to.deep.equal([]);
      expect(await put(node, path, await acknowledgementOf(node, tuAmount))).to.equal("200");
      expect(await put(node, path, await acknowledgementOf(node, 1n))).to.equal("200");
      expect((await node.store.acknowledgement(node.meter.orderId))?.cumulativeTU).to.equal(tuAmount);

      const { world, meter } = node;
      world.orders.set(meter.orderId, ownOrder(meter, { refundTo: THIEF.address.toLowerCase() }));
      expect(await put(node, path, await acknowledgementOf(node, tuAmount))).to.equal(refused);
      expect(await put(node, path, await acknowledgementOf(node, tuAmount, THIEF))).to.equal("200");
    });
  });

  it("has sixteen listeners to an order, refuses the next, and takes one again when another has left", async () => {
    await withNode({}, async (node) => {
      const listen = async (from: string): Promise<http.IncomingMessage> => {
        const request = http.get({ port: node.port, path: node.path("/progress"), localAddress: from, agent: false });
        const [response] = (await once(request, "response")) as [http.IncomingMessage];
        return response.on("error", () => undefined);
      };
      const all = await Promise.all(Array.from({ length: 16 }, () => listen("127.0.0.2")));
      expect(all.map(({ statusCode }) => statusCode)).to.deep.equal(Array(16).fill(200));
      const { status, json } = await send(node.port, { method: "GET", path: node.path("/progress") });
      expect([status, json.error]).to.deep.equal([429, "busy"]);
      all[0].destroy();
      const freed = async (): Promise<http.IncomingMessage> => {
        const next = await listen("127.0.0.3");
        return next.statusCode === 200 ? next : freed();
      };
      for (const each of [...all, await freed()]) each.destroy();
    });
  });

  it("hands no result out before the reading that names it was posted", async () => {
    await withNode({}, async (node) => {
      const { meter, store, files } = node;
      const result = `0x${"5e".repeat(32)}`;
      await put(node, node.path("/bundle"), BUNDLE);
      await writeFile(files.result, "sealed");
      const get = () => send(node.port, { method: "GET", path: node.path("/result") });
      expect((await get()).json.error).to.equal("no-result");
      await store.change(meter.orderId, { result });
      const line = `{"amount":"1","counted":"seconds","format":"turingfog-evidence-v1","result":"${result}"}`;
      await store.addReading({ reading: meter.next(), digest: id("digest"), line });
      expect((await get()).json.error).to.equal("no-result");
      await store.setDelivered("0xsigner", meter.orderId, 1n);
      expect((await get()).body).to.equal("sealed");
    });
  });

  for (const [what, seconds] of [
    ["/grants", 60],
    ["/acknowledgements", 60],
    ["/bundle", 1],
  ] as const) {
    it(`refuses what comes to ${what} and not in its time, though it comes bit by bit`, async () => {
      await withNode({ limits: { headers: 400, body: 500 }, seconds }, async (node) => {
        const socket = await open(node.port, slow(node.path(what), 50_000));
        const dripping = setInterval(() => socket.write("x"), 50);
        try {
          expect(await untilClosed(socket))
            .to.include("408")
            .and.to.include("too-slow");
        } finally {
          clearInterval(dripping);
        }
        expect(await putOnceFree(node, node.path("/bundle"))).to.equal("201");
      });
    });
  }

  for (const [what, path, body, last] of [
    // nothing is read of a bundle that is there
    ["wrong bundles as large as it takes", "/bundle", Buffer.alloc(BUNDLE.length), /^200$|too-many-refused/],
    ["bundles above its limit", "/bundle", Buffer.alloc(2 * BUNDLE.length), /^200$|too-many-refused/],
    ["wide JSON", "/grants", `{${'"a":"b",'.repeat(29_000)}"a":"b"}`, /too-many-refused/],
    ["grants by somebody else", "/grants", undefined, /too-many-refused/],
  ] as const) {
    it(`serves an honest renter within 2 s of ${what}, which it ends up not reading`, async () => {
      await withNode({}, async (node) => {
        const given = body ?? (await grantOf(node, THIEF));
        const { state, stop, answered } = flood(node.port, () => ({
          method: "PUT",
          path: node.path(path),
          body: given,
        }));
        await answered(64);
        for (const [to, honest] of [
          ["/grants", await grantOf(node)],
          ["/bundle", BUNDLE],
        ] as const) {
          const started = performance.now();
          expect(await put(node, node.path(to), honest)).to.match(/^20[01]$/);
          expect(performance.now() - started, "ms until it was served").to.be.below(2_000);
          await answered(state.answered + 32);
        }
        await stop();
        expect(await put(node, node.path(path), given, FLOOD)).to.match(last);
      });
    });
  }

  it("serves an honest renter within 2 s of bodies that do not come", async () => {
    await withNode({}, async (node) => {
      const pathOf = (i: number) => node.path(i === 0 ? "/bundle" : "/grants");
      const held = await Promise.all(
        Array.from({ length: 64 }, (_, i) => open(node.port, slow(pathOf(i), 90_000), FLOOD)),
      );
      expect(await untilClosed(await open(node.port, "", FLOOD))).to.equal("");
      const started = performance.now();
      expect(await put(node, node.path("/bundle"), BUNDLE)).to.equal("201");
      expect(performance.now() - started, "ms until it was served").to.be.below(2_000);
      for (const socket of held) socket.destroy();
    });
  });

  it("answers what its bundle is for only once it was taken on", async () => {
    await withNode({}, async (node) => {
      const other = await Meter.of(2);
      const { json } = await send(node.port, { method: "GET", path: node.path("", other.orderId) });
      expect(json.error).to.equal("unknown-order");
      const { body } = await send(node.port, { method: "GET", path: node.path("") });
      expect(body).to.include('"state": "waiting"').and.to.include("for its bundle");
    });
  });
});
