import { TuringFogError } from "@turingfog/sdk";
import { decodeRevert } from "@turingfog/sdk/ethers";

/** Thrown when a call runs out of gas, in the node's trial or in a block. */
export class OutOfGasError extends TuringFogError {
  /** @param found how much gas it ran out of, and what to do next */
  constructor(
    readonly call: string,
    found: string,
  ) {
    super(`"${call}" ran out of gas: ${found}`);
  }

  /** Returns the error of a call whose transaction was mined and ran out of gas. */
  static mined(call: string, hash: string, used: bigint, limit: bigint): OutOfGasError {
    const [spent, most] = [used, limit].map((gas) => gas.toLocaleString("en"));
    const next = "run the same command again, which asks the node for a new estimate";
    return new OutOfGasError(call, `used ${spent} of the limit ${most} in transaction ${hash}; ${next}`);
  }

  /** Returns the error of a call that ran out of gas when the node tried it. */
  static tried(call: string, blockGasLimit: bigint, cause: unknown): OutOfGasError {
    const limit = blockGasLimit.toLocaleString("en");
    return new OutOfGasError(
      call,
      `the node tried it with all that it allows (a block has ${limit}) and says "${nodeWords(cause)}"; ` +
        "use a node that allows a call more gas (geth: --rpc.gascap), or a chain that allows a transaction more",
    );
  }
}

// The words of geth, Erigon, Nethermind, Besu, Hardhat and anvil for gas that does not suffice, and for more than they allow.
const OUT_OF_GAS =
  /out of gas|gas required exceeds|intrinsic gas|exceeds? .*gas (limit|cap|allowance)|gas (limit|cap) .*(exceed|too high|too low)/i;

/** Returns whether a node refused a call for want of gas. */
export function isOutOfGas(error: unknown): boolean {
  const revert = decodeRevert(error);
  // Genesis says so of a contract whose constructor ended without a reason, which all of the constructors give
  if (revert !== null) return revert.error === "Genesis_CreationFailed" && revert.args[1] === "0x";
  return OUT_OF_GAS.test(nodeWords(error));
}

/** Returns what a node said, which each layer above it wraps in an error of its own. */
export function nodeWords(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const { info, error: inner, message } = error as { info?: { error?: unknown }; error?: unknown; message?: string };
  const below = info?.error ?? inner;
  return below === undefined ? String(message) : nodeWords(below);
}
