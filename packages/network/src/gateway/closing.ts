import type { Call } from "@turingfog/operator";
import { type Addresses, answerOf, connectContracts, type SystemContracts } from "@turingfog/sdk/ethers";
import type { Wallet } from "ethers";
import type { Logger } from "pino";

import type { ChainFacts, OrderFacts } from "../chain/index.js";
import { step } from "../runtime/index.js";
import type { TransactionSubmitter } from "../sending/index.js";
import { fromBlob, toBlob } from "../store/index.js";
import { currencyOf, restOf } from "./money.js";
import type { Sight } from "./opening.js";
import { FormerPayerError, isFormer, payerOf, type Sessions } from "./sessions.js";
import type { SessionRow } from "./tables.js";

export interface ClosingOptions {
  book: Addresses;
  facts: ChainFacts;
  key: Pick<Wallet, "address">;
  submitter: TransactionSubmitter;
  sessions: Sessions;
  log: Logger;
}

/** Ends and closes orders, and counts what of each goes back to its card. */
export class Closing {
  constructor(private readonly options: ClosingOptions) {}

  /**
   * Stops an order that nobody needs any more, closes one that can be closed, and owes its rest once a final block shows
   * what it was.
   */
  async advance(row: SessionRow, { connection, time }: Sight): Promise<void> {
    const { book, facts, key } = this.options;
    const order = facts.order(fromBlob(row.order_id as Uint8Array));
    if (order === undefined) return;
    if (order.closed) return this.owe(row, order);
    const { orderId } = order;
    const { escrow } = connectContracts(book.addresses, connection.provider);
    const refundable = await answerOf(escrow.refundable(orderId));
    // it is counted on once the block is final
    if (refundable === undefined) return;
    const [close, stop] = Closing.describe(row);
    if (time >= refundable.from) {
      const isClosed = async () => (await answerOf(escrow.refundable(orderId))) === undefined;
      return this.send(await callOf(escrow, close, "close", orderId), isClosed, connection);
    }
    if (!isOver(row) || order.endsAt <= time) return;
    const isStopped = async () => ((await answerOf(escrow.order(orderId)))?.endsAt ?? 0n) < order.endsAt;
    if (await isStopped()) return;
    // the holder alone can stop it; anybody can close it
    if (isFormer(row, key.address))
      throw new FormerPayerError(payerOf(row, key.address), `Order ${orderId} is not stopped before its end`);
    await this.send(await callOf(escrow, stop, "stop", orderId), isStopped, connection);
  }

  /** Returns the descriptions of the transactions that close and stop a session's order. */
  static describe(row: SessionRow): [close: string, stop: string] {
    const orderId = fromBlob(row.order_id as Uint8Array);
    return [`Close order ${orderId}`, `Stop order ${orderId}`];
  }

  private async owe(row: SessionRow, { deposit, refund = 0n, orderId }: OrderFacts): Promise<void> {
    const quoted = fromBlob(row.deposit);
    // what the order cost less than it was quoted never left the payer
    const unused = quoted - deposit + refund;
    const due = restOf({
      ...{ price: row.price, deposit: quoted, unused, fee: row.refund_fee },
      currency: currencyOf(row.currency),
    });
    await this.options.sessions.change("rest", row, { state: "owed", due, paid_back: toBlob(refund) });
    this.options.log.info({ session: row.session, orderId: String(orderId), due: String(due) }, "order closed");
  }

  private async send(call: Call, isDone: () => Promise<boolean>, connection: Sight["connection"]): Promise<void> {
    step("gateway.send.before-send");
    await this.options.submitter.submit(call, connection, isDone);
    step("gateway.send.done");
  }
}

/** Whether an order has nothing to do any more: its result is there, its node refuses it, or its payment is disputed. */
function isOver({ state, dispute, reason }: SessionRow): boolean {
  return state === "delivered" || dispute === "open" || dispute === "lost" || reason !== "";
}

type Escrow = SystemContracts["escrow"];

async function callOf(escrow: Escrow, description: string, name: "close" | "stop", orderId: bigint): Promise<Call> {
  const data = escrow.interface.encodeFunctionData(name as "close", [orderId]);
  return { description, to: await escrow.getAddress(), data };
}
