import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { encodeReceiptFile, type Receipt, receiptDataHash } from "@turingfog/sdk/wire";
import { id } from "ethers";

/** Serves receipt files, as a signer does. */
export class FileServer {
  /** Files by their SHA-256, and how often each was asked for. */
  readonly files = new Map<string, Uint8Array>();
  readonly asked: string[] = [];
  /** What it does instead of answering the question for a file. */
  readonly instead = new Map<string, (response: ServerResponse) => unknown>();
  /** The answer to the question for signers' documents. */
  documents?: string;

  private constructor(
    private readonly server: Server,
    readonly endpoint: string,
  ) {}

  static async open(): Promise<FileServer> {
    const server = createServer(({ url }, response) => {
      const name = String(url).split("/").at(-1) ?? "";
      const found = name === "signers" ? files.documents : files.files.get(name);
      if (name !== "signers") files.asked.push(name);
      const instead = files.instead.get(name);
      if (instead !== undefined) instead(response);
      else if (found === undefined)
        response.writeHead(404).end('{"error":"unknown-file","message":"There is no such file"}');
      else response.writeHead(200).end(found);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const files = new FileServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return files;
  }

  /** Publishes the file of receipts that were submitted. */
  async publish(receipts: readonly Receipt[]): Promise<string> {
    const file = encodeReceiptFile(receipts.map((receipt) => ({ ...receipt, meterLogHash: id("meter log") })));
    const dataHash = await receiptDataHash(file);
    this.files.set(dataHash, file);
    return dataHash;
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}
