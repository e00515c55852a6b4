import { TuringFogError } from "@turingfog/sdk";
import { CLAIM_ANSWERS, type ClaimResult, ROUND_CLAIMS } from "@turingfog/sdk/wire";

import type { HttpClient } from "../http/index.js";
import type { Peer } from "../node/peers.js";
import { step } from "../runtime/index.js";
import type { JointRun } from "./jointRun.js";

/** Claims in one post. */
const POSTED = 64;

/** Answers to a claim that need no other one: the signer has it, or will never need it. */
const SETTLED: readonly ClaimResult[] = ["accepted", "known", "closed-order", "stopped-node"];

export const CLAIM_POSTER_STEPS = ["training.claims.before-post", "training.claims.posted"] as const;

/** Thrown when a signer does not take a claim. */
export class ClaimRefusedError extends TuringFogError {
  constructor(signer: string, orderId: bigint, round: bigint, result: ClaimResult) {
    super(`Signer ${signer} refuses the claim of round ${round} of order ${orderId}: ${result}`);
  }
}

export interface ClaimPosterOptions {
  client: HttpClient;
  /** Returns the orders that are not closed. */
  orders: () => Promise<bigint[]>;
  /** Returns the run of an order; undefined if it has none of the built-in trainer. */
  runOf: (orderId: bigint) => Promise<JointRun | undefined>;
}

/** Hands a node's claims to the signers, to each until it has them; after a restart, all again. */
export class ClaimPoster {
  /** The last round of an order that a signer has. */
  private readonly reached = new Map<string, bigint>();

  constructor(private readonly options: ClaimPosterOptions) {}

  /** @throws HttpError, ClaimRefusedError */
  async deliver({ signer, endpoint }: Peer): Promise<void> {
    const { orders, runOf, client } = this.options;
    for (const orderId of await orders()) {
      const run = await runOf(orderId);
      const key = `${signer} ${orderId}`;
      for (;;) {
        const after = this.reached.get(key) ?? 0n;
        const claims = (run?.book.claims ?? []).filter(({ round }) => round > after).slice(0, POSTED);
        if (claims.length === 0) break;
        step("training.claims.before-post");
        const answer = await client.post(`${endpoint}/v1/claims`, ROUND_CLAIMS.encode({ claims }));
        step("training.claims.posted");
        const { answers } = CLAIM_ANSWERS.decode(answer);
        for (const [i, { result }] of answers.slice(0, claims.length).entries()) {
          if (!SETTLED.includes(result)) throw new ClaimRefusedError(signer, orderId, claims[i].round, result);
          this.reached.set(key, claims[i].round);
        }
        if (answers.length === 0) break;
      }
    }
  }
}
