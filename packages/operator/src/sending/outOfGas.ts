import { decodeRevert, isOutOfGasIn, NodeError, nodeWords } from "@turingfog/sdk/ethers";

/** Thrown when a call runs out of gas, in the node's trial or in a block. */
export class OutOfGasError extends NodeError {
  /** @param found tells by the name of the node's URL how much gas it ran out of, and what to do next */
  constructor(
    readonly call: string,
    found: (url: string) => string,
  ) {
    super((_, url) => `"${call}" ran out of gas: ${found(url)}`);
  }

  /** Returns the error of a call whose transaction was mined and ran out of gas. */
  static mined(call: string, hash: string, used: bigint, limit: bigint): OutOfGasError {
    const [spent, most] = [used, limit].map((gas) => gas.toLocaleString("en"));
    const next = "run the same command again, which asks the node for a new estimate";
    return new OutOfGasError(call, () => `used ${spent} of the limit ${most} in transaction ${hash}; ${next}`);
  }

  /** Returns the error of a call that ran out of gas when the node tried it. */
  static tried(call: string, blockGasLimit: bigint, cause: unknown): OutOfGasError {
    const limit = blockGasLimit.toLocaleString("en");
    return new OutOfGasError(
      call,
      (url) =>
        `the node tried it with all that it allows (a block has ${limit}) and says "${nodeWords(cause)}"; set ` +
        `${url} to a node that allows a call more gas (geth: --rpc.gascap), or use a chain that allows a transaction more`,
    );
  }
}

/** Returns whether a node refused a call for want of gas. */
export function isOutOfGas(error: unknown): boolean {
  const revert = decodeRevert(error);
  // Genesis says so of a contract whose constructor ended without a reason, which all of the constructors give
  if (revert !== null) return revert.error === "Genesis_CreationFailed" && revert.args[1] === "0x";
  return isOutOfGasIn(nodeWords(error));
}
