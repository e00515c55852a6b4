import { createServer, type Server } from "node:http";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import path from "node:path";

import type { ReceiptFiles } from "./scene";

const HOST = "127.0.0.1";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

/** Where the page is served: below a path, so that an address that is not relative is found. */
const BASE = "/turingfog/";

/** Serves the built page, as any host of files does. Resolves to the server and the page's address. */
export async function servePage(folder: string, port: number): Promise<[Server, string]> {
  const server = createServer((request, response) => {
    void (async () => {
      const { pathname } = new URL(request.url ?? "/", "http://page");
      const name = pathname.startsWith(BASE) ? pathname.slice(BASE.length) || "index.html" : "";
      const file = path.join(folder, path.normalize(`/${name}`));
      const type = TYPES[path.extname(file)];
      const content = name === "" || type === undefined ? undefined : await readFile(file).catch(() => undefined);
      if (content === undefined) return response.writeHead(404).end();
      response.writeHead(200, { "content-type": type, "x-content-type-options": "nosniff" }).end(content);
    })();
  });
  return [server, `${await listening(server, port)}${BASE}`];
}

/** Serves receipt files as signers do, to pages of other hosts too. */
export async function serveReceipts(files: ReceiptFiles): Promise<[Server, string]> {
  const server = createServer((request, response) => {
    const file = files.get(/^\/v1\/receipts\/(0x[\da-f]{64})$/.exec(request.url ?? "")?.[1] ?? "");
    response.writeHead(file === undefined ? 404 : 200, { "access-control-allow-origin": "*" }).end(file);
  });
  return [server, await listening(server, 0)];
}

async function listening(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, resolve);
  });
  return `http://${HOST}:${(server.address() as AddressInfo).port}`;
}
