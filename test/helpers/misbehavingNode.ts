import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { toQuantity } from "ethers";

/** A request to a node. */
export interface RpcRequest {
  method: string;
  params: unknown[];
}

/** What a node gives back, without its envelope. */
export interface RpcAnswer {
  result?: unknown;
  error?: { code: number; message: string; data?: unknown };
  /** How it is sent, if not as JSON-RPC is: by another status or with another body, never, or by cutting the connection. */
  http?: { status: number; body?: string } | "never" | "cut";
}

/** Carries out a request on a chain. */
export type Backend = (request: RpcRequest) => Promise<RpcAnswer>;

/** What a node does with a request: something of its own, or what the chain behind it does. */
export type Habit = (request: RpcRequest, backend: Backend) => Promise<RpcAnswer>;

interface LogFilter {
  fromBlock: string;
  toBlock: string;
}

function onLogs(answer: (filter: LogFilter, request: RpcRequest, backend: Backend) => Promise<RpcAnswer>): Habit {
  return async (request, backend) =>
    request.method === "eth_getLogs" ? answer(request.params[0] as LogFilter, request, backend) : backend(request);
}

function refusal(message: string, code = -32000): Promise<RpcAnswer> {
  return Promise.resolve({ error: { code, message } });
}

/** Habits that nodes have with logs. */
export const HABITS = {
  honest: (request, backend) => backend(request),

  /** Answers each question about logs with none, as a node does whose index was pruned (erigon#16042, reth#21122). */
  emptyLogs: onLogs(() => Promise.resolve({ result: [] })),

  /** Has neither logs nor code: another chain, or one that was started afresh. */
  emptied: (request, backend) => {
    if (request.method === "eth_getLogs") return Promise.resolve({ result: [] });
    if (request.method === "eth_getCode") return Promise.resolve({ result: "0x" });
    return backend(request);
  },

  /** Has no logs at all, whatever is asked. */
  noLogs: onLogs(() => refusal("the method eth_getLogs is not available", -32601)),
} as const satisfies Record<string, Habit>;

const MUST_AUTHENTICATE = { error: { code: -32000, message: "Must be authenticated!" } };

/** What nodes, and servers in front of them, give instead of an answer. */
export const FAULTS = {
  "a page of HTML": { http: { status: 200, body: "<html>Cloudflare</html>" } },
  "HTTP 503": { http: { status: 503, body: "Service Unavailable" } },
  "HTTP 429": { http: { status: 429 }, error: { code: 429, message: "Too Many Requests" } },
  "HTTP 401": { http: { status: 401 }, ...MUST_AUTHENTICATE },
  "HTTP 301": { http: { status: 301, body: "" } },
  "an error in HTTP 200": MUST_AUTHENTICATE,
  "an answer of null": { result: null },
  silence: { http: "never" },
  "a cut connection": { http: "cut" },
} as const satisfies Record<string, RpcAnswer>;

/** Answers so many questions honestly, and all others by a fault. */
export function failingAfter(honest: number, fault: RpcAnswer): Habit {
  const seen: RpcRequest[] = [];
  return async (request, backend) => (seen.push(request) <= honest ? backend(request) : fault);
}

/** Has not yet seen the last blocks of the chain. */
export function behindBy(count: number): Habit {
  return async ({ method, params }, backend) => {
    const { result } = await backend({ method: "eth_blockNumber", params: [] });
    const latest = toQuantity(Number(result) - count);
    if (method === "eth_blockNumber") return { result: latest };
    return backend({ method, params: params.map((each) => (each === "latest" ? latest : each)) });
  };
}

/** Refuses more blocks at once than a limit (infura#237, arbitrum-sdk#609). */
export function boundedTo(limit: number): Habit {
  return onLogs((filter, request, backend) => {
    const length = Number(filter.toBlock) - Number(filter.fromBlock) + 1;
    return length > limit ? refusal(`range of ${length} exceeds limit of ${limit}`, -32602) : backend(request);
  });
}

/** Refuses blocks before one, and says so. */
export function prunedBefore(block: number): Habit {
  return onLogs((filter, request, backend) =>
    Number(filter.fromBlock) < block ? refusal("history has been pruned for this block") : backend(request),
  );
}

/** Leaves out the logs before a block, and does not say so. */
export function silentBefore(block: number): Habit {
  return onLogs(async (filter, request, backend) => {
    if (Number(filter.toBlock) < block) return { result: [] };
    const fromBlock = toQuantity(Math.max(block, Number(filter.fromBlock)));
    return backend({ ...request, params: [{ ...filter, fromBlock }] });
  });
}

/** A node with a habit, in front of a chain. */
export class MisbehavingNode {
  /** Every request so far, with what it was answered. */
  readonly log: { request: RpcRequest; answer: RpcAnswer }[] = [];
  habit: Habit = HABITS.honest;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(backend: Backend): Promise<MisbehavingNode> {
    const server = createServer((message, response) => {
      answerTo(node, backend, message).then(
        ({ http, ...body }) => {
          if (http === "never") return;
          if (http === "cut") return void response.destroy();
          response.writeHead(http?.status ?? 200, { "content-type": "application/json" });
          response.end(http?.body ?? JSON.stringify(body));
        },
        () => response.destroy(),
      );
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const node = new MisbehavingNode(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return node;
  }

  /** The questions about logs, as first and last block, with whether they were refused. */
  get logRanges(): { from: number; to: number; isRefused: boolean }[] {
    const questions = this.log.filter(({ request }) => request.method === "eth_getLogs");
    return questions.map(({ request, answer }) => {
      const { fromBlock, toBlock } = request.params[0] as LogFilter;
      return { from: Number(fromBlock), to: Number(toBlock), isRefused: answer.error !== undefined };
    });
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}

async function answerTo({ habit, log }: MisbehavingNode, backend: Backend, message: IncomingMessage) {
  let body = "";
  for await (const chunk of message) body += String(chunk);
  const { id, ...request } = JSON.parse(body) as RpcRequest & { id: number };
  const answer = await habit(request, backend);
  log.push({ request, answer });
  return { jsonrpc: "2.0", id, ...answer };
}

/** A node of another process as a backend. */
export function nodeAt(url: string): Backend {
  return async (request) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, ...request });
    const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    const { result, error } = (await response.json()) as RpcAnswer;
    return error === undefined ? { result } : { error };
  };
}

/** The chain in this process as a backend. */
export function chainBehind(provider: { send(method: string, params: unknown[]): Promise<unknown> }): Backend {
  return ({ method, params }) =>
    provider.send(method, params).then(
      (result) => ({ result }),
      (error: { message: string; data?: unknown }) => ({
        error: { code: 3, message: error.message, data: error.data },
      }),
    );
}
