import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What passes through a proxy. */
export interface Passing {
  request: string;
  /** Of the server behind it. */
  answer: () => Promise<string>;
}

/** Stands before a server that speaks HTTP, and decides on each answer. */
export class Proxy {
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** @param decide resolves to the answer; one that never resolves leaves the caller waiting */
  static async open(target: string, decide: (passing: Passing) => Promise<string>): Promise<Proxy> {
    const server = createServer((request, response) => {
      void (async () => {
        let body = "";
        for await (const part of request) body += String(part);
        const { method, url } = request;
        const passed = async () => {
          const init = method === "GET" ? {} : { body, headers: { "content-type": "application/json" } };
          return (await fetch(new URL(url ?? "/", target), { method, ...init })).text();
        };
        const text = await decide({ request: body, answer: passed });
        response.writeHead(200, { "content-type": "application/json" }).end(text);
      })().catch(() => response.destroy());
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Proxy(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), "close");
  }
}

/** Stands before a node, and lets nothing be known of the blocks after the last. */
export function openGate(node: string, last: number): Promise<Proxy> {
  return Proxy.open(node, ({ request, answer }) => (asksBeyond(request, last) ? never() : answer()));
}

/** Says whether a request asks for a block after the last that is given. */
function asksBeyond(request: string, last: number): boolean {
  const calls = [JSON.parse(request) as { method: string; params: unknown[] }].flat();
  return calls.some(({ method, params }) => method === "eth_getBlockByNumber" && Number(params[0]) > last);
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
