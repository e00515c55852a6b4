import type { ContractRunner, Signer, TransactionReceipt, TransactionResponse } from "ethers";

import { TuringFogError } from "../errors.js";
import { withRevertDecoded } from "./revert.js";

/** Thrown when something that needs a signer is asked of a client that can only read. */
export class NoSignerError extends TuringFogError {
  constructor() {
    super("The client was connected without a signer");
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
 * Waits until a transaction is mined, once.
 * @throws RevertError when a contract refused it
 */
export async function mined<R extends TransactionReceipt>(
  sent: Promise<{ wait(): Promise<R | null> } & TransactionResponse>,
): Promise<R> {
  const receipt = await withRevertDecoded(sent.then((transaction) => transaction.wait()));
  return receipt as R; // null only when no confirmation is waited for
}
