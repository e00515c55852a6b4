import { once } from "node:events";
import path from "node:path";
import { Worker } from "node:worker_threads";

import type { TypedDataDomain, Wallet } from "ethers";

import { TuringFogError } from "@turingfog/sdk";
import { type Challenge, CHALLENGE_ANSWER, CHALLENGE_PROOF, CHALLENGE_ROWS } from "@turingfog/sdk/wire";
import type { HttpClient } from "../http/index.js";
import { step } from "../runtime/index.js";
import { challengeFor } from "../signer/challenges/index.js";
import type { Peer } from "./peers.js";

const WORKER = path.join(__dirname, "productWorker.js");

export const CHALLENGED_STEPS = ["node.challenge.before-answer", "node.challenge.answered"] as const;

/** Thrown when a challenge is larger than the node's rate justifies, or not computed in its time. */
export class ChallengeError extends TuringFogError {
  constructor(
    readonly signer: string,
    { id, size }: Challenge,
    reason: string,
  ) {
    super(`Challenge ${id} of signer ${signer}, of size ${size}, ${reason}`);
  }
}

/** What a node takes of a challenge. */
export interface ChallengeLimits {
  /** Multiplications a second of a node of 1 TU a day, and seconds of work: no larger challenge is computed. */
  perTU: bigint;
  work: bigint;
  /** The most seconds that a challenge is computed, if it has no fewer itself; they do not pass while it waits. */
  seconds: bigint;
}

export interface ChallengedOptions {
  meter: Wallet;
  /** That of readings. */
  domain: TypedDataDomain;
  client: HttpClient;
  limits: ChallengeLimits;
  /** Returns the node's TU per day, 18 decimals. */
  ratePerDay: () => bigint;
  /** Pauses the runs, or lets them go on. */
  pause: (isPaused: boolean) => Promise<void>;
  /** Ends what is computed. */
  signal: AbortSignal;
}

/** A challenge that a signer has given. */
interface Seen {
  /** When it is late, on the monotonic clock; its time began when it was first seen. */
  due: number;
  /** Milliseconds for which it may still be computed. */
  left: number;
}

/**
 * Answers challenges. One is computed at a time, because it takes the whole machine, and of each signer one at a time: the
 * signer goes first for which the least was computed so far.
 */
export class Challenged {
  /** Milliseconds that were spent on each signer's challenges. */
  private readonly spent = new Map<string, number>();
  private readonly seen = new Map<string, Map<string, Seen>>();
  private readonly turns: { signer: string; begin: () => void }[] = [];
  private isComputing = false;

  constructor(private readonly options: ChallengedOptions) {}

  /**
   * Answers the first of a signer's challenges that is not late: the root first, then the rows that the signer names.
   * @throws ChallengeError, HttpError
   */
  async answer(peer: Peer, challenges: readonly Challenge[]): Promise<void> {
    const { limits, ratePerDay, client, meter, domain } = this.options;
    const { signer, endpoint } = peer;
    const seen = this.seenOf(signer, challenges);
    const challenge = challenges.find(({ id }) => timeFor(seen.get(id) as Seen) > 0);
    if (challenge === undefined) return;
    const { size: most } = challengeFor(ratePerDay(), { ...limits, grace: 0n });
    if (challenge.size > most)
      throw new ChallengeError(signer, challenge, `is larger than this node's rate allows: ${most}`);

    const worker = await this.compute(signer, challenge, seen.get(challenge.id) as Seen);
    try {
      const url = `${endpoint}/v1/challenges/${challenge.id}`;
      step("node.challenge.before-answer");
      const answer = await CHALLENGE_ANSWER.sign(meter, domain, { challenge: challenge.id, root: worker.root });
      const { rows } = CHALLENGE_ROWS.decode(await client.post(url, CHALLENGE_ANSWER.encode(answer)));
      const paths = await worker.paths(rows);
      await client.post(`${url}/rows`, CHALLENGE_PROOF.encode({ challenge: challenge.id, paths }));
      step("node.challenge.answered");
    } finally {
      await worker.end();
    }
  }

  /** Computes a challenge's product in a thread of its own, once it is the signer's turn. */
  private async compute(signer: string, challenge: Challenge, seen: Seen) {
    await this.turn(signer);
    const began = performance.now();
    let worker: Worker | undefined;
    try {
      await this.options.pause(true);
      const late = AbortSignal.timeout(Math.max(0, Math.floor(timeFor(seen))));
      worker = new Worker(WORKER, { workerData: challenge });
      const [root] = (await once(worker, "message", {
        signal: AbortSignal.any([late, this.options.signal]),
      })) as [string];
      const computed = worker;
      return {
        root,
        async paths(rows: bigint[]) {
          computed.postMessage(rows);
          return ((await once(computed, "message")) as [string[][]])[0];
        },
        end: () => computed.terminate(),
      };
    } catch (error) {
      await worker?.terminate();
      if (!(error instanceof Error) || error.name !== "AbortError") throw error;
      throw new ChallengeError(signer, challenge, "was not computed in its time");
    } finally {
      const took = performance.now() - began;
      seen.left -= took;
      this.spent.set(signer, (this.spent.get(signer) ?? 0) + took);
      await this.options.pause(false).finally(() => {
        this.isComputing = false;
        this.next();
      });
    }
  }

  private turn(signer: string): Promise<void> {
    return new Promise((begin) => {
      this.turns.push({ signer, begin });
      this.next();
    });
  }

  private next(): void {
    if (this.isComputing) return;
    const spentOn = ({ signer }: { signer: string }) => this.spent.get(signer) ?? 0;
    const first = this.turns.sort((a, b) => spentOn(a) - spentOn(b)).shift();
    this.isComputing = first !== undefined;
    first?.begin();
  }

  private seenOf(signer: string, challenges: readonly Challenge[]): Map<string, Seen> {
    const before = this.seen.get(signer);
    const first = ({ seconds }: Challenge): Seen => ({
      due: performance.now() + 1_000 * Number(seconds),
      left: 1_000 * Number(this.options.limits.seconds),
    });
    const seen = new Map(challenges.map((each) => [each.id, before?.get(each.id) ?? first(each)]));
    this.seen.set(signer, seen);
    return seen;
  }
}

/** Returns the milliseconds for which a challenge may be computed now. */
function timeFor({ due, left }: Seen): number {
  return Math.min(due - performance.now(), left);
}
