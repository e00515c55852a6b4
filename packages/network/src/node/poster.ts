import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

import { TuringFogError } from "@turingfog/sdk";
import { READING_ANSWERS, READINGS, type Reading, type ReadingAnswer, type ReadingResult } from "@turingfog/sdk/wire";
import type { Logger } from "pino";

import { type HttpClient, HttpError, type RequestSettings } from "../http/index.js";
import { Backoff, reasonOf, step } from "../runtime/index.js";
import type { Delivery, KeptReading, NodeStore } from "./nodeStore.js";
import type { Peer } from "./peers.js";

/** Readings in one post. */
const POSTED = 64;

/** Answers to a log or a result that stay what they are, however often it is sent. */
const FINAL = [400, 413];

/** Answers to a reading that need no other one: the signer has it, or will never need it. */
const SETTLED: readonly ReadingResult[] = ["accepted", "known", "closed-order"];

export const POSTER_STEPS = ["node.readings.before-post", "node.readings.posted"] as const;

/** Thrown when a signer does not take a reading. */
export class ReadingRefusedError extends TuringFogError {
  constructor(
    readonly signer: string,
    { orderId, sequence }: Reading,
    readonly result: ReadingResult,
  ) {
    super(`Signer ${signer} refuses reading ${sequence} of order ${orderId}: ${result}`);
  }
}

export interface PosterOptions {
  store: NodeStore;
  client: HttpClient;
  nodeId: bigint;
  /** Says whether an order is closed in a final block: nothing more of it counts. */
  isClosed: (orderId: bigint) => boolean;
  /** Returns the file of an order's result; undefined if there is none yet. */
  resultOf: (orderId: bigint) => Promise<string | undefined>;
  log: Logger;
}

/** Hands a node's readings to the signers, to each until it has them, with the lines and the results that they name. */
export class Poster {
  /** Orders that failed, by signer. */
  private readonly failed = new Map<string, Backoff<bigint>>();
  /** Signers to which nothing is left to hand of an order. */
  private readonly finished = new Set<string>();
  /** Signers that have what belongs to an order's last reading, since this process began. */
  private readonly complete = new Set<string>();

  constructor(private readonly options: PosterOptions) {}

  /**
   * Hands a signer what it lacks, order by order. An order that fails is tried again later, and keeps up no other.
   * @throws HttpError, ReadingRefusedError why the first order waits, after all others were handed in
   */
  async deliver(peer: Peer): Promise<void> {
    const { store, isClosed, log } = this.options;
    const { signer } = peer;
    const failed = this.failed.get(signer) ?? new Backoff();
    this.failed.set(signer, failed);
    for (const delivery of await store.deliveries(signer)) {
      const { orderId } = delivery;
      const key = `${signer} ${orderId}`;
      if (this.finished.has(key) || !failed.isDue(orderId)) continue;
      try {
        const isWhole = await this.deliverOrder(peer, delivery);
        if (isWhole && isClosed(orderId)) this.finished.add(key);
        failed.succeeds(orderId);
      } catch (error) {
        const isNew = failed.fails(orderId, error);
        if (isNew) log.warn({ signer, orderId: String(orderId), reason: reasonOf(error) }, "order not handed in");
        // a signer that gives no answer gives none to the next order either
        if (error instanceof HttpError && error.status === 0) break;
      }
    }
    failed.check();
  }

  /** @returns whether the signer has all readings */
  private async deliverOrder(peer: Peer, { orderId, last, delivered }: Delivery): Promise<boolean> {
    const { store, isClosed } = this.options;
    if (delivered < last) {
      while (await this.deliverSome(peer, orderId));
      if ((await store.delivered(peer.signer, orderId)) < last) return false;
    }
    if (!isClosed(orderId)) await this.complement(peer, orderId, last);
    return true;
  }

  /** Hands a signer the line that a reading names, and the result, which it keeps for the renter. */
  private async complement(peer: Peer, orderId: bigint, sequence: bigint): Promise<void> {
    const result = await this.options.resultOf(orderId);
    const key = `${peer.signer} ${orderId} ${sequence} ${result !== undefined}`;
    if (this.complete.has(key)) return;
    const reading = await this.options.store.reading(orderId, sequence);
    // a reading that was taken over from a signer has no line here
    if (reading === undefined || reading.line === "") return;
    await this.put(peer, orderId, "log", `${reading.line}\n`);
    if (result !== undefined) {
      const { size } = await stat(result);
      const headers = { "content-type": "application/octet-stream", "content-length": String(size) };
      await this.put(peer, orderId, "result", createReadStream(result), { headers, timeout: 3_600_000 });
    }
    this.complete.add(key);
  }

  /** Puts what belongs to an order; a refusal that would always be the same is written down, and is the end of it. */
  private async put(
    { signer, endpoint }: Peer,
    orderId: bigint,
    what: "log" | "result",
    body: Parameters<HttpClient["put"]>[1],
    settings?: RequestSettings,
  ): Promise<void> {
    const { client, nodeId, log } = this.options;
    try {
      await client.put(`${endpoint}/v1/orders/${orderId}/${what}?node=${nodeId}`, body, settings);
    } catch (error) {
      if (!(error instanceof HttpError) || !FINAL.includes(error.status)) throw error;
      log.warn({ signer, orderId: String(orderId), what, reason: error.message }, "refused for good");
    }
  }

  /** @returns whether there may be more to post */
  private async deliverSome(peer: Peer, orderId: bigint): Promise<boolean> {
    const { store, client } = this.options;
    const before = await store.delivered(peer.signer, orderId);
    const some = await store.readings(orderId, before, POSTED);
    if (some.length === 0) return false;
    step("node.readings.before-post");
    const answer = await client.post(
      `${peer.endpoint}/v1/readings`,
      READINGS.encode({ readings: some.map(({ reading }) => reading) }),
    );
    step("node.readings.posted");
    const { reached, refusal } = this.reached(peer, before, some, READING_ANSWERS.decode(answer).answers);
    if (reached !== before) await store.setDelivered(peer.signer, orderId, reached);
    if (refusal !== undefined) throw refusal;
    return reached > before;
  }

  /** Returns the sequence until which a signer has a chain, by its answers to some readings of it. */
  private reached(
    { signer }: Peer,
    before: bigint,
    some: readonly KeptReading[],
    answers: readonly ReadingAnswer[],
  ): { reached: bigint; refusal?: ReadingRefusedError } {
    let reached = before;
    for (const [i, { result, next }] of answers.slice(0, some.length).entries()) {
      if (!SETTLED.includes(result)) {
        // it lacks some before, as after a restored backup
        if (result === "broken-chain" && next > 0n && next <= reached) return { reached: next - 1n };
        return { reached, refusal: new ReadingRefusedError(signer, some[i].reading, result) };
      }
      reached = some[i].reading.sequence;
    }
    return { reached };
  }
}
