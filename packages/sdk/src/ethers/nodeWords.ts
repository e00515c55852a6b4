/** Matches the words of geth, Erigon, Nethermind, Besu, Hardhat and anvil for too little gas, and for more than they allow. */
const OUT_OF_GAS =
  /out of gas|gas required exceeds|intrinsic gas|exceeds? .*gas (limit|cap|allowance)|gas (limit|cap) .*(exceed|too high|too low)/i;

/** Matches their words for a call whose code ended it. */
const ENDED = /revert|opcode|vm exec|bad instruction|jump|stack/i;

/** Returns what a node said, which each layer above it wraps in an error of its own. */
export function nodeWords(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const { info, error: inner, message } = error as { info?: { error?: unknown }; error?: unknown; message?: string };
  const below = info?.error ?? inner;
  return below === undefined ? String(message) : nodeWords(below);
}

/** Tells whether a node's words say that a call wants more gas than it has, or more than the node allows. */
export function isOutOfGasIn(words: string): boolean {
  return OUT_OF_GAS.test(words);
}

/** Tells whether a node's words say how a call ended. Any other words are the node's own failure. */
export function isEndOfCallIn(words: string): boolean {
  return ENDED.test(words) || OUT_OF_GAS.test(words);
}
