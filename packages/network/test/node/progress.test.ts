import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

import { escrowDomain, HttpClient, newAgeKey, NodeClient, openNodeServer, WrongResultError } from "@turingfog/network";
import { toJson } from "@turingfog/sdk";
import { EVIDENCE } from "@turingfog/sdk/wire";
import { expect } from "chai";

import { inFolder } from "../helpers/folders";
import { LOG } from "../helpers/intake";
import { JOB_OF_TESTS } from "../helpers/jobs";
import { open, untilClosed } from "../helpers/raw";
import { NO_TRAINING } from "../helpers/nodeServers";
import { WorkBench } from "../helpers/work";

const { chainId, escrow, nodeId } = JOB_OF_TESTS;

describe("A node's server", () => {
  it("takes clients by their own address behind a proxy, gives up an idle upload, and tells who follows an order that nothing is new, so that the connection is kept", async () => {
    await WorkBench.use("", async (bench) => {
      const { work, store, uploads, folder, orders } = bench;
      const end = new AbortController();
      const document = path.join(folder, "document.json");
      await writeFile(document, "{}");
      const server = await openNodeServer({
        ...{ nodeId, chainId, escrow, document, store, uploads, work, log: LOG, signal: end.signal },
        listen: { host: "127.0.0.1", port: 0, trustedProxies: ["127.0.0.0/8"] },
        age: await newAgeKey(),
        facts: {
          ...{ isKnown: true, order: (orderId) => orders.get(orderId) },
          ...{ attestedAt: () => false, isSignedByContract: async () => false },
        },
        training: NO_TRAINING,
        escrowDomain: escrowDomain(chainId, escrow),
        bundles: { maxBytes: 1_000, seconds: 60, idleSeconds: 1 },
      });
      const client = new HttpClient();
      try {
        bench.open(1n, `0x${"11".repeat(32)}`);
        await work.tick();
        const { port } = server.server.address() as AddressInfo;
        // two clients behind one proxy: the one that sends nothing more is given up
        const put = (client: string) =>
          `PUT /v1/orders/1/bundle HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-forwarded-for: ${client}\r\ncontent-type: a/b\r\ncontent-length: 9\r\n\r\n`;
        const slow = await open(port, `${put("198.51.100.1")}1234`);
        const dropped = untilClosed(slow);
        const answerTo = async (client: string) =>
          (await untilClosed(await open(port, `${put(client)}123456789`))).slice(9, 12);
        await bench.untilUpload(1n, true);
        expect(await answerTo("198.51.100.1")).to.equal("429");
        expect(await answerTo("198.51.100.2")).to.equal("422");
        expect(await dropped).to.equal("");
        await bench.untilUpload(1n, false);
        expect(await answerTo("198.51.100.1")).to.equal("422");

        const url = `http://127.0.0.1:${port}/v1/orders/1/progress`;
        const came: string[] = [];
        for await (const chunk of client.stream(url, { maxBytes: Infinity })) {
          came.push(chunk.toString());
          if (came.length === 2) break;
        }
        // no job was handed in that could say to whom the progress is encrypted
        expect(came[0]).to.match(/^data: \{.*"state": "waiting".*\}\n\n$/);
        expect(came[1]).to.equal(": nothing new\n\n");
      } finally {
        end.abort();
        client.close();
        await server.close();
      }
    });
  }).timeout(30_000);
});

/** A node or a signer that answers with texts by the path. */
async function withAnswers(answers: Record<string, string>, test: (url: string, client: HttpClient) => Promise<void>) {
  const server = createServer(({ url }, response) => {
    const answer = answers[url ?? ""];
    response.writeHead(answer === undefined ? 404 : 200).end(answer);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = new HttpClient();
  try {
    await test(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, client);
  } finally {
    client.close();
    server.close();
  }
}

const CIPHERTEXT = "ciphertext";
const HASH = `0x${createHash("sha256").update(CIPHERTEXT).digest("hex")}`;
const lineOf = (result: string) => EVIDENCE.encode({ counted: "seconds", amount: 5n, result });
const stateOf = (told: { evidence?: string; result?: string }) =>
  toJson({ state: "released", reason: "", heldSeconds: 5, images: 0, cumulativeTU: "1", ...told });

describe("NodeClient", () => {
  it("passes over comments while it follows the progress", async () => {
    const text = stateOf({ result: HASH }).replace(/\s*\n\s*/g, " ");
    await withAnswers({ "/v1/orders/5/progress": `: a\n\ndata: ${text}\n\n: b\n\n` }, async (url, client) => {
      const states: string[] = [];
      for await (const { state } of new NodeClient(client, url, 5n).progress("")) states.push(state);
      expect(states).to.deep.equal(["released"]);
    });
  });

  const cases: [string, { evidence?: string; result?: string }, boolean | undefined][] = [
    ["takes the result that the last reading names", { evidence: lineOf(HASH), result: HASH }, true],
    ["refuses another one", { evidence: lineOf(`0x${"11".repeat(32)}`), result: HASH }, undefined],
    [
      "takes what the node names if the order ended before a reading could",
      { evidence: lineOf(`0x${"00".repeat(32)}`), result: HASH },
      false,
    ],
    ["refuses what nobody names", {}, undefined],
  ];
  for (const [title, told, isNamed] of cases) {
    it(title, async () => {
      const answers = { "/v1/orders/5": stateOf(told), "/v1/orders/5/result": CIPHERTEXT };
      await withAnswers(answers, async (url, client) => {
        await inFolder(async (folder) => {
          let isNoted = false;
          const note = () => void (isNoted = true);
          const fetched = new NodeClient(client, url, 5n).result(path.join(folder, "result"), 100, note);
          if (isNamed === undefined) await expect(fetched).to.be.rejectedWith(WrongResultError);
          else expect(await fetched).to.equal(HASH);
          expect(isNoted).to.equal(isNamed === false);
        });
      });
    });
  }
});
