import {
  CHALLENGE_ANSWER,
  CHALLENGE_PROOF,
  CHALLENGE_ROWS,
  CHALLENGES,
  HEARTBEAT,
  HEARTBEAT_HEADER,
} from "@turingfog/sdk/wire";
import type { FastifyInstance } from "fastify";

import { readBody, RefusedError } from "../../http/index.js";
import type { ChallengeBoard } from "./board.js";

/** Adds what nodes ask for and answer. */
export function addChallengeRoutes(server: FastifyInstance, board: ChallengeBoard): void {
  server.get<{ Querystring: { node?: string } }>("/v1/challenges", async ({ query, headers }, reply) => {
    const text = headers[HEARTBEAT_HEADER.toLowerCase()];
    if (typeof text !== "string") throw new RefusedError(401, "no-heartbeat", `${HEARTBEAT_HEADER} is missing`);
    const heartbeat = HEARTBEAT.decode(text);
    if (query.node !== String(heartbeat.nodeId)) throw new RefusedError(400, "other-node", "It is of another node");
    return reply.type("application/json").send(CHALLENGES.encode({ challenges: await board.open(heartbeat) }));
  });
  server.post<{ Params: { id: string } }>("/v1/challenges/:id", async (request, reply) => {
    const answer = readBody(CHALLENGE_ANSWER, request);
    checkId(answer.challenge, request.params.id);
    return reply.type("application/json").send(CHALLENGE_ROWS.encode(await board.answer(answer)));
  });
  server.post<{ Params: { id: string } }>("/v1/challenges/:id/rows", async (request) => {
    const proof = readBody(CHALLENGE_PROOF, request);
    checkId(proof.challenge, request.params.id);
    await board.prove(proof);
    return {};
  });
}

function checkId(given: string, named: string): void {
  if (given !== named)
    throw new RefusedError(400, "other-challenge", `The message is of ${given}, its address of ${named}`);
}
