import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { encodeReceiptFile, type MeteredReceipt, receiptDataHash } from "@turingfog/sdk/wire";

/** Somebody with the keys of a quorum, who publishes the files of what they sign. */
export class Thief {
  private readonly files = new Map<string, Uint8Array>();
  private readonly server: Server;

  private constructor() {
    this.server = createServer(({ url = "" }, response) => {
      const file = this.files.get(url.replace("/v1/receipts/", ""));
      if (file === undefined) response.writeHead(404).end('{"error":"unknown-file","message":"There is no such file"}');
      else response.writeHead(200).end(file);
    });
  }

  static async open(): Promise<Thief> {
    const thief = new Thief();
    await once(thief.server.listen(0, "127.0.0.1"), "listening");
    return thief;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async publish(receipts: MeteredReceipt[]): Promise<void> {
    const file = encodeReceiptFile(receipts);
    this.files.set(await receiptDataHash(file), file);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), "close");
  }
}
