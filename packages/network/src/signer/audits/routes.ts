import type { FastifyInstance, FastifyRequest } from "fastify";

import { CLAIM_ANSWERS, GRANT, MAX_POSTED, ROUND_CLAIMS, STOPPED_WORKERS } from "@turingfog/sdk/wire";
import { type Allowance, readBody, RefusedError, senderOf } from "../../http/index.js";
import { Senders } from "../senders.js";
import type { Claims } from "./claims.js";
import type { AuditedJobs } from "./jobs.js";

/**
 * Adds what workers of joint training post to and ask for, and what other signers pull from.
 * @param perSender what senders may send that is refused
 */
export function addAuditRoutes(
  server: FastifyInstance,
  claims: Claims,
  jobs: AuditedJobs,
  perSender?: Allowance,
): void {
  const senders = new Senders(perSender);
  const onRequest = async (request: FastifyRequest) => senders.check(request);

  server.post("/v1/claims", { onRequest }, async (request, reply) => {
    const sender = senderOf(request.ip);
    const given = await charged(senders, sender, async () => readBody(ROUND_CLAIMS, request).claims);
    const answers = await claims.take(given);
    senders.charge(sender, answers.filter(({ result }) => result !== "accepted" && result !== "known").length);
    return reply.type("application/json").send(CLAIM_ANSWERS.encode({ answers }));
  });

  server.get("/v1/claims", async ({ query }, reply) => {
    const { author = "", after = "0" } = query as { author?: string; after?: string };
    const [, orderId, nodeId] = /^(\d{1,78})-(\d{1,78})$/.exec(author) ?? [];
    if (orderId === undefined || !/^\d{1,10}$/.test(after)) {
      throw new RefusedError(400, "bad-request", "author must be ORDER-NODE, and after the number of a round");
    }
    const found = await claims.after({ orderId: BigInt(orderId), nodeId: BigInt(nodeId) }, BigInt(after), MAX_POSTED);
    if (found.length === 0) return reply.code(204).send();
    return reply.type("application/json").send(ROUND_CLAIMS.encode({ claims: found }));
  });

  server.get("/v1/orders/:orderId/stopped", async (request, reply) => {
    const stopped = await claims.lying(orderOf(request));
    return reply.type("application/json").send(STOPPED_WORKERS.encode({ stopped }));
  });

  server.put("/v1/orders/:orderId/grants", { onRequest }, async (request) => {
    await charged(senders, senderOf(request.ip), () => jobs.grant(orderOf(request), readBody(GRANT, request)));
    return { result: "taken" };
  });
}

/** Charges a sender for what is refused. */
async function charged<T>(senders: Senders, sender: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    senders.charge(sender, 1);
    throw error;
  }
}

function orderOf({ params }: FastifyRequest): bigint {
  const { orderId } = params as { orderId: string };
  if (/^\d{1,78}$/.test(orderId)) return BigInt(orderId);
  throw new RefusedError(404, "unknown-order", `No final block has order ${orderId.slice(0, 78)}`);
}
