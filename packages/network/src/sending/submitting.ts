import { type Attempt, type Call, type Connection, KeySender } from "@turingfog/operator";
import { TuringFogError } from "@turingfog/sdk";
import type { Provider, TransactionReceipt, Wallet } from "ethers";

import type { Clock } from "../runtime/index.js";
import type { KeptAttempt, TransactionOutbox } from "./outbox.js";

/** Thrown when a transaction that is not mined holds the key up. What is due is sent once its nonce is used. */
export class KeyBusyError extends TuringFogError {
  constructor(
    readonly waiting: Attempt,
    whatNext: string,
  ) {
    super(`Transaction ${waiting.nonce} of this key waits, "${waiting.call}", and ${whatNext}`);
  }
}

export interface TransactionSubmitterOptions {
  key: Wallet;
  outbox: TransactionOutbox;
  /** Wei per unit of gas. */
  maxFeePerGas?: bigint;
  clock: Clock;
  say: (line: string) => void;
}

/** Sends a role's calls from one key, one transaction at a time, each at most once. */
export class TransactionSubmitter {
  constructor(private readonly options: TransactionSubmitterOptions) {}

  /**
   * Sends a call until it is mined, or `isDone` says that somebody else has done it.
   * @returns the receipt of the transaction of this key that was mined last, perhaps without effect; undefined if there is
   * none
   * @throws KeyBusyError, ClockError, BudgetUsedUpError and what `KeySender` throws
   */
  async submit(
    call: Call,
    connection: Connection,
    isDone: () => Promise<boolean>,
  ): Promise<TransactionReceipt | undefined> {
    const { outbox, clock } = this.options;
    clock.check();
    await this.freeKey(connection, call.description);
    const submitted = await this.sender(connection)
      .submit([call], isDone)
      .catch(async (error: unknown) => {
        // refused because somebody else was first
        if (!(await isDone())) throw error;
        return undefined;
      });
    const receipt = submitted?.kind === "sent" ? submitted.receipts[0] : undefined;
    if (receipt) await outbox.mined(receipt.hash, receipt.gasUsed * receipt.gasPrice);
    return receipt;
  }

  /** Whether a transaction of this key with that description succeeded. */
  async isMined(provider: Provider, description: string): Promise<boolean> {
    const attempts = this.attemptsAt(description);
    const receipts = await Promise.all(attempts.map(({ hash }) => provider.getTransactionReceipt(hash)));
    return receipts.some((receipt) => receipt?.status === 1);
  }

  /** Returns what was signed for a call of that description, the earliest first. */
  attemptsAt(description: string): KeptAttempt[] {
    return this.options.outbox.attempts.filter(({ call }) => call === description);
  }

  /**
   * Puts an empty transaction in the place of one that waits, and that again if it waits for too long.
   * @returns false if the fee limit does not allow it, so that nothing was sent
   */
  async cancel(nonce: number, connection: Connection): Promise<boolean> {
    const { key, outbox, clock } = this.options;
    const description = `Cancel transaction ${nonce}`;
    const last = outbox.attempts.filter((each) => each.from === key.address && each.nonce === nonce).at(-1);
    if (last === undefined) return false;
    const isWaiting = clock.now() - last.signedAt < connection.chain.patience;
    if (last.call === description && isWaiting) return true;
    clock.check();
    return this.sender(connection).replace(last, { description, to: key.address, data: "0x" });
  }

  /**
   * Replaces a transaction of another call by an empty one, if the chain should have mined it. It holds the key up: that call
   * may be done by somebody else, so that nothing sends it again.
   * @throws KeyBusyError as long as its nonce is not used
   */
  private async freeKey(connection: Connection, description: string): Promise<void> {
    const { provider, chain } = connection;
    const { key, outbox, clock } = this.options;
    const [used, known] = await Promise.all([
      provider.getTransactionCount(key.address, "latest"),
      provider.getTransactionCount(key.address, "pending"),
    ]);
    const waiting = outbox.attempts.filter(({ from, nonce }) => from === key.address && nonce === used);
    const last = waiting.at(-1);
    if (known === used || last === undefined || waiting.some(({ call }) => call === description)) return;
    if (clock.now() - last.signedAt < chain.patience) throw new KeyBusyError(last, "is given some more time");
    const isSent = await this.cancel(used, connection);
    throw new KeyBusyError(last, isSent ? "is being cancelled" : "can be cancelled only above maxFeeGwei: raise it");
  }

  private sender(connection: Connection): KeySender {
    const { key, outbox, maxFeePerGas, say } = this.options;
    return new KeySender(key.connect(connection.provider), connection, { maxFeePerGas, journal: outbox, say });
  }
}
