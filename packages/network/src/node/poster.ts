import { createReadStream } from "node:fs";

import { READING_ANSWERS, READINGS, type ReadingAnswer } from "@turingfog/sdk/wire";
import type { Logger } from "pino";

import { type HttpClient } from "../http/index.js";
import { step } from "../runtime/index.js";
import type { KeptReading, NodeStore } from "./nodeStore.js";
import type { Peer } from "./peers.js";

/** Readings in one post. */
const POSTED = 64;

export const POSTER_STEPS = ["node.readings.before-post", "node.readings.posted"] as const;

/** Hands a node's readings to the signers, to each until it has acknowledged them. */
export class Poster {
  /** What a signer has refused, so that each refusal is told once. */
  private readonly told = new Set<string>();
  /** Signers that have what belongs to an order's last reading, since this process began. */
  private readonly complete = new Set<string>();

  constructor(
    private readonly store: NodeStore,
    private readonly client: HttpClient,
    private readonly nodeId: bigint,
    private readonly log: Logger,
  ) {}

  /**
   * Posts what a signer lacks, order by order.
   * @throws HttpError if it gives no answer
   */
  async deliver(peer: Peer): Promise<void> {
    for (const orderId of await this.store.ordersWithReadings()) {
      while (await this.deliverSome(peer, orderId));
    }
  }

  /**
   * Hands a signer the lines that an order's readings name and the result, which it keeps for the renter.
   * @param result file of the ciphertext; undefined if there is none yet
   * @throws HttpError
   */
  async complement(peer: Peer, orderId: bigint, result: string | undefined): Promise<void> {
    const last = await this.store.lastReading(orderId);
    const key = `${peer.signer} ${orderId} ${last?.reading.sequence} ${result !== undefined}`;
    if (last === undefined || this.complete.has(key)) return;
    if ((await this.store.delivered(peer.signer, orderId)) < last.reading.sequence) return;
    const url = (what: string) => `${peer.endpoint}/v1/orders/${orderId}/${what}?node=${this.nodeId}`;
    await this.client.put(url("log"), `${last.line}\n`);
    if (result !== undefined) {
      const headers = { "content-type": "application/octet-stream" };
      await this.client.put(url("result"), createReadStream(result), { headers, timeout: 3_600_000 });
    }
    this.complete.add(key);
  }

  /** @returns whether there may be more to post */
  private async deliverSome(peer: Peer, orderId: bigint): Promise<boolean> {
    const before = await this.store.delivered(peer.signer, orderId);
    const some = await this.store.readings(orderId, before, POSTED);
    if (some.length === 0) return false;
    step("node.readings.before-post");
    const answer = await this.client.post(
      `${peer.endpoint}/v1/readings`,
      READINGS.encode({ readings: some.map(({ reading }) => reading) }),
    );
    step("node.readings.posted");
    const after = this.reached(peer, before, some, READING_ANSWERS.decode(answer).answers);
    if (after !== before) await this.store.setDelivered(peer.signer, orderId, after);
    return after > before;
  }

  /** Returns the sequence until which a signer has a chain, by its answers to some readings of it. */
  private reached({ signer }: Peer, before: bigint, some: KeptReading[], answers: readonly ReadingAnswer[]): bigint {
    let reached = before;
    for (const [i, { result, next }] of answers.slice(0, some.length).entries()) {
      const { orderId, sequence } = some[i].reading;
      if (result === "accepted" || result === "known") {
        reached = sequence;
        continue;
      }
      const refusal = `${signer} ${orderId} ${sequence} ${result}`;
      if (!this.told.has(refusal))
        this.log.warn({ signer, orderId: String(orderId), sequence: String(sequence), result }, "reading refused");
      this.told.add(refusal);
      // it lacks some before, as after a restored backup
      if (result === "broken-chain" && next > 0n && next <= reached) return next - 1n;
      break;
    }
    return reached;
  }
}
