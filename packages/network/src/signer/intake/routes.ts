import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Counter, type Registry } from "prom-client";

import {
  HEADS,
  MAX_HEADS,
  MAX_POSTED,
  NODE_DOCUMENTS,
  READING_RESULTS,
  type ReadingAnswer,
  type Reading,
  READINGS,
  type Signed,
} from "@turingfog/sdk/wire";
import type { ChainFacts } from "../../chain/index.js";
import { type Allowance, readBody, RefusedError, senderOf } from "../../http/index.js";
import type { Health } from "../../runtime/index.js";
import { isDiskFull } from "../../store/index.js";
import { Senders } from "../senders.js";
import type { Intake } from "./intake.js";
import type { NodeDocuments } from "./nodeDocuments.js";
import type { Author } from "./readingLog.js";

export interface IntakeRoutes {
  intake: Intake;
  facts: Pick<ChainFacts, "isKnown" | "openOrdersOf">;
  documents: Pick<NodeDocuments, "shown">;
  health: Health;
  metrics: Registry;
  /** What senders may send that is refused. */
  perSender?: Allowance;
}

const KIB = 1_024;

/** Adds what nodes post to and read, and what other signers pull from. */
export function addIntakeRoutes(server: FastifyInstance, routes: IntakeRoutes): void {
  const { intake, facts, documents } = routes;
  const senders = new Senders(routes.perSender);
  const count = countResults(routes.metrics);

  // before the body is read
  const onRequest = async (request: FastifyRequest) => {
    checkKnown(facts);
    senders.check(request);
  };
  server.post("/v1/readings", { onRequest }, async (request, reply) => {
    const sender = senderOf(request.ip);
    const readings = readingsOf(request, (cost) => senders.charge(sender, cost));
    const answers = await storing(routes.health, () => intake.take(readings));
    senders.charge(sender, answers.filter(({ result }) => result !== "accepted" && result !== "known").length);
    count(answers);
    return sendJson(reply, answersText(answers));
  });

  server.get("/v1/readings", async ({ query }, reply) => {
    const { author, after = "0" } = query as { author?: string; after?: string };
    const readings = await intake.log.after(authorOf(author), integer("after", after), MAX_POSTED);
    return readings.length === 0 ? reply.code(204).send() : sendJson(reply, READINGS.encode({ readings }));
  });

  server.get("/v1/nodes/:nodeId/head", async ({ params }, reply) => {
    checkKnown(facts);
    const nodeId = nodeOf(params);
    const orders = facts.openOrdersOf(nodeId);
    const last = await Promise.all(orders.map(({ orderId }) => intake.log.last({ orderId, nodeId })));
    const heads = last.filter((reading) => reading !== undefined).slice(0, MAX_HEADS);
    return sendJson(reply, HEADS.encode({ heads }));
  });

  server.get("/v1/nodes/:nodeId/documents", async ({ params }, reply) => {
    const shown = documents.shown(nodeOf(params));
    return sendJson(reply, NODE_DOCUMENTS.encode({ documents: shown }));
  });
}

function checkKnown({ isKnown }: { isKnown: boolean }): void {
  if (!isKnown) throw new RefusedError(503, "not-ready", "The chain was not read yet: try again later");
}

/** Reads the readings of a post; one that is no message costs its sender by its length. */
function readingsOf(request: FastifyRequest, charge: (cost: number) => void): Signed<Reading>[] {
  try {
    return readBody(READINGS, request).readings;
  } catch (error) {
    charge(1 + Math.ceil((request.body as Buffer).length / KIB));
    throw error;
  }
}

/** Reports whether the store takes what it is given; a full disk is nobody's fault who sends. */
async function storing<T>(health: Health, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    health.report("store", "ok");
    return result;
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    const reason = "The disk is full, so nothing more is stored: make room";
    health.report("store", "failed", reason);
    throw new RefusedError(503, "disk-full", "The signer's disk is full: nothing was stored, send it again later");
  }
}

function countResults(metrics: Registry): (answers: readonly ReadingAnswer[]) => void {
  const counter = new Counter({
    name: "turingfog_readings_total",
    help: "Readings that were posted, by the answer to them",
    labelNames: ["result"],
    registers: [metrics],
  });
  const children = new Map(READING_RESULTS.map((result) => [result, counter.labels(result)]));
  return (answers) => {
    for (const { result } of answers) children.get(result)?.inc();
  };
}

/** Writes answers as `READING_ANSWERS` does, which takes ten times as long. */
export function answersText(answers: readonly ReadingAnswer[]): string {
  const items = answers.map(({ result, next }) => `{"next":"${next}","result":"${result}"}`);
  return `{"answers":[${items.join(",")}],"format":"turingfog-reading-answers-v1"}`;
}

function sendJson(reply: FastifyReply, text: string): FastifyReply {
  return reply.header("content-type", "application/json").send(text);
}

const MAX_DIGITS = 78;

function integer(name: string, text: string | undefined): bigint {
  if (text !== undefined && text.length <= MAX_DIGITS && /^(0|[1-9][0-9]*)$/.test(text)) {
    const value = BigInt(text);
    if (value < 2n ** (name === "after" ? 63n : 256n)) return value;
  }
  throw new RefusedError(400, "bad-request", `${name} must be a decimal integer of its type`);
}

/** Reads an author as it stands in a query: the order's and the node's id, with a - between them. */
function authorOf(text: string | undefined): Author {
  const [orderId, nodeId, ...rest] = (text ?? "").split("-");
  if (rest.length > 0) throw new RefusedError(400, "bad-request", "author must be ORDER-NODE");
  return { orderId: integer("author's order", orderId), nodeId: integer("author's node", nodeId) };
}

function nodeOf(params: unknown): bigint {
  return integer("nodeId", (params as { nodeId: string }).nodeId);
}
