import { once } from "node:events";
import http, { type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";

import { ENVELOPE_HEADER, NODE_DOCUMENT } from "@turingfog/sdk/wire";
import {
  type Allowance,
  Budget,
  clientOf,
  closeWith,
  type Limits,
  openServer,
  RefusedError,
  senderOf,
} from "../http/index.js";
import { type ListenConfig, reasonOf, step } from "../runtime/index.js";
import { type RelayLimits, SHARES } from "./config.js";
import type { Members } from "./members.js";
import { TUNNEL, tunnelPath } from "./protocol.js";
import type { Tunnels } from "./tunnels.js";

/** Documents and connections of one address that are refused; it is not heard above. */
const REFUSED: Allowance = { burst: 64, perSecond: 2 };

/** Milliseconds without a byte after which the other side of an idle connection is asked whether it is there. */
const KEEP_ALIVE = 15_000;

const DAY = 86_400;

export const BODY_STEPS = ["relay.body.goes-on"] as const;

/** Headers that are of one connection alone. */
const OF_CONNECTION = [
  ...["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect"],
  ...["proxy-authenticate", "proxy-authorization", "proxy-connection"],
];

export interface RelayServerOptions {
  listen: ListenConfig & { trustedProxies?: readonly string[] };
  limits: RelayLimits;
  members: Members;
  tunnels: Tunnels;
  log: Logger;
  metrics: Registry;
  /** Those of connections and headers. */
  http?: Partial<Limits>;
}

/** Opens what nodes connect to, and renters and signers reach them at. */
export async function openRelayServer(options: RelayServerOptions): Promise<FastifyInstance> {
  const { listen, limits, log } = options;
  const body = limits.seconds * 1_000;
  return openServer({ listen, log, limits: { ...options.http, body } }, (server) => {
    const relay = new Relay(options);
    server.server.on("upgrade", (request: IncomingMessage, socket: Socket) => void relay.connect(request, socket));
    const documents = { bodyLimit: NODE_DOCUMENT.maxBytes };
    server.put("/nodes/:nodeId/document", documents, (request) => relay.introduce(request));
    void server.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser("*", (_, payload, done) => done(null, payload));
      for (const method of ["get", "post", "put"] as const) {
        scope[method]("/nodes/:nodeId/*", (request, reply) => relay.forward(request, reply));
      }
    });
  });
}

class Relay {
  private readonly refused = new Budget(REFUSED);
  /** Bytes to and from each node, and those of each sender to and from each node. */
  private readonly bytes: Budget;
  private readonly shares: Budget;
  /** Owners of nodes when they connected. */
  private readonly owners = new Map<bigint, string | undefined>();
  /** Requests under way, by node and sender. */
  private readonly underWay = new Map<string, number>();
  private readonly requests: Counter;
  private readonly carried: Counter;

  constructor(private readonly options: RelayServerOptions) {
    const { metrics, limits, tunnels } = options;
    const registers = [metrics];
    const daily = (bytes: number) => new Budget({ burst: bytes, perSecond: bytes / DAY });
    this.bytes = daily(limits.dailyBytes);
    this.shares = daily(limits.dailyBytes / SHARES);
    const requests = { name: "turingfog_relay_requests_total", help: "Requests to nodes, by outcome" };
    this.requests = new Counter({ ...requests, labelNames: ["outcome"], registers });
    const carried = { name: "turingfog_relay_bytes_total", help: "Bytes of bodies, to nodes and from them" };
    this.carried = new Counter({ ...carried, labelNames: ["direction"], registers });
    const nodes = { name: "turingfog_relay_nodes", help: "Nodes that are connected" };
    const collect = function (this: Gauge) {
      this.set(tunnels.count);
    };
    new Gauge({ ...nodes, registers, collect });
  }

  /** Takes a node's document. */
  async introduce(request: FastifyRequest): Promise<object> {
    const { members, tunnels } = this.options;
    const sender = senderOf(request.ip);
    this.checkSender(sender);
    try {
      const nodeId = nodeIdOf(request);
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      // who had the keys before may be the node no more
      if (await members.introduce(nodeId, body)) tunnels.drop(nodeId);
      return { result: "taken" };
    } catch (error) {
      this.refused.take(sender);
      throw error;
    }
  }

  /** Takes a connection of a node, or refuses it. */
  async connect(request: IncomingMessage, socket: Socket): Promise<void> {
    const { listen, members, tunnels, log } = this.options;
    const sender = senderOf(clientOf(request, listen.trustedProxies));
    socket.on("error", () => undefined);
    try {
      this.checkSender(sender);
      const [, id] = /^\/nodes\/(\d{1,78})$/.exec(request.url ?? "") ?? [];
      const envelope = request.headers[ENVELOPE_HEADER.toLowerCase()];
      if (id === undefined || request.headers.upgrade !== TUNNEL || typeof envelope !== "string") {
        throw new RefusedError(400, "bad-request", `Expected an upgrade to ${TUNNEL} with ${ENVELOPE_HEADER}`);
      }
      const nodeId = BigInt(id);
      await members.admit(nodeId, envelope);
      if (socket.destroyed) return;
      this.owners.set(nodeId, members.ownerOf(nodeId));
      tunnels.add(nodeId, socket, (each) => members.isAttested(each));
      socket.setTimeout(0).setNoDelay(true).setKeepAlive(true, KEEP_ALIVE);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${TUNNEL}\r\n\r\n`);
      tunnels.open(nodeId, socket);
    } catch (error) {
      this.refused.take(sender);
      if (!(error instanceof RefusedError)) log.error({ reason: reasonOf(error) }, "connection failed");
      refuseUpgrade(socket, error);
    }
  }

  /** Hands a request on to its node, and the answer back, piece by piece. */
  async forward(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { limits, members, tunnels } = this.options;
    const nodeId = nodeIdOf(request);
    // the connections are of the seller's key
    if (this.owners.has(nodeId) && members.ownerOf(nodeId) !== this.owners.get(nodeId)) tunnels.drop(nodeId);
    const key = keyOf(nodeId, request);
    const size = Number(request.headers["content-length"] ?? 0);
    if (size > limits.maxBytes) throw tooLarge(limits.maxBytes);
    const isLeft = this.bytes.has(String(nodeId), size) && this.shares.has(key, size);
    if (!isLeft) throw usedUp(nodeId);
    const count = this.underWay.get(key) ?? 0;
    if (count >= limits.requests) {
      throw new RefusedError(429, "busy", `This address has ${count} requests to node ${nodeId} under way already`);
    }
    this.underWay.set(key, count + 1);
    let outcome = "failed";
    try {
      const answer = await this.ask(nodeId, request, reply);
      outcome = "broken-off";
      await this.handBack(nodeId, answer, request, reply);
      outcome = "answered";
    } finally {
      this.requests.inc({ outcome });
      const left = (this.underWay.get(key) ?? 1) - 1;
      if (left === 0) this.underWay.delete(key);
      else this.underWay.set(key, left);
    }
  }

  /** Sends a request through a connection of its node, and resolves once the answer begins. */
  private async ask(nodeId: bigint, request: FastifyRequest, reply: FastifyReply): Promise<IncomingMessage> {
    const { raw, ip } = request;
    const { limits, tunnels } = this.options;
    const gone = new AbortController();
    if (reply.raw.destroyed) gone.abort();
    reply.raw.once("close", () => gone.abort());
    const socket = await tunnels.take(nodeId, senderOf(ip), gone.signal);
    const onward = http.request({
      createConnection: () => socket,
      method: raw.method,
      path: (raw.url ?? "").slice(tunnelPath(nodeId).length),
      headers: { ...endToEnd(raw.headers), host: `node-${nodeId}`, "x-forwarded-for": ip },
      signal: AbortSignal.timeout(limits.seconds * 1_000),
    });
    const slow = new RefusedError(504, "too-slow", `Nothing came for ${limits.idleSeconds} s`);
    onward.setTimeout(limits.idleSeconds * 1_000, () => onward.destroy(slow));
    gone.signal.addEventListener("abort", () => onward.destroy());
    const answered = once(onward, "response") as Promise<[IncomingMessage]>;
    // what breaks off later shows in the answer
    onward.on("error", () => undefined);
    const counted = this.count(nodeId, request, "to");
    counted.on("error", (error) => onward.destroy(error));
    raw.pipe(counted).pipe(onward);
    try {
      return (await answered)[0];
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      throw new RefusedError(502, "no-answer", "The node's connection broke off: try again");
    }
  }

  private async handBack(nodeId: bigint, answer: IncomingMessage, request: FastifyRequest, reply: FastifyReply) {
    reply.hijack();
    // the rest of a body that the node does not read would come before the next request
    const end = request.raw.complete ? {} : { connection: "close" };
    try {
      reply.raw.writeHead(answer.statusCode ?? 502, { ...endToEnd(answer.headers), ...end });
      // the first part of an answer may be long in coming
      reply.raw.flushHeaders();
      await pipeline(answer, this.count(nodeId, request, "from"), reply.raw);
    } catch (error) {
      reply.raw.destroy();
      throw error;
    } finally {
      answer.socket.destroy();
    }
  }

  /** Returns a stream that counts what goes through it, and ends with an error above a limit. */
  private count(nodeId: bigint, request: FastifyRequest, direction: "to" | "from"): Transform {
    const { maxBytes } = this.options.limits;
    const key = keyOf(nodeId, request);
    let size = 0;
    return new Transform({
      transform: (chunk: Buffer, _, done) => {
        if (size > 0) step("relay.body.goes-on");
        size += chunk.length;
        const isLeft = [this.bytes.take(String(nodeId), chunk.length), this.shares.take(key, chunk.length)];
        this.carried.inc({ direction }, chunk.length);
        if (size > maxBytes) done(tooLarge(maxBytes));
        else done(isLeft.includes(false) ? usedUp(nodeId) : null, chunk);
      },
    });
  }

  private checkSender(sender: string): void {
    if (this.refused.has(sender)) return;
    throw new RefusedError(429, "too-many-refused", "Too many requests of this address were refused: try again later");
  }
}

function nodeIdOf({ params }: FastifyRequest): bigint {
  const { nodeId } = params as { nodeId: string };
  if (/^\d{1,78}$/.test(nodeId)) return BigInt(nodeId);
  throw new RefusedError(404, "not-found", "A node's id is a number");
}

/** Returns what stands for a sender's requests to a node. */
function keyOf(nodeId: bigint, { ip }: FastifyRequest): string {
  return `${nodeId} ${senderOf(ip)}`;
}

function usedUp(nodeId: bigint): RefusedError {
  const reason = `Node ${nodeId}, or this address at it, has used the bytes of its day: try again later`;
  return new RefusedError(429, "used-up", reason);
}

function tooLarge(most: number): RefusedError {
  return new RefusedError(413, "too-large", `At most ${most} bytes are handed on`);
}

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  // a header that the connection's own names is of it too
  const named = String(headers.connection ?? "")
    .toLowerCase()
    .split(/\s*,\s*/);
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !OF_CONNECTION.includes(name) && !named.includes(name)),
  );
}

function refuseUpgrade(socket: Socket, error: unknown): void {
  if (error instanceof RefusedError) closeWith(socket, error.status, error.error, error.message);
  else closeWith(socket, 500, "failed", "The relay failed; its log says why");
}
