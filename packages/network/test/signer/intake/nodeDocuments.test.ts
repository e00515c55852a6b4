import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { FETCH_INTERVAL, HttpClient, INTAKE_MIGRATIONS, type IntakeTables, NodeDocuments } from "@turingfog/network";
import { NODE_DOCUMENT, type NodeDocument } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id, Wallet } from "ethers";

import { LOG, StoppedClock } from "../../helpers/intake";
import { Meter, NODE_DOMAIN } from "../../helpers/meters";
import { Stores } from "../../helpers/stores";

const OWNER = new Wallet(id("owner"));

/** Documents of a node of `OWNER`, in a store of their own. */
async function withDocuments(
  test: (given: {
    documents: NodeDocuments;
    clock: StoppedClock;
    times: { monotonic: number };
    meter: Meter;
    sign: (change?: Partial<NodeDocument>, by?: Wallet) => Promise<string>;
    reopen: () => Promise<NodeDocuments>;
    contracts: Set<string>;
  }) => Promise<void>,
  metadataURI = "data:,",
): Promise<void> {
  const stores = new Stores();
  const client = new HttpClient();
  try {
    const { db } = await stores.openNew<IntakeTables>(INTAKE_MIGRATIONS);
    const meter = await Meter.of(1);
    const [clock, times, contracts] = [new StoppedClock(), { monotonic: 0 }, new Set<string>()];
    const node = { ...meter.node(), owner: OWNER.address.toLowerCase(), metadataURI };
    const facts = {
      node: (nodeId: bigint) => (nodeId === node.nodeId ? node : undefined),
      isSignedByContract: async (_: string, digest: string) => contracts.has(digest),
    };
    const options = { db, facts, domain: NODE_DOMAIN, clock, client, log: LOG, allowPrivate: true };
    const reopen = () => NodeDocuments.open({ ...options, monotonic: () => times.monotonic });
    const sign = async (change: Partial<NodeDocument> = {}, by = OWNER) => {
      const { nodeId, sequence, expiresAt, endpoint, meterKey, encryptionKey, runners } = meter.document();
      const document = { nodeId, sequence, expiresAt, endpoint, meterKey, encryptionKey, runners, ...change };
      return NODE_DOCUMENT.encode(await NODE_DOCUMENT.sign(by, NODE_DOMAIN, document));
    };
    await test({ documents: await reopen(), clock, times, meter, sign, reopen, contracts });
  } finally {
    client.close();
    await stores.close();
  }
}

describe("NodeDocuments", () => {
  it("are taken by their node's owner once, with the time at which they were first seen, also after a restart", () =>
    withDocuments(async ({ documents, clock, meter, sign, reopen }) => {
      const text = await sign();
      expect([await documents.show(text), await documents.show(text)]).to.deep.equal([true, false]);
      const [seen] = documents.of(meter.nodeId);
      expect(seen.firstSeen).to.equal(clock.time);
      expect((await reopen()).of(meter.nodeId)).to.deep.equal([seen]);
    }));

  it("are refused by anybody else, of a node that is not there, and once they have expired", () =>
    withDocuments(async ({ documents, clock, meter, sign }) => {
      expect(await documents.show(await sign({}, new Wallet(id("thief"))))).to.equal(false);
      expect(await documents.show(await sign({ nodeId: 99n }))).to.equal(false);
      expect(await documents.show(await sign({ expiresAt: clock.time }))).to.equal(false);
      expect(documents.of(meter.nodeId)).to.deep.equal([]);
      expect(await documents.show(await sign({ expiresAt: clock.time + 1n }))).to.equal(true);
    }));

  it("are taken of an owner that is a contract, by its word", () =>
    withDocuments(async ({ documents, sign, contracts }) => {
      const document = NODE_DOCUMENT.decode(await sign());
      const given = NODE_DOCUMENT.encode({ ...document, signature: `0x${"01".repeat(200)}` });
      expect(await documents.show(given)).to.equal(false);
      contracts.add(NODE_DOCUMENT.digest(NODE_DOMAIN, document));
      expect(await documents.show(given)).to.equal(true);
    }));

  it("are in force until they expire, or a later one was seen", () =>
    withDocuments(async ({ documents, clock, meter, sign }) => {
      const [old, next] = [`0x${"01".repeat(20)}`, `0x${"02".repeat(20)}`];
      await documents.show(await sign({ meterKey: old, expiresAt: clock.time + 1_000n }));
      const seenAt = (clock.time += 100n);
      await documents.show(await sign({ sequence: 2n, meterKey: next }));
      expect(documents.keysAt(meter.nodeId, seenAt)).to.deep.equal([old, next]);
      expect(documents.keysAt(meter.nodeId, seenAt + 1n)).to.deep.equal([next]);
      await documents.show(await sign({ sequence: 3n, meterKey: old, expiresAt: clock.time + 10n }));
      expect(documents.keysAt(meter.nodeId, clock.time + 10n)).to.deep.equal([]);
    }));

  it("are kept 64 of a node, of which 16 are shown: those of the highest sequences", () =>
    withDocuments(async ({ documents, meter, sign, reopen }) => {
      for (let sequence = 1n; sequence <= 65n; ++sequence) await documents.show(await sign({ sequence }));
      for (const each of [documents, await reopen()]) {
        expect(each.of(meter.nodeId).map(({ sequence }) => sequence)[0]).to.equal(2n);
        expect(each.of(meter.nodeId)).to.have.lengthOf(64);
        expect(each.shown(meter.nodeId).map(({ sequence }) => sequence)[0]).to.equal(50n);
      }
    }));

  it("are fetched from where the chain says, one try a minute a node, however often they are wanted", async () => {
    const asked: string[] = [];
    const server = createServer(({ url = "" }, response) => {
      asked.push(url);
      response.end("no document");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const untilAsked = async (count: number) => {
      while (asked.length < count) await new Promise(setImmediate);
    };
    const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/document`;
    await withDocuments(async ({ documents, times, meter }) => {
      for (let i = 0; i < 10; ++i) documents.want(meter.nodeId);
      await untilAsked(1);
      times.monotonic = FETCH_INTERVAL - 1;
      documents.want(meter.nodeId);
      times.monotonic = FETCH_INTERVAL;
      documents.want(meter.nodeId);
      await untilAsked(2);
      documents.want(99n);
      expect(asked).to.deep.equal(["/document", "/document"]);
    }, uri);
    server.closeAllConnections();
    server.close();
  });
});
