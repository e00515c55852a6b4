import type { TransactionReceipt } from "ethers";

import { TuringFogError } from "@turingfog/sdk";

/** Something to be sent to a contract. */
export interface Call {
  /** What it does, for people: "Create timelock". Two calls of one account must not share it while they are sent. */
  description: string;
  to: string;
  data: string;
  /** Wei; none when left out. */
  value?: bigint;
}

/** What has become of calls. */
export type Submitted =
  | {
      kind: "sent";
      /** By call; undefined for one that was done already, by whoever. */
      receipts: (TransactionReceipt | undefined)[];
    }
  | { kind: "batch"; file: string }
  | {
      kind: "dry";
      /** Gas by call; undefined for one that cannot be estimated before the others are done. */
      gas: (bigint | undefined)[];
    };

/** Who sends calls: a key, a multisig for which they are written down, or nobody. */
export interface Sender {
  /** Whose calls they are, as far as that is known. */
  readonly address: string | undefined;
  /**
   * Does calls in their order.
   * @param isDone tells of a call that it needs no doing, or no more; without it, it is done when it has been mined
   */
  submit(calls: readonly Call[], isDone?: (index: number) => Promise<boolean>): Promise<Submitted>;
}

/** A call that was mined, and refused. */
export class CallRefusedError extends TuringFogError {
  constructor(
    readonly call: string,
    readonly hash: string,
  ) {
    super(`"${call}" was refused by the contract, in transaction ${hash}`);
  }
}
