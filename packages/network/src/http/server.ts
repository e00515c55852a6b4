import { type IncomingMessage, STATUS_CODES } from "node:http";
import { BlockList, isIP, type Socket } from "node:net";

import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Logger } from "pino";

import { InvalidMessageError, type JsonFormat, MessageTooLargeError } from "@turingfog/sdk/wire";
import type { ListenConfig } from "../runtime/index.js";
import { senderOf } from "./budget.js";
import { RefusedError } from "./errors.js";

/** What a server takes before it refuses. */
export interface Limits {
  /** Milliseconds from the opening of a connection, or its last answer, to the end of a request's headers. */
  headers: number;
  /** Milliseconds from the beginning of a request to the end of its body. */
  body: number;
  connectionsPerAddress: number;
  /** Bytes of a body, unless a route has its own limit. */
  maxBytes: number;
  /** Objects and lists within each other in a body of JSON. */
  maxDepth: number;
}

export const LIMITS: Limits = {
  headers: 10_000,
  body: 30_000,
  connectionsPerAddress: 64,
  maxBytes: 262_144,
  maxDepth: 8,
};

export interface ServerOptions {
  listen: ListenConfig & { trustedProxies?: readonly string[] };
  log: Logger;
  limits?: Partial<Limits>;
}

/**
 * Opens a server that refuses before it works, and resolves once it listens. A body is a Buffer of the bytes as sent.
 * @param addRoutes adds what it serves
 */
export async function openServer(
  { listen: { trustedProxies = [], ...listen }, log, limits }: ServerOptions,
  addRoutes: (server: FastifyInstance) => void,
): Promise<FastifyInstance> {
  const { headers, body, connectionsPerAddress, maxBytes } = { ...LIMITS, ...limits };
  const isProxy = proxyCheck(trustedProxies);
  const server = fastify({
    trustProxy: isProxy,
    bodyLimit: maxBytes,
    requestTimeout: body,
    keepAliveTimeout: body,
    http: { headersTimeout: headers, connectionsCheckingInterval: Math.min(1_000, headers / 4) },
    forceCloseConnections: true,
    clientErrorHandler: (error, socket) => answerBroken(error, socket),
  });
  limitConnections(server, connectionsPerAddress, isProxy);
  limitRequests(server, connectionsPerAddress);
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", { parseAs: "buffer" }, (_, bytes, done) => done(null, bytes));
  server.addHook("onRequest", (request, _, done) => done(refusalOf(request)));
  server.setErrorHandler((error, request, reply) => {
    const { status, name, message } = errorOf(error);
    if (status >= 500) log.error({ path: request.routeOptions.url, reason: message }, "request failed");
    return sendError(reply, status, name, status === 500 ? "The server failed; its log says why" : message);
  });
  addRoutes(server);
  await server.listen(listen);
  return server;
}

/** Lets each address have so many connections at a time, and closes those above; a proxy's are many clients'. */
function limitConnections(server: FastifyInstance, most: number, isProxy: (address: string) => boolean): void {
  const open = new Open(most);
  server.server.on("connection", (socket: Socket) => {
    const { remoteAddress = "" } = socket;
    if (isProxy(remoteAddress)) return;
    if (!open.add(senderOf(remoteAddress), socket)) socket.destroy();
  });
}

/** Lets each client have so many requests at a time, also through a proxy. */
function limitRequests(server: FastifyInstance, most: number): void {
  const open = new Open(most);
  server.addHook("onRequest", async ({ ip }, { raw }) => {
    if (open.add(senderOf(ip), raw)) return;
    throw new RefusedError(429, "busy", `This address has ${most} requests under way already: try again later`);
  });
}

/** What is open of each sender, up to a number. */
class Open {
  private readonly counts = new Map<string, number>();

  constructor(private readonly most: number) {}

  /** Counts what belongs to a sender until it is closed; returns false if the sender has as many. */
  add(sender: string, what: { once(event: "close", listener: () => void): unknown }): boolean {
    const count = this.counts.get(sender) ?? 0;
    if (count >= this.most) return false;
    this.counts.set(sender, count + 1);
    what.once("close", () => {
      const left = (this.counts.get(sender) ?? 1) - 1;
      if (left === 0) this.counts.delete(sender);
      else this.counts.set(sender, left);
    });
    return true;
  }
}

/** Returns the address of a request's client, as the last proxy that is trusted tells it. */
export function clientOf(request: IncomingMessage, trustedProxies: readonly string[] = []): string {
  const isProxy = proxyCheck(trustedProxies);
  const hops = String(request.headers["x-forwarded-for"] ?? "").split(",");
  let address = request.socket.remoteAddress ?? "";
  for (let hop = hops.pop()?.trim(); hop !== undefined && hop !== "" && isProxy(address); hop = hops.pop()?.trim()) {
    address = hop;
  }
  return address;
}

function proxyCheck(networks: readonly string[]): (address: string) => boolean {
  const proxies = blockListOf(networks);
  return (address) => isIP(address) !== 0 && proxies.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const each of networks) {
    const [address, bits] = each.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

/** Returns why a request is refused before its body is read. */
function refusalOf({ headers, is404 }: FastifyRequest): RefusedError | undefined {
  if (is404) return new RefusedError(404, "not-found", "There is nothing at this address");
  const encoding = headers["content-encoding"];
  if (encoding === undefined || encoding === "identity") return undefined;
  return new RefusedError(415, "compressed-body", "Bodies are taken as they are, without a content-encoding");
}

/** Names of what fastify refuses by itself. */
const NAMES: Record<number, string> = { 400: "bad-request", 408: "too-slow", 413: "too-large", 415: "bad-media-type" };

function errorOf(error: unknown): { status: number; name: string; message: string } {
  if (error instanceof RefusedError) return { status: error.status, name: error.error, message: error.message };
  const { message, statusCode } = error as Error & { statusCode?: number };
  if (error instanceof InvalidMessageError) return { status: 400, name: "bad-message", message };
  if (error instanceof MessageTooLargeError) return { status: 413, name: "too-large", message };
  const status = statusCode ?? 500;
  return { status, name: NAMES[status] ?? (status < 500 ? "bad-request" : "failed"), message };
}

function sendError(reply: FastifyReply, status: number, error: string, message: string): FastifyReply {
  const { raw, method } = reply.request;
  // the rest of a body that was not read would come before the next request
  if (!raw.complete && method !== "GET") void reply.header("connection", "close");
  return reply.code(status).send({ error, message });
}

/** Milliseconds for which a connection is there for its last answer, though the other side does not close it. */
const LINGER = 1_000;

/** Answers what is no HTTP, or came too slowly, and closes the connection. */
function answerBroken(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable) return void socket.destroy();
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") closeWith(socket, 408, "too-slow", "The request came too slowly");
  else closeWith(socket, 400, "bad-request", "This is no request");
}

/** Answers a request that has no reply with an error, and closes its connection, whatever the other side does. */
export function closeWith(socket: Socket, status: number, error: string, message: string): void {
  const body = JSON.stringify({ error, message });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
  setTimeout(() => socket.destroy(), LINGER).unref();
}

/**
 * Reads a request's body by its format.
 * @throws RefusedError if objects and lists lie within each other too deeply
 * @throws InvalidMessageError, MessageTooLargeError
 */
export function readBody<T extends object>(format: JsonFormat<T>, { body }: { body: unknown }): T {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  checkDepth(bytes);
  return format.decode(bytes);
}

const [QUOTE, BACKSLASH] = Buffer.from('"\\');
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from("[]{}");

/**
 * Checks how deeply objects and lists lie within each other in JSON, before it is parsed.
 * @throws RefusedError
 */
export function checkDepth(json: Uint8Array, maxDepth = LIMITS.maxDepth): void {
  let depth = 0;
  for (let at = 0; at < json.length; ++at) {
    const byte = json[at];
    if (byte === QUOTE) {
      for (++at; at < json.length && json[at] !== QUOTE; ++at) if (json[at] === BACKSLASH) ++at;
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      if (++depth > maxDepth) {
        throw new RefusedError(400, "too-deep", `JSON may have ${maxDepth} objects and lists within each other`);
      }
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) --depth;
  }
}
