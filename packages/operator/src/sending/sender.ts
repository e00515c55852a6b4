import type { TransactionReceipt } from "ethers";

import { TuringFogError } from "@turingfog/sdk";

/** A call to send to a contract. */
export interface Call {
  /**
   * Description for people: "Create timelock". Two calls of one account must not share one while they are being sent.
   */
  description: string;
  to: string;
  data: string;
  /** Wei to send with the call; 0 if left out. */
  value?: bigint;
}

/** Result of submitting calls. */
export type Submitted =
  | {
      kind: "sent";
      /**
       * Receipts in the order of the calls; undefined for a call that was done by no transaction in the sender's
       * journal.
       */
      receipts: (TransactionReceipt | undefined)[];
    }
  | { kind: "batch"; file: string }
  | {
      kind: "dry";
      /** Gas in the order of the calls; undefined for a call that cannot be estimated before the others are done. */
      gas: (bigint | undefined)[];
      /** Base fee of a unit of gas in the latest block, in wei. */
      gasPrice: bigint;
    };

/** A sender of calls: a key, a batch file for a multisig, or a dry run that sends nothing. */
export interface Sender {
  /** Account that makes the calls; undefined if it is not known. */
  readonly address: string | undefined;
  /**
   * Carries out calls in their order.
   * @param isDone resolves to whether the call at an index is done; without it, a call is done once it is mined
   */
  submit(calls: readonly Call[], isDone?: (index: number) => Promise<boolean>): Promise<Submitted>;
}

/** Thrown when a call was mined but the contract refused it. */
export class CallRefusedError extends TuringFogError {
  constructor(
    readonly call: string,
    readonly hash: string,
  ) {
    super(`The contract refused "${call}" in transaction ${hash}`);
  }
}
