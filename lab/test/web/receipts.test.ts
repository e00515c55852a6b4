import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

import { encodeReceiptFile, receiptDataHash, ReceiptTree } from "@turingfog/sdk/wire";
import { expect } from "chai";

import type * as Receipts from "../../../apps/web/src/receipts";
import { load } from "./built";

const receiptsOf = (orderId: bigint) => [
  { orderId, nodeId: 2n, cumulativeTU: 3n, measuredAt: 1_800_000_000n, meterLogHash: `0x${"ab".repeat(32)}` },
];
const FILE = encodeReceiptFile(receiptsOf(1n));
const OTHER = encodeReceiptFile(receiptsOf(2n));

const sends =
  (content: Uint8Array | string, status = 200): RequestListener =>
  (_, response) =>
    response.writeHead(status).end(content);
/** Sends the first bytes and then nothing. */
const stalls: RequestListener = (_, response) => response.writeHead(200).write(FILE.slice(0, 20));
const isMute: RequestListener = () => undefined;

/** Asks servers for the file, and stops them. */
async function ask(listeners: readonly RequestListener[], root?: string): Promise<number> {
  const { fetchReceipts } = await load<typeof Receipts>("receipts.ts");
  const servers = listeners.map((listener) => createServer(listener).listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const urls = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const expected = {
    root: root ?? (await ReceiptTree.of(receiptsOf(1n))).root,
    dataHash: await receiptDataHash(FILE),
  };
  try {
    return (await fetchReceipts(urls, expected, { wait: 500, rate: 12 })).length;
  } finally {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  }
}

/** Returns what the page would say. */
const refusalOf = (asked: Promise<number>): Promise<string> =>
  asked.then(
    () => "nothing",
    (error: Error) => error.message,
  );

describe("the page's download of a root's file", () => {
  for (const [what, listener] of [
    ["gives another file", sends(OTHER)],
    ["gives what is no file", sends("<html>")],
    ["has no file", sends("", 404)],
    ["sends nothing", isMute],
    ["stops in the middle", stalls],
  ] as const) {
    it(`finds the file at the next signer if one ${what}`, async () => {
      expect(await ask([listener, sends(FILE)])).to.equal(1);
    });
  }

  it("says what each signer did if none gives the file", async () => {
    expect(await refusalOf(ask([sends(OTHER), isMute, sends("", 404)]))).to.match(
      /No signer has given the file: .*: The file's hash is .*; .*: was too slow; .*: answered 404\. Ask a signer/,
    );
  });

  it("raises the alarm at once if the file that the oracle has taken makes another root", async () => {
    expect(await refusalOf(ask([sends(FILE), isMute], `0x${"11".repeat(32)}`))).to.match(/The file's root is/);
  });
});
