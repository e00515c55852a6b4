import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { network } from "hardhat";

interface Call {
  id: unknown;
  method: string;
  params?: unknown[];
}

/** Hardhat's chain of this process, served to others. */
export class RpcServer {
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async open(): Promise<RpcServer> {
    const server = createServer((request, response) => {
      void (async () => {
        let body = "";
        for await (const chunk of request) body += String(chunk);
        const calls = JSON.parse(body) as Call | Call[];
        const answer = Array.isArray(calls) ? await Promise.all(calls.map(answerTo)) : await answerTo(calls);
        response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
      })();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new RpcServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), "close");
  }
}

async function answerTo({ id, method, params }: Call): Promise<object> {
  try {
    return { jsonrpc: "2.0", id, result: (await network.provider.send(method, params)) as unknown };
  } catch (error) {
    const { code = -32_000, message, data } = error as { code?: number; message: string; data?: unknown };
    return { jsonrpc: "2.0", id, error: { code, message, data } };
  }
}
