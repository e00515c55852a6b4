import { createReadStream } from "node:fs";

import type { TypedDataDomain } from "ethers";
import type { FastifyInstance, FastifyRequest } from "fastify";

import { TRAINING_STATE } from "@turingfog/sdk/wire";
import type { OrderFacts } from "../chain/index.js";
import { openEnvelope, RefusedError } from "../http/index.js";
import type { Clock } from "../runtime/index.js";
import type { JointRun } from "./jointRun.js";

export interface TrainingRoutes {
  /** Address of the node's meter key, which others' envelopes name. */
  meterKey: string;
  /** That of envelopes. */
  domain: TypedDataDomain;
  clock: Clock;
  /** Returns the keys of an order's workers and of the signers. */
  readers: (orderId: bigint) => Promise<Set<string>>;
  /** Returns the run of an order; undefined if it has none of the built-in trainer. */
  runOf: (orderId: bigint) => Promise<JointRun | undefined>;
  /** Returns the file of an order's bundle; undefined if it is not there. */
  bundleOf: (orderId: bigint) => string | undefined;
  /** Returns the order that a request names. @throws RefusedError */
  orderOf: (request: FastifyRequest) => OrderFacts;
}

/**
 * Adds what the other workers of a run and the signers ask for. Each request has an envelope by the meter key of a worker or by
 * the link key of a signer. Nonces are not kept: the requests change nothing.
 */
export function addTrainingRoutes(server: FastifyInstance, routes: TrainingRoutes): void {
  const { bundleOf } = routes;

  server.get("/v1/orders/:orderId/rounds", async (request, reply) => {
    const { run } = await open(routes, request);
    const { after = "0" } = request.query as { after?: string };
    if (!/^\d{1,10}$/.test(after)) throw new RefusedError(400, "bad-request", "after must be the number of a round");
    return reply.type("application/json").send(TRAINING_STATE.encode(run.stateAfter(BigInt(after))));
  });

  server.get("/v1/orders/:orderId/weights/:hash", async (request, reply) => {
    const { run } = await open(routes, request);
    const { hash } = request.params as { hash: string };
    if (!/^0x[0-9a-f]{64}$/.test(hash)) throw new RefusedError(400, "bad-request", "The hash must be 0x and 64 digits");
    if (!(await run.store.has(hash))) throw new RefusedError(404, "no-weights", `There are no weights ${hash}`);
    const file = createReadStream(run.store.fileOf(hash));
    return reply.type("application/octet-stream").header("content-length", String(run.bytes)).send(file);
  });

  server.get("/v1/orders/:orderId/bundle", async (request, reply) => {
    const { orderId } = await open(routes, request);
    const file = bundleOf(orderId);
    if (file === undefined) throw new RefusedError(404, "no-bundle", `The bundle of order ${orderId} is not there`);
    return reply.type("application/octet-stream").send(createReadStream(file));
  });
}

/** Returns the run that a request names, if who asks may read it. */
async function open(
  { meterKey, domain, clock, readers, runOf, orderOf }: TrainingRoutes,
  request: FastifyRequest,
): Promise<{ orderId: bigint; run: JointRun }> {
  const { orderId } = orderOf(request);
  const { key } = openEnvelope(request, domain, { receiver: meterKey, now: clock.now() });
  const run = await runOf(orderId);
  if (run === undefined) throw new RefusedError(404, "no-run", `Order ${orderId} trains nothing here`);
  if (key === undefined || !(await readers(orderId)).has(key)) {
    throw new RefusedError(
      403,
      "no-reader",
      `${key ?? "Nobody"} has signed it, who is no worker of the order and no signer`,
    );
  }
  return { orderId, run };
}
