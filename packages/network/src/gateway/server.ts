import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { z } from "zod";

import { toJson } from "@turingfog/sdk";
import { formatUnits, parseUnits } from "ethers";

import { type Allowance, Budget, checkDepth, openServer, RefusedError, senderOf } from "../http/index.js";
import { reasonOf } from "../runtime/index.js";
import { fromBlob, fromBytes } from "../store/index.js";
import { BadWebhookError, type Cards, productName } from "./cards.js";
import type { GatewayConfig } from "./config.js";
import { type Jobs, MOST_FILES, type ResultFile } from "./jobs.js";
import { currencyOf, formatMoney } from "./money.js";
import { askedBy, offerFields, offerPage } from "./offerPage.js";
import { PAGE_HEADERS, statusPage } from "./page.js";
import type { Asked, Quoting } from "./quoting.js";
import { isFormer, isOfOtherAsset, type Sessions } from "./sessions.js";
import type { SessionRow } from "./tables.js";

/** Quotes of one address, each of which asks the chain and a node. */
const QUOTES: Allowance = { burst: 30, perSecond: 0.2 };

/** Files of jobs that one address sends: all that one job may have, and then some. */
const UPLOADS: Allowance = { burst: MOST_FILES, perSecond: 1 };

/** Bytes of a webhook. */
const WEBHOOK = 1_048_576;

const MIB = 1_048_576;

/** Seconds that Stripe wants a session to be open at least, and some for the way there. */
const LEAST_OPEN = 1_830n;

const integer = (pattern: RegExp) => z.string().regex(pattern).transform(BigInt);

const asked = z
  .strictObject({
    node: integer(/^\d{1,78}$/),
    /** Whole TU, such as "0.5". */
    tu: z
      .string()
      .regex(/^\d{1,9}(\.\d{1,18})?$/)
      .transform((value) => parseUnits(value, 18)),
    hours: integer(/^[1-9]\d{0,4}$/),
    currency: z.string().regex(/^[a-z]{3}$/),
    runner: z.string().regex(/^[a-z0-9._-]{1,64}$/i),
    slots: z.record(z.string().max(64), z.string().max(9_999)).default({}),
    imagesPerTU: z
      .string()
      .regex(/^\d{1,18}$/)
      .default("0"),
    /** Of a joint order. */
    nodes: z
      .array(z.string().regex(/^[1-9]\d{0,77}$/))
      .max(32)
      .default([]),
  })
  .refine(({ tu }) => tu > 0n, { path: ["tu"], error: "must be above 0" })
  .refine(({ node, nodes }) => (node === 0n) === nodes.length > 0, {
    path: ["nodes"],
    error: "names the nodes of a joint order, whose node is 0, and nothing else",
  });

export interface GatewayServerOptions {
  config: GatewayConfig;
  cards: Cards;
  sessions: Sessions;
  quoting: Quoting;
  jobs: Jobs;
  log: Logger;
  /** Address of the payer. */
  payer: string;
  /** Unix seconds. */
  now: () => bigint;
}

/** Opens what customers and Stripe reach a gateway at. */
export function openGatewayServer(options: GatewayServerOptions): Promise<FastifyInstance> {
  const { listen, jobMiB } = options.config;
  const quotes = new Budget(QUOTES);
  const uploads = new Budget(UPLOADS);
  return openServer({ listen, log: options.log }, (server) => {
    const routes = new Routes(options);
    const limit = ({ ip }: FastifyRequest) => {
      if (quotes.take(senderOf(ip))) return;
      throw new RefusedError(429, "too-many-quotes", "This address has asked for many quotes: try again later");
    };
    server.post("/v1/quotes", (request, reply) => {
      limit(request);
      return routes.quote(request, reply);
    });
    server.get("/new", (request, reply) => routes.offer(request, reply));
    server.post("/new", (request, reply) => {
      limit(request);
      return routes.ask(request, reply);
    });
    server.post("/v1/sessions/:id/checkout", async (request, reply) =>
      json(reply, routes.document(await routes.checkout(request), [])),
    );
    server.get("/v1/sessions/:id", (request, reply) => routes.status(request, reply));
    server.get("/v1/sessions/:id/files/*", (request, reply) => routes.file(request, reply));
    server.get("/pay/:id", (request, reply) => routes.page(request, reply));
    server.post("/pay/:id", async (request, reply) => {
      const { id } = await routes.checkout(request);
      return reply.redirect(`/pay/${id}`, 303);
    });
    server.post("/v1/stripe", { bodyLimit: WEBHOOK }, (request) => routes.webhook(request));
    void server.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser("*", (_, body, done) => done(null, body));
      scope.put("/v1/sessions/:id/input/*", { bodyLimit: jobMiB * MIB }, (request, reply) => {
        if (uploads.take(senderOf(request.ip))) return routes.upload(request, reply);
        throw new RefusedError(429, "too-many-files", "This address has sent many files: try again later");
      });
    });
  });
}

class Routes {
  /** Those that are being accepted, by their id: twice at once is once. */
  private readonly accepting = new Map<string, Promise<SessionRow>>();

  constructor(private readonly options: GatewayServerOptions) {}

  async quote(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const row = await this.options.quoting.quote(readAsked(request.body));
    return json(reply.code(201), this.document(row, []));
  }

  /** Shows the form by which a customer asks for a quote, filled in by the link that led to it. */
  async offer({ query }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const given = new URLSearchParams(query as Record<string, string>);
    return this.show(reply, offerPage(offerFields(given), Object.keys(this.options.config.currencies), ""));
  }

  /** Makes a quote of a form that was filled in, and leads to its page. */
  async ask({ body }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const given = new URLSearchParams(Buffer.isBuffer(body) ? body.toString() : "");
    const fields = offerFields(given);
    try {
      const { id } = await this.options.quoting.quote(checkAsked(askedBy(fields)));
      return reply.redirect(`/pay/${id}`, 303);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      const page = offerPage(fields, Object.keys(this.options.config.currencies), error.message);
      return this.show(reply.code(error.status), page);
    }
  }

  /** Accepts a quote, and opens its checkout session; one that has one already stays as it is. */
  async checkout(request: FastifyRequest): Promise<SessionRow> {
    const row = await this.rowOf(request);
    if (row.state !== "quoted") return row;
    const { config, now, payer } = this.options;
    if (now() >= row.quote_expires_at || isFormer(row, payer) || isOfOtherAsset(row, config.asset)) {
      throw new RefusedError(410, "expired", "The quote has expired: ask for another");
    }
    const known = this.accepting.get(row.id);
    if (known !== undefined) return known;
    const accepted = this.accept(row).finally(() => this.accepting.delete(row.id));
    this.accepting.set(row.id, accepted);
    return accepted;
  }

  private async accept(row: SessionRow): Promise<SessionRow> {
    const { cards, config, jobs, log, now, quoting, sessions } = this.options;
    const until = row.checkout_expires_at;
    await quoting.checkFunds(fromBlob(row.deposit));
    await jobs.prepare(row, await quoting.reach(row));
    // one that could not be asked for in time is asked for anew: the address of the other was shown to nobody
    const isFresh = until !== null && until - now() >= LEAST_OPEN;
    const expires = { checkout_expires_at: now() + BigInt(config.checkoutSeconds) };
    const accepted = isFresh ? row : await sessions.change("accept", row, expires);
    const name = productName(formatUnits(fromBlob(row.tu_amount), 18), row);
    const opened = await cards.openCheckout(accepted, name).catch((error: unknown) => {
      log.error({ reason: reasonOf(error) }, "no checkout session");
      throw asRefused(error);
    });
    return sessions.change("checkout", accepted, { state: "checkout", ...opened });
  }

  async status(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const row = await this.rowOf(request);
    return json(reply, this.document(row, await this.filesOf(row)));
  }

  async page(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const row = await this.rowOf(request);
    return this.show(reply, statusPage({ row, files: await this.filesOf(row), now: this.options.now() }));
  }

  private show(reply: FastifyReply, page: string): FastifyReply {
    return reply.headers(PAGE_HEADERS).type("text/html; charset=utf-8").send(page);
  }

  async file(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const row = await this.rowOf(request);
    const stream = isWithheld(row) ? undefined : await this.options.jobs.open(row, wildcardOf(request));
    if (stream === undefined) throw new RefusedError(404, "no-file", "The result has no such file");
    return reply
      .headers({ ...PAGE_HEADERS, "content-security-policy": "sandbox", "content-disposition": "attachment" })
      .type("application/octet-stream")
      .send(stream);
  }

  async upload(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const row = await this.rowOf(request);
    await this.options.jobs.upload(row, wildcardOf(request), request.body as AsyncIterable<Uint8Array>);
    return reply.code(201).send({ result: "taken" });
  }

  /** Takes a webhook: it is durable before Stripe hears that it was taken. */
  async webhook({ body, headers }: FastifyRequest): Promise<object> {
    const { cards, sessions, log } = this.options;
    const signature = headers["stripe-signature"];
    try {
      const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
      const event = cards.webhook(bytes, typeof signature === "string" ? signature : undefined);
      if (event !== undefined) await sessions.take(event);
      return { received: true };
    } catch (error) {
      if (!(error instanceof BadWebhookError)) throw error;
      log.warn(error.message);
      throw new RefusedError(400, "bad-webhook", error.message);
    }
  }

  /** What programs are told of a session: amounts of the card in minor units, those of the asset in base units. */
  document(row: SessionRow, files: readonly object[]): object {
    const { endpoint } = this.options.config;
    const { id, state, currency, price, refund_fee: refundFee, margin, rate, url, due, refunded, reason } = row;
    const orderId = row.order_id === null ? undefined : fromBlob(row.order_id);
    return {
      ...{ id, state, currency, decimals: currencyOf(currency).decimals, price, shown: formatMoney(price, currency) },
      ...{ refundFee, marginBasisPoints: margin, rate, asset: fromBytes(row.asset), deposit: fromBlob(row.deposit) },
      ...{ nodeId: fromBlob(row.node_id), tuAmount: fromBlob(row.tu_amount), unitPrice: fromBlob(row.unit_price) },
      ...{ quoteExpiresAt: row.quote_expires_at, checkout: url ?? undefined, page: `${endpoint}/pay/${id}` },
      paidCurrency: row.paid_currency ?? undefined,
      ...{ orderId, due: due ?? undefined, refunded: refunded ?? undefined, reason, files },
    };
  }

  private async filesOf(row: SessionRow): Promise<ResultFile[]> {
    return isWithheld(row) ? [] : this.options.jobs.files(row);
  }

  private async rowOf({ params }: FastifyRequest): Promise<SessionRow> {
    const { id } = params as { id: string };
    const row = /^[A-Za-z0-9_-]{32}$/.test(id) ? await this.options.sessions.byId(id) : undefined;
    if (row === undefined) throw new RefusedError(404, "unknown-session", "There is no such session");
    return row;
  }
}

/** Whether a result is kept from a customer who takes their payment back. */
function isWithheld({ dispute }: SessionRow): boolean {
  return dispute === "open" || dispute === "lost";
}

/** @throws RefusedError that names the first wrong field */
function readAsked(body: unknown): Asked {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  checkDepth(bytes);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    throw new RefusedError(400, "bad-quote", "The body is no JSON");
  }
  return checkAsked(value);
}

/** @throws RefusedError that names the first wrong field */
function checkAsked(value: unknown): Asked {
  const { data, error } = asked.safeParse(value);
  if (data === undefined) {
    const [issue] = error.issues;
    throw new RefusedError(400, "bad-quote", `${issue.path.map(String).join(".")}: ${issue.message}`);
  }
  const { node, tu, hours, currency, runner, slots, imagesPerTU, nodes } = data;
  const job = { runner, slots, imagesPerTU, nodes: node === 0n ? nodes : [String(node)] };
  return { nodeId: node, tuAmount: tu, hours, currency, job };
}

/** Returns an error that does not repeat to customers what Stripe has to say about the gateway. */
function asRefused(error: unknown): unknown {
  if (!String((error as { type?: unknown }).type).startsWith("Stripe")) return error;
  return new RefusedError(502, "no-checkout", "Stripe opens no checkout session at present: try again later");
}

function wildcardOf({ params }: FastifyRequest): string {
  return (params as { "*": string })["*"];
}

function json(reply: FastifyReply, document: object): FastifyReply {
  return reply.type("application/json").header("cache-control", "no-store").send(toJson(document));
}
