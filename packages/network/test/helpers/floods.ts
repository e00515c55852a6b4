import http from "node:http";

import { type RawRequest, send } from "./raw";

/** Address of those who flood; the honest have 127.0.0.1. */
export const FLOOD = "127.0.0.66";

/** Sends requests from the flood's address as fast as they are answered, until it is told to stop. */
export function flood(port: number, request: () => Pick<RawRequest, "method" | "path" | "body">) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  const state = { isOver: false, answered: 0, refused: 0 };
  const one = async (): Promise<void> => {
    while (!state.isOver) {
      const answer = await send(port, { ...request(), from: FLOOD, agent }).catch(() => undefined);
      ++state.answered;
      if (answer?.status === 429) ++state.refused;
    }
  };
  const senders = Array.from({ length: 32 }, one);
  const stop = async () => {
    state.isOver = true;
    await Promise.all(senders);
    agent.destroy();
  };
  const answered = async (count: number) => {
    while (state.answered < count) await new Promise(setImmediate);
  };
  return { state, stop, answered };
}
