import { once, setMaxListeners } from "node:events";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type TypedDataDomain, ZeroAddress } from "ethers";
import type { Logger } from "pino";

import { toJson } from "@turingfog/sdk";
import { ACKNOWLEDGEMENT, type Acknowledgement, GRANT, type Job, jobDomain } from "@turingfog/sdk/wire";
import { type ChainFacts, mayWorkOn, type OrderFacts } from "../chain/index.js";
import {
  type Allowance,
  Budget,
  type Limits,
  LIMITS,
  openServer,
  readBody,
  RefusedError,
  senderOf,
} from "../http/index.js";
import { checkGrant, encryptText, GrantRefusedError, openGrant, UndecipherableError } from "../job/index.js";
import type { ListenConfig } from "../runtime/index.js";
import { addTrainingRoutes, type TrainingRoutes } from "../joint/routes.js";
import type { NodeStore } from "./nodeStore.js";
import { isAcknowledgedBy } from "./settling.js";
import type { Uploads } from "./uploads.js";
import type { Work } from "./work.js";

/** The most listeners to the progress of one order. */
const MAX_LISTENERS = 16;
/** Requests of one address that are refused after some work; it is not heard above. */
const REFUSED: Allowance = { burst: 64, perSecond: 2 };
/** Milliseconds between two looks at an order's progress. */
const PROGRESS = 1_000;
/** Milliseconds without an event after which a comment is sent. */
const KEEP_ALIVE = 4_000;

export interface NodeServerOptions {
  listen: ListenConfig & { trustedProxies?: readonly string[] };
  log: Logger;
  nodeId: bigint;
  chainId: bigint;
  escrow: string;
  /** The age identity that jobs are granted to, and its recipient. */
  age: { identity: string; recipient: string };
  /** File of the node's signed document. */
  document: string;
  facts: Pick<ChainFacts, "attestedAt" | "isKnown" | "isSignedByContract" | "order">;
  /** The escrow's. */
  escrowDomain: TypedDataDomain;
  store: NodeStore;
  uploads: Uploads;
  work: Work;
  bundles: { maxBytes: number; seconds: number; idleSeconds: number };
  /** What the workers of joint training ask each other for. */
  training: Omit<TrainingRoutes, "bundleOf" | "orderOf">;
  /** Those of all requests but bundles. */
  limits?: Partial<Limits>;
  signal: AbortSignal;
}

/** Opens what renters and signers reach a node at. */
export async function openNodeServer(options: NodeServerOptions): Promise<FastifyInstance> {
  const { listen, log, bundles, signal } = options;
  // each listener to a progress waits for it
  setMaxListeners(Infinity, signal);
  // bundles take longer than all else, for which each request has a timer of its own
  const limits = { ...options.limits, body: bundles.seconds * 1_000 };
  return openServer({ listen, log, limits }, (server) => {
    const routes = new Routes(options);
    limitRefused(server, new Budget(REFUSED));
    server.get("/v1/document", async (_, reply) =>
      reply.type("application/json").send(await readFile(options.document)),
    );
    void server.register(async (scope) => {
      scope.addHook("onRequest", limitTime(options.limits?.body ?? LIMITS.body));
      scope.put("/v1/orders/:orderId/grants", (request) => routes.grant(request));
      scope.put("/v1/orders/:orderId/acknowledgements", (request) => routes.acknowledge(request));
      scope.get("/v1/orders/:orderId", (request, reply) => routes.state(request, reply));
      scope.get("/v1/orders/:orderId/progress", (request, reply) => routes.progress(request, reply));
      scope.get("/v1/orders/:orderId/result", (request, reply) => routes.result(request, reply));
      const bundleOf = (orderId: bigint) => options.uploads.bundleOf(orderId);
      addTrainingRoutes(scope, { ...options.training, bundleOf, orderOf: (request) => routes.orderOf(request) });
    });
    void server.register(async (scope) => {
      scope.addHook("onRequest", async ({ raw }) => limitIdle(raw, bundles.idleSeconds * 1_000));
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser("*", (_, body, done) => done(null, body));
      const settings = { bodyLimit: bundles.maxBytes };
      scope.put("/v1/orders/:orderId/bundle", settings, (request, reply) => routes.bundle(request, reply));
    });
  });
}

class Routes {
  private readonly listeners = new Map<bigint, number>();

  constructor(private readonly options: NodeServerOptions) {}

  async bundle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { orderId, jobHash } = await this.openOrder(request);
    const length = request.headers["content-length"];
    const taken = await this.options.uploads.receive({
      orderId,
      jobHash,
      sender: senderOf(request.ip),
      length: length === undefined ? undefined : Number(length),
      body: request.body as AsyncIterable<Uint8Array>,
    });
    // what is not read of a request would be read as the next one
    if (taken === "known") void reply.header("connection", "close");
    return reply.code(taken === "taken" ? 201 : 200).send({ result: taken });
  }

  async grant(request: FastifyRequest): Promise<object> {
    const order = await this.openOrder(request);
    const { age, chainId, escrow, facts, store } = this.options;
    const grant = readBody(GRANT, request);
    if (grant.orderId !== order.orderId)
      throw new RefusedError(422, "other-order", `The grant is of order ${grant.orderId}`);
    try {
      await checkGrant(grant, jobDomain(chainId, escrow), {
        reader: age.recipient,
        holder: order.holder,
        isSignedByContract: (...signed) => facts.isSignedByContract(...signed),
      });
      await store.change(order.orderId, { identity: await openGrant(grant, age.identity) });
    } catch (error) {
      const isBad = error instanceof GrantRefusedError || error instanceof UndecipherableError;
      throw isBad ? new RefusedError(422, "bad-grant", error.message) : error;
    }
    return { result: "taken" };
  }

  async acknowledge(request: FastifyRequest): Promise<object> {
    const { orderId, nodeId, refundTo, holder, tuAmount } = this.orderOf(request);
    if (nodeId === 0n) throw new RefusedError(409, "joint-order", "A joint order is paid by receipts alone");
    const acknowledgement = readBody(ACKNOWLEDGEMENT, request);
    const by = refundTo === ZeroAddress ? holder : refundTo;
    const counts = (each: Acknowledgement) => isAcknowledgedBy(by, each, this.options.escrowDomain);
    const isOfOrder = acknowledgement.orderId === orderId && acknowledgement.cumulativeTU <= tuAmount;
    if (!isOfOrder || !counts(acknowledgement)) {
      throw new RefusedError(
        422,
        "bad-acknowledgement",
        `Expected one of order ${orderId}, of at most ${tuAmount}, by ${by}`,
      );
    }
    await this.options.store.acknowledge(acknowledgement, counts);
    return { result: "taken" };
  }

  async state(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const state = await this.options.work.state(this.orderOf(request).orderId);
    return reply.type("application/json").send(toJson(state));
  }

  /** Sends what changes of an order's state, and its last line, as server-sent events until the run is over. */
  async progress(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { work, signal } = this.options;
    const { orderId } = this.orderOf(request);
    const count = this.listeners.get(orderId) ?? 0;
    if (count >= MAX_LISTENERS) throw new RefusedError(429, "busy", `Order ${orderId} has ${count} listeners already`);
    const files = work.filesOf(orderId);
    let job = await files.job();
    this.listeners.set(orderId, count + 1);
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    try {
      let [before, writtenAt] = ["", performance.now()];
      const write = async (event: string) => {
        writtenAt = performance.now();
        // who reads more slowly than that is written to later
        if (!raw.write(event)) await Promise.race([once(raw, "drain", { signal }), once(raw, "close", { signal })]);
      };
      for (let isOver = false; !isOver && !signal.aborted && !raw.destroyed;) {
        const state = await work.state(orderId);
        isOver = ["refused", "released"].includes(state.state);
        job ??= await files.job();
        // without a job there is no line, and anybody may ask for the state
        const line = job && (await files.lastLine());
        const text = toJson({ ...state, line }).replace(/\s*\n\s*/g, " ");
        if (text !== before) await write(`data: ${await eventData(text, job)}\n\n`);
        // readers give up a connection on which nothing comes
        else if (performance.now() - writtenAt >= KEEP_ALIVE) await write(": nothing new\n\n");
        before = text;
        if (!isOver) await sleep(PROGRESS, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      raw.end();
      this.listeners.set(orderId, (this.listeners.get(orderId) ?? 1) - 1);
    }
  }

  async result(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { work } = this.options;
    const { orderId } = this.orderOf(request);
    if (!(await work.isReleased(orderId)))
      throw new RefusedError(404, "no-result", `Order ${orderId} has no result yet`);
    return reply.type("application/octet-stream").send(createReadStream(work.filesOf(orderId).result));
  }

  /** Returns the order of this node that a request names. */
  orderOf({ params }: FastifyRequest): OrderFacts {
    const { facts, nodeId } = this.options;
    const { orderId } = params as { orderId: string };
    const order = /^\d{1,78}$/.test(orderId) && facts.isKnown ? facts.order(BigInt(orderId)) : undefined;
    if (order !== undefined && mayWorkOn(facts, nodeId, order)) return order;
    throw new RefusedError(404, "unknown-order", `No final block has order ${orderId.slice(0, 78)} on node ${nodeId}`);
  }

  /** Returns the order that a request names, if it is open and the node has taken it on. */
  private async openOrder(request: FastifyRequest): Promise<OrderFacts> {
    const order = this.orderOf(request);
    if (order.closed) throw new RefusedError(409, "closed-order", `Order ${order.orderId} is closed`);
    const kept = await this.options.store.order(order.orderId);
    if (kept === undefined) throw new RefusedError(404, "unknown-order", `Order ${order.orderId} is not taken on yet`);
    if (kept.refusal !== "") throw new RefusedError(409, "refused-order", kept.refusal);
    return order;
  }
}

/** Ends a request of which nothing comes for so many milliseconds. */
function limitIdle(request: IncomingMessage, idle: number): void {
  const { socket } = request;
  const end = () => request.destroy();
  socket.setTimeout(idle).once("timeout", end);
  request.once("close", () => socket.off("timeout", end));
}

/** Refuses, before they are read, the requests of addresses of which too many were refused. */
function limitRefused(server: FastifyInstance, senders: Budget): void {
  server.addHook("onRequest", async ({ ip }) => {
    if (senders.has(senderOf(ip))) return;
    throw new RefusedError(429, "too-many-refused", "Too many requests of this address were refused: try again later");
  });
  server.addHook("onError", async ({ ip }) => {
    if (senders.has(senderOf(ip))) senders.take(senderOf(ip));
  });
}

/** Refuses a request that does not come in time. */
function limitTime(milliseconds: number) {
  return async ({ raw, method }: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (method !== "PUT") return;
    const refuse = () => void reply.send(new RefusedError(408, "too-slow", "The request came too slowly"));
    const late = setTimeout(refuse, milliseconds).unref();
    raw.once("end", () => clearTimeout(late)).once("close", () => clearTimeout(late));
  };
}

/** Returns what an event tells of an order: a text, encrypted to the renter alone if the job asks for that. */
async function eventData(text: string, job: Job | undefined): Promise<string> {
  if (job?.progress !== "encrypted") return text;
  return Buffer.from(await encryptText(job.resultTo, text)).toString("base64");
}
