import { writeFile } from "node:fs/promises";
import path from "node:path";

import {
  HttpClient,
  HttpError,
  NODE_MIGRATIONS,
  NodeStore,
  type NodeTables,
  openServer,
  Poster,
} from "@turingfog/network";
import { EVIDENCE, READING_ANSWERS, type ReadingResult, READINGS } from "@turingfog/sdk/wire";
import { expect } from "chai";

import { LOG } from "../helpers/intake";
import { inFolder } from "../helpers/folders";
import { Stores } from "../helpers/stores";

const HASH = `0x${"22".repeat(32)}`;
const LINE = EVIDENCE.encode({ counted: "seconds", amount: 60n, result: HASH });
const MAX_RESULT = 1_000;

/** A signer that answers as a test says, and writes down what it is asked. */
async function withSigner(
  resultOf: (orderId: bigint) => ReadingResult,
  test: (bench: {
    store: NodeStore;
    asked: string[];
    deliver: () => Promise<unknown>;
    closed: Set<bigint>;
  }) => Promise<void>,
): Promise<void> {
  const asked: string[] = [];
  const server = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG }, (on) => {
    on.post("/v1/readings", ({ body }) => {
      const { readings } = READINGS.decode(body as Buffer);
      asked.push(...readings.map(({ orderId, sequence }) => `reading ${orderId} ${sequence}`));
      return READING_ANSWERS.encode({
        answers: readings.map(({ orderId }) => ({ result: resultOf(orderId), next: 0n })),
      });
    });
    on.put<{ Params: { id: string } }>("/v1/orders/:id/log", ({ params, body }) => {
      asked.push(`log ${params.id}`);
      EVIDENCE.decode((body as Buffer).toString().trimEnd());
      return {};
    });
    on.put<{ Params: { id: string } }>("/v1/orders/:id/result", { bodyLimit: MAX_RESULT }, ({ params }) => {
      asked.push(`result ${params.id}`);
      return {};
    });
  });
  const stores = new Stores();
  const client = new HttpClient();
  try {
    await inFolder(async (folder) => {
      const store = new NodeStore((await stores.openNew<NodeTables>(NODE_MIGRATIONS)).db, 7n);
      const closed = new Set<bigint>();
      // order 2 has a result above what the signer takes
      const resultOfOrder = async (orderId: bigint) => {
        const file = path.join(folder, String(orderId));
        await writeFile(file, Buffer.alloc(orderId === 2n ? MAX_RESULT + 1 : MAX_RESULT));
        return file;
      };
      const isClosed = (orderId: bigint) => closed.has(orderId);
      const poster = new Poster({ store, client, nodeId: 7n, isClosed, resultOf: resultOfOrder, log: LOG });
      const { port } = server.server.address() as { port: number };
      const peer = { signer: `0x${"51".repeat(20)}`, endpoint: `http://127.0.0.1:${port}` };
      await test({ store, asked, closed, deliver: () => poster.deliver(peer).catch((error: unknown) => error) });
    });
  } finally {
    client.close();
    await server.close();
    await stores.close();
  }
}

const reading = (orderId: bigint, line: string, sequence = 1n) => ({
  reading: {
    ...{ orderId, nodeId: 7n, sequence, cumulativeTU: 1n, measuredAt: 5n, evidence: HASH, previous: HASH },
    signature: `0x${"11".repeat(64)}1b`,
  },
  digest: HASH,
  line,
});

describe("Poster", () => {
  it("hands in the orders behind one whose line it does not have, and one whose result is refused", async () => {
    await withSigner(
      () => "accepted",
      async ({ store, asked, deliver }) => {
        for (const [orderId, line] of [
          [1n, ""],
          [2n, LINE],
          [3n, LINE],
        ] as const) {
          await store.addReading(reading(orderId, line));
        }
        expect(await deliver()).to.equal(undefined);
        const handed = ["reading 1 1", "reading 2 1", "log 2", "reading 3 1", "log 3", "result 3"];
        expect(asked).to.deep.equal(handed);
        // nothing of it is tried again
        expect(await deliver()).to.equal(undefined);
        expect(asked).to.deep.equal(handed);
      },
    );
  });

  it("hands in the orders behind one that is refused, which waits, and says why", async () => {
    await withSigner(
      (orderId) => (orderId === 1n ? "unknown-order" : "accepted"),
      async ({ store, asked, deliver }) => {
        for (const orderId of [1n, 3n]) await store.addReading(reading(orderId, LINE));
        for (let i = 0; i < 3; ++i) {
          expect(String(await deliver())).to.include("refuses reading 1 of order 1: unknown-order");
        }
        expect(asked).to.deep.equal(["reading 1 1", "reading 3 1", "log 3", "result 3"]);
      },
    );
  });

  it("posts the readings of a closed order once", async () => {
    await withSigner(
      () => "closed-order",
      async ({ store, asked, deliver, closed }) => {
        for (const sequence of [1n, 2n]) await store.addReading(reading(1n, LINE, sequence));
        closed.add(1n);
        for (let i = 0; i < 3; ++i) expect(await deliver()).to.equal(undefined);
        expect(asked).to.deep.equal(["reading 1 1", "reading 1 2"]);
        expect(await store.deliveredToAny(1n)).to.equal(2n);
      },
    );
  });

  it("asks a signer that gives no answer once a round", async () => {
    await withSigner(
      () => "accepted",
      async ({ store }) => {
        for (const orderId of [1n, 2n]) await store.addReading(reading(orderId, LINE));
        let posts = 0;
        const dead = {
          post: () => {
            posts++;
            return Promise.reject(new HttpError("dead", 0, "unreachable", "ECONNREFUSED"));
          },
        };
        const options = { store, nodeId: 7n, isClosed: () => false, resultOf: async () => undefined, log: LOG };
        const poster = new Poster({ ...options, client: dead as unknown as HttpClient });
        const peer = { signer: "0x51", endpoint: "http://dead" };
        await expect(poster.deliver(peer)).to.be.rejectedWith(HttpError, "ECONNREFUSED");
        expect(posts).to.equal(1);
      },
    );
  });
});
