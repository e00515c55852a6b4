import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { expect } from "chai";
import { build } from "esbuild";

import { encodeReceiptFile, receiptDataHash, RECEIPT_LEAF_ENCODING, ReceiptTree } from "@turingfog/sdk/wire";
import { CHROMIUM_MISSING, isChromiumRequired, launchChromium } from "./chromium";
import type { Findings } from "./receipts/page";
import { makeSample } from "./receipts/sample";

const RECEIPTS = 100_000;

/** Bundles the page as a web application is. */
async function bundlePage(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(__dirname, "receipts/page.ts")],
    bundle: true,
    write: false,
    platform: "browser",
    format: "iife",
    target: "es2022",
    logLevel: "error",
  });
  return outputFiles[0].text;
}

/** Serves documents on this machine alone, and resolves to the server and its address. */
async function serve(
  documents: Record<string, { type: string; body: string | Uint8Array }>,
): Promise<[Server, string]> {
  const server = createServer((request, response) => {
    const document = documents[request.url ?? ""];
    response.writeHead(document === undefined ? 404 : 200, { "content-type": document?.type ?? "text/plain" });
    response.end(document?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return [server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`];
}

/** Opens the page in Chromium and resolves to what it has found. */
async function findInChromium(file: Uint8Array): Promise<Findings> {
  const [server, url] = await serve({
    "/": { type: "text/html", body: '<!doctype html><title>Receipts</title><script src="/page.js"></script>' },
    "/page.js": { type: "text/javascript", body: await bundlePage() },
    "/receipts.json": { type: "application/json", body: file },
  });
  try {
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.goto(url);
      return await page.evaluate<Findings>(`checkReceipts(${RECEIPTS}, "/receipts.json")`);
    } finally {
      await browser.close();
    }
  } finally {
    server.close();
  }
}

describe("receipts in Chromium", () => {
  const title = "builds, reads and verifies a tree of 100,000 receipts, with the same root as here [slow]";

  if (!isChromiumRequired()) {
    it(`${title}: left out, as ${CHROMIUM_MISSING}`);
    return;
  }

  it(title, async () => {
    const file = encodeReceiptFile(makeSample(RECEIPTS));
    const { root } = await ReceiptTree.of(makeSample(RECEIPTS));

    const found = await findInChromium(file);

    expect(found.size).to.equal(RECEIPTS);
    expect(found.root).to.equal(root);
    expect(found.rootOfFile).to.equal(root);
    expect(found.dataHash).to.equal(await receiptDataHash(file));
    expect(found.proof.leaves).to.have.length(RECEIPTS / 500);
    expect(StandardMerkleTree.verifyMultiProof(root, [...RECEIPT_LEAF_ENCODING], found.proof)).to.equal(true);
  });
});
