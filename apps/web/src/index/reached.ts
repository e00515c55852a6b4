import { TuringFogError } from "@turingfog/sdk";
import type { Head } from "./clock";
import { failureOf, inTime } from "./patience";
import { IndexError } from "./sql";

/** Seconds that the index may be behind the node. */
const LATE = 300n;

/** The block that an index has read; every one before it too. */
export type Reached = Pick<Head, "number" | "time">;

/** Thrown when an index answers, and does not follow the chain. */
export class LateIndexError extends TuringFogError {
  constructor(index: string, { number }: Reached, behind: bigint) {
    super(
      `The index at ${new URL(index).host} has read the chain up to block ${number}, which is ${behind / 60n} minutes ` +
        "older than the node's last block: what came after is missing here",
    );
  }
}

/**
 * Asks an index how far it has read the chain. Its tables do not tell: they name the last block with an event.
 * @throws IndexError
 */
export async function readReached(index: string, chainId: number, signal?: AbortSignal): Promise<Reached> {
  let status: Record<string, { id?: number; block?: { number: number; timestamp: number } } | undefined>;
  try {
    const response = await fetch(`${index}/status`, { signal: inTime(signal) });
    status = (await response.json()) as typeof status;
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new IndexError(index, failureOf(error));
  }
  const block = Object.values(status).find((each) => each?.id === chainId)?.block;
  if (block === undefined) throw new IndexError(index, `its status names no block of chain ${chainId}`);
  return { number: BigInt(block.number), time: BigInt(block.timestamp) };
}

/** Returns what to say of an index that is late; undefined if it is not. */
export function lateness(index: string, reached: Reached, head: Reached): LateIndexError | undefined {
  const behind = head.time - reached.time;
  return reached.number < head.number && behind > LATE ? new LateIndexError(index, reached, behind) : undefined;
}
