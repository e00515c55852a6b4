import { type TypedDataDomain, ZeroAddress } from "ethers";
import type { Logger } from "pino";

import { min } from "@turingfog/sdk";
import { answerOf, type TuringFog } from "@turingfog/sdk/ethers";
import { ACKNOWLEDGEMENT, type Acknowledgement } from "@turingfog/sdk/wire";
import type { ChainFacts } from "../chain/index.js";
import { Backoff, reasonOf } from "../runtime/index.js";
import type { NodeStore } from "./nodeStore.js";

export interface SettlerOptions {
  store: Pick<NodeStore, "acknowledgements">;
  facts: Pick<ChainFacts, "order">;
  /** The escrow's. */
  domain: TypedDataDomain;
  log: Logger;
}

/** Brings to the chain what renters have acknowledged, each acknowledgement once. */
export class Settler {
  /** Signatures of what was sent; a final block may have it later. */
  private readonly sent = new Set<string>();
  private readonly failed = new Backoff<string>();

  constructor(private readonly options: SettlerOptions) {}

  /**
   * Settles what raises an order above what the latest block has. An order that fails is tried again later.
   * @throws why an order waits, after all others were settled
   */
  async settle(fog: TuringFog): Promise<void> {
    const { store, facts, log } = this.options;
    for (const acknowledgement of await store.acknowledgements()) {
      const { orderId, signature } = acknowledgement;
      const order = facts.order(orderId);
      const isDue = !this.sent.has(signature) && this.failed.isDue(signature);
      if (order === undefined || order.closed || !isDue) continue;
      try {
        if (await this.isNew(acknowledgement, fog)) {
          const [receipt] = await fog.settleAcknowledged(order.asset, [acknowledgement]);
          this.sent.add(signature);
          log.info({ orderId: String(orderId), transaction: receipt.hash }, "acknowledgement settled");
        }
        this.failed.succeeds(signature);
      } catch (error) {
        const isNew = this.failed.fails(signature, error);
        if (isNew) log.warn({ orderId: String(orderId), reason: reasonOf(error) }, "acknowledgement not settled");
      }
    }
    this.failed.check();
  }

  /** Checks by the latest block that an acknowledgement settles something, because the escrow passes over others. */
  private async isNew(acknowledgement: Acknowledgement, { contracts }: TuringFog): Promise<boolean> {
    const { orderId, cumulativeTU } = acknowledgement;
    const order = await answerOf(contracts.escrow.order(orderId));
    // it is closed in the latest block
    if (order === undefined) return false;
    const { tuAmount, tuSettled, refundTo } = order;
    const payee = refundTo === ZeroAddress ? await contracts.escrow.ownerOf(orderId) : refundTo;
    return min(cumulativeTU, tuAmount) > tuSettled && isAcknowledgedBy(payee, acknowledgement, this.options.domain);
  }
}

/**
 * Checks whether an acknowledgement is by who would be refunded.
 * @param domain the escrow's
 */
export function isAcknowledgedBy(payee: string, acknowledgement: Acknowledgement, domain: TypedDataDomain): boolean {
  return ACKNOWLEDGEMENT.signerOf(domain, acknowledgement) === payee.toLowerCase();
}
