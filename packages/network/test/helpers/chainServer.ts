import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { network } from "hardhat";

interface Call {
  id: number;
  method: string;
  params?: unknown[];
}

/** Serves Hardhat's chain in this process to other processes, as a node of its own would. */
export class ChainServer {
  /** Methods that it refuses. */
  readonly refused = new Set<string>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async open(): Promise<ChainServer> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const given = JSON.parse(Buffer.concat(chunks).toString()) as Call | Call[];
        const asked = (call: Call) => (chain.refused.has(call.method) ? refusal(call) : answer(call));
        const answers = Array.isArray(given) ? Promise.all(given.map(asked)) : asked(given);
        void answers.then((body) => {
          response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
        });
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const chain = new ChainServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return chain;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}

async function answer({ id, method, params = [] }: Call): Promise<object> {
  try {
    const result: unknown = await network.provider.send(method, params);
    return { jsonrpc: "2.0", id, result };
  } catch (error) {
    const { message, code = -32_603, data } = error as Error & { code?: number; data?: unknown };
    return { jsonrpc: "2.0", id, error: { code: typeof code === "number" ? code : -32_603, message, data } };
  }
}

async function refusal({ id }: Call): Promise<object> {
  return { jsonrpc: "2.0", id, error: { code: -32_005, message: "limit exceeded" } };
}
