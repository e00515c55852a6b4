import type { ContractRunner, Signer, TransactionReceipt, TransactionResponse } from "ethers";

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

/**
 * Waits for one confirmation of a transaction.
 * @throws RevertError if a contract refuses it
 */
export async function mined<R extends TransactionReceipt>(
  sent: Promise<{ wait(): Promise<R | null> } & TransactionResponse>,
): Promise<R> {
  const receipt = await withRevertDecoded(sent.then((transaction) => transaction.wait()));
  return receipt as R; // ethers returns null only if it waits for no confirmation
}
