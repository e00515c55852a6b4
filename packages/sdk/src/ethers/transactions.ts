import {
  type ContractRunner,
  isError,
  makeError,
  type Signer,
  type TransactionReceipt,
  type TransactionResponse,
} from "ethers";

import { TuringFogError } from "../errors.js";
import { withRevertDecoded } from "./revert.js";

/**
 * The most gas of a transaction under Osaka's rules (EIP-7825). Amsterdam's bound a transaction's execution by it, not the
 * state that it adds, and other chains have limits of their own.
 */
export const MAX_TRANSACTION_GAS = 16_777_216n;

/** Thrown when a client that can only read is asked for something that needs a signer. */
export class NoSignerError extends TuringFogError {
  constructor() {
    super("The client was connected without a signer: connect it with one");
  }
}

/**
 * Returns a runner that can sign.
 * @throws NoSignerError
 */
export function signerOf(runner: ContractRunner | null): Signer {
  if (runner === null || !("signTypedData" in runner)) throw new NoSignerError();
  return runner as Signer;
}

/** Thrown when another transaction of the sender's has taken the place of one that was sent. */
export class TransactionReplacedError extends TuringFogError {
  constructor(
    readonly hash: string,
    readonly replacement: string,
    isCancelled: boolean,
    options: ErrorOptions,
  ) {
    const what = isCancelled ? "was cancelled in the wallet" : "was replaced by one that does something else";
    super(`The transaction ${hash} ${what}: ${replacement} took its place. Nothing was done by it`, options);
  }
}

/**
 * Waits for one confirmation of a transaction, or of the same with another fee.
 * @throws RevertError if a contract refuses it
 * @throws TransactionReplacedError if another took its place
 */
export async function mined<R extends TransactionReceipt>(
  sent: Promise<{ wait(): Promise<R | null> } & TransactionResponse>,
): Promise<R> {
  const receipt = await withRevertDecoded(sent.then(receiptOf));
  return receipt as R; // ethers returns null only if it waits for no confirmation
}

/** Ethers throws, instead of returning it, the receipt of a transaction that was sent again with another fee. */
async function receiptOf<R>(transaction: { hash: string; wait(): Promise<R> }): Promise<R> {
  try {
    return await transaction.wait();
  } catch (error) {
    if (!isError(error, "TRANSACTION_REPLACED")) throw error;
    const { reason, hash, receipt } = error;
    if (reason !== "repriced") {
      throw new TransactionReplacedError(transaction.hash, hash, reason === "cancelled", { cause: error });
    }
    if (receipt.status === 1) return receipt as R;
    const { from, to } = receipt;
    throw makeError("transaction execution reverted", "CALL_EXCEPTION", {
      ...{ action: "sendTransaction", data: null, reason: null, invocation: null, revert: null, receipt },
      transaction: { from, to, data: "" },
    });
  }
}
