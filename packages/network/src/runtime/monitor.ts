import fastify, { type FastifyInstance } from "fastify";
import type { Registry } from "prom-client";

import type { ListenConfig } from "./config.js";
import type { Health } from "./health.js";

/** Serves what a role says about itself: `/health`, 200 or 503 and every part, and `/metrics` as Prometheus reads it. */
export async function openMonitor(listen: ListenConfig, health: Health, metrics: Registry): Promise<FastifyInstance> {
  const server = fastify();
  server.get("/health", (_, reply) =>
    reply.code(health.isOk ? 200 : 503).send({ ok: health.isOk, parts: health.parts }),
  );
  server.get("/metrics", async (_, reply) => reply.type(metrics.contentType).send(await metrics.metrics()));
  await server.listen(listen);
  return server;
}
