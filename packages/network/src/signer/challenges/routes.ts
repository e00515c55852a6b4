import {
  CHALLENGE_ANSWER,
  CHALLENGE_PROOF,
  CHALLENGE_ROWS,
  CHALLENGES,
  HEARTBEAT,
  HEARTBEAT_HEADER,
} from "@turingfog/sdk/wire";
import type { FastifyInstance, FastifyRequest } from "fastify";

import { type Allowance, readBody, RefusedError, senderOf } from "../../http/index.js";
import { Senders } from "../senders.js";
import type { ChallengeBoard } from "./board.js";

/**
 * Adds what nodes ask for and answer.
 * @param perSender what senders may send that is refused
 */
export function addChallengeRoutes(server: FastifyInstance, board: ChallengeBoard, perSender?: Allowance): void {
  const senders = new Senders(perSender);
  const onRequest = async (request: FastifyRequest) => senders.check(request);
  /** Charges the sender for what is refused; that this signer is busy is not the sender's fault. */
  const charged = async <T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> => {
    const sender = senderOf(request.ip);
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RefusedError && error.status === 503)) senders.charge(sender, 1);
      throw error;
    }
  };
  server.get<{ Querystring: { node?: string } }>("/v1/challenges", { onRequest }, async (request, reply) => {
    const { query, headers } = request;
    const text = headers[HEARTBEAT_HEADER.toLowerCase()];
    const challenges = await charged(request, async () => {
      if (typeof text !== "string") throw new RefusedError(401, "no-heartbeat", `${HEARTBEAT_HEADER} is missing`);
      const heartbeat = HEARTBEAT.decode(text);
      if (query.node !== String(heartbeat.nodeId)) throw new RefusedError(400, "other-node", "It is of another node");
      return board.open(heartbeat);
    });
    return reply.type("application/json").send(CHALLENGES.encode({ challenges }));
  });
  server.post<{ Params: { id: string } }>("/v1/challenges/:id", { onRequest }, async (request, reply) => {
    const rows = await charged(request, async () => {
      const answer = readBody(CHALLENGE_ANSWER, request);
      checkId(answer.challenge, request.params.id);
      return board.answer(answer);
    });
    return reply.type("application/json").send(CHALLENGE_ROWS.encode(rows));
  });
  server.post<{ Params: { id: string } }>("/v1/challenges/:id/rows", { onRequest }, async (request) => {
    await charged(request, async () => {
      const proof = readBody(CHALLENGE_PROOF, request);
      checkId(proof.challenge, request.params.id);
      await board.prove(proof);
    });
    return {};
  });
}

function checkId(given: string, named: string): void {
  if (given !== named)
    throw new RefusedError(400, "other-challenge", `The message is of ${given}, its address of ${named}`);
}
