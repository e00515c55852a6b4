import { withNodeNamed } from "@turingfog/operator";
import { PrecisionError, UnknownChainError } from "@turingfog/sdk";
import { UnreadableAnswerError } from "@turingfog/sdk/ethers";
import { redact } from "@turingfog/sdk/node";

// A file of its own, loaded when a command fails, so that a help text takes a third of the time.

/** Prints an error's text to stderr, without keys and RPC URLs. */
export function print(text: string): void {
  console.error(redact(text));
}

/** Tells whether an error of the packages below is the caller's: a word that no run of the command could take. */
export function isMisuse(error: unknown): boolean {
  return [UnknownChainError, PrecisionError].some((type) => error instanceof type);
}

/** Returns an error that names the node of a network, if it blames one. */
export function explained(error: unknown, network: unknown): unknown {
  const cause = UnreadableAnswerError.from(error) ?? error;
  return typeof network === "string" ? withNodeNamed(cause, network) : cause;
}
