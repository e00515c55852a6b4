import type { Socket } from "node:net";

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
  listen: ListenConfig;
  log: Logger;
  limits?: Partial<Limits>;
}

/**
 * Opens a server that refuses before it works, and resolves once it listens. A body is a Buffer of the bytes as sent.
 * @param addRoutes adds what it serves
 */
export async function openServer(
  { listen, log, limits }: ServerOptions,
  addRoutes: (server: FastifyInstance) => void,
): Promise<FastifyInstance> {
  const { headers, body, connectionsPerAddress, maxBytes } = { ...LIMITS, ...limits };
  const server = fastify({
    bodyLimit: maxBytes,
    requestTimeout: body,
    keepAliveTimeout: body,
    http: { headersTimeout: headers, connectionsCheckingInterval: Math.min(1_000, headers / 4) },
    forceCloseConnections: true,
    clientErrorHandler: (error, socket) => answerBroken(error, socket),
  });
  limitConnections(server, connectionsPerAddress);
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

/** Lets each address have so many connections at a time, and closes those above. */
function limitConnections(server: FastifyInstance, most: number): void {
  const open = new Map<string, number>();
  server.server.on("connection", (socket: Socket) => {
    const address = senderOf(socket.remoteAddress);
    const count = (open.get(address) ?? 0) + 1;
    if (count > most) return void socket.destroy();
    open.set(address, count);
    socket.once("close", () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
  });
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
  const isSlow = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  const [status, name] = isSlow ? ["408 Request Timeout", "too-slow"] : ["400 Bad Request", "bad-request"];
  const body = JSON.stringify({ error: name, message: isSlow ? "The request came too slowly" : "This is no request" });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
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
