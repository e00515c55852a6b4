import { once } from "node:events";
import path from "node:path";
import { Worker } from "node:worker_threads";

import type { TypedDataDomain, Wallet } from "ethers";

import { type Challenge, CHALLENGE_ANSWER, CHALLENGE_PROOF, CHALLENGE_ROWS } from "@turingfog/sdk/wire";
import type { HttpClient } from "../http/index.js";
import { step } from "../runtime/index.js";
import type { Peer } from "./peers.js";

const WORKER = path.join(__dirname, "productWorker.js");

export const CHALLENGED_STEPS = ["node.challenge.before-answer", "node.challenge.answered"] as const;

/** What challenges are answered with. */
export interface Challenged {
  meter: Wallet;
  /** That of readings. */
  domain: TypedDataDomain;
  client: HttpClient;
  /** Does what takes the whole machine, when it is free. */
  compute: <T>(product: () => Promise<T>) => Promise<T>;
}

/**
 * Computes a challenge's product in a thread of its own, and answers it: the root first, then the rows that the signer
 * names.
 * @throws HttpError
 */
export async function answerChallenge(
  { endpoint }: Peer,
  challenge: Challenge,
  { meter, domain, client, compute }: Challenged,
): Promise<void> {
  const { worker, root } = await compute(async () => {
    const worker = new Worker(WORKER, { workerData: challenge });
    const [root] = (await once(worker, "message")) as [string];
    return { worker, root };
  });
  try {
    const url = `${endpoint}/v1/challenges/${challenge.id}`;
    step("node.challenge.before-answer");
    const answer = await CHALLENGE_ANSWER.sign(meter, domain, { challenge: challenge.id, root });
    const { rows } = CHALLENGE_ROWS.decode(await client.post(url, CHALLENGE_ANSWER.encode(answer)));
    worker.postMessage(rows);
    const [paths] = (await once(worker, "message")) as [string[][]];
    await client.post(`${url}/rows`, CHALLENGE_PROOF.encode({ challenge: challenge.id, paths }));
    step("node.challenge.answered");
  } finally {
    await worker.terminate();
  }
}
