import { setTimeout as sleep } from "node:timers/promises";

import type { Connection } from "@turingfog/operator";
import { formatDuration, MINUTE } from "@turingfog/sdk";

import type { Output } from "./output.js";

/** Milliseconds between two looks at the last final block. */
const LOOK = 5_000;

/** Says how long it takes until what is in the latest block is final, as a part of a sentence; nothing if no time. */
export function finalityText({ chain }: Connection): string {
  const { takes } = chain.finality;
  return takes === 0 ? "" : `, and final in ${formatDuration(BigInt(takes))} or less`;
}

/**
 * Awaits a task, and meanwhile shows how far the chain is from making a block final.
 * @param time of the block, in unix seconds
 */
export async function whileNotFinal<T>(
  { provider, chain }: Connection,
  time: bigint,
  output: Output,
  task: Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const show = async () => {
    while (!end.signal.aborted) {
      const final = await provider.getBlock(chain.finality.tag).catch(() => null);
      const behind = final === null ? undefined : time - BigInt(final.timestamp);
      if (behind === undefined) output.doing("Waiting for the node", "the chain does not tell what is final");
      else if (behind <= 0n) output.doing("Waiting for the node", "the order is final");
      else output.doing("Waiting until the order is final", `${behind / MINUTE + 1n} min of the chain behind it`);
      await sleep(LOOK, undefined, { signal: end.signal }).catch(() => undefined);
    }
  };
  const shown = show();
  try {
    return await task;
  } finally {
    end.abort();
    await shown;
  }
}
