import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";

import type { TypedDataDomain, Wallet } from "ethers";
import type { Logger } from "pino";

import { documentInForce, NODE_DOCUMENT } from "@turingfog/sdk/wire";
import type { ChainFacts } from "../../chain/index.js";
import type { HttpClient } from "../../http/index.js";
import { requestTo, saveHashed } from "../../joint/workers.js";
import { type Clock, reasonOf } from "../../runtime/index.js";
import type { NodeDocuments } from "../intake/index.js";

export interface SourceOptions {
  facts: Pick<ChainFacts, "attestedAt" | "nodesAtWork" | "order">;
  documents: Pick<NodeDocuments, "shown" | "want">;
  client: HttpClient;
  linkKey: Wallet;
  /** That of envelopes. */
  domain: TypedDataDomain;
  clock: Clock;
  /** Lets addresses through that are not public, for test networks. */
  allowPrivate: boolean;
  log: Logger;
}

/** Gets files of an order from its workers, by their hash. */
export class WorkerSource {
  constructor(private readonly options: SourceOptions) {}

  /**
   * Gets a file from the first worker that has it.
   * @param first the worker that is asked before the others
   * @param what path of what is asked for, behind the order's
   * @returns whether anybody had it
   */
  async get(
    { orderId, first }: { orderId: bigint; first?: bigint },
    what: { path: string; hash: string; maxBytes: number },
    file: string,
  ): Promise<boolean> {
    const { client, clock, linkKey: key, domain, allowPrivate, log } = this.options;
    const partial = `${file}.part`;
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    for (const worker of this.workers(orderId, first)) {
      try {
        await rm(partial, { force: true });
        const asked = `/v1/orders/${orderId}/${what.path}`;
        const { url, settings } = await requestTo(worker, asked, { key, domain, clock, allowPrivate });
        await saveHashed(client.stream(url, { ...settings, maxBytes: what.maxBytes }), what.hash, partial);
        await rename(partial, file);
        return true;
      } catch (error) {
        log.debug({ nodeId: String(worker.nodeId), what: what.path, reason: reasonOf(error) }, "worker has not given");
      }
    }
    await rm(partial, { force: true });
    return false;
  }

  private workers(orderId: bigint, first: bigint | undefined) {
    const { facts, documents, clock } = this.options;
    const order = facts.order(orderId);
    if (order === undefined) return [];
    const joint = () => facts.nodesAtWork().filter((nodeId) => facts.attestedAt(nodeId, order.startedAt));
    const all = order.nodeId === 0n ? joint() : [order.nodeId];
    const ordered = [...all.filter((nodeId) => nodeId === first), ...all.filter((nodeId) => nodeId !== first)];
    return ordered.flatMap((nodeId) => {
      const document = documentInForce(NODE_DOCUMENT, documents.shown(nodeId), clock.now());
      if (document === undefined) documents.want(nodeId);
      return document === undefined ? [] : [document];
    });
  }
}
