import type { Call } from "@turingfog/operator";
import type { SystemContracts } from "@turingfog/sdk/ethers";
import { isError, type Provider } from "ethers";

import type { ChainFacts } from "../chain/index.js";

/** A transaction that is due. */
export interface Due {
  /** Its description tells it from every other one that was ever sent. */
  call: Call;
  /** Whether it is done, by whomever, at the latest block. */
  isDone: () => Promise<boolean>;
}

/** What an act looks at: final blocks by the facts, the latest one by the contracts. */
export interface Sight {
  provider: Provider;
  contracts: SystemContracts;
  facts: ChainFacts;
  /** Account that sends. */
  keeper: string;
  /** Time of the latest block, in unix seconds. */
  now: bigint;
  /** Notes that a part of what may be due could not be looked at: that whose description has this text. */
  fails: (part: string, error: unknown) => void;
}

/** One kind of what a keeper does. */
export interface Act {
  readonly name: string;
  /** Finds what is due, one after the other, each after the one before was carried out. */
  due(sight: Sight): AsyncIterable<Due>;
}

/** Whether the latest state would take a call; that a node cannot say is an error. */
export async function isTaken({ provider, keeper }: Sight, { to, data }: Pick<Call, "to" | "data">): Promise<boolean> {
  return (await unlessRefused(provider.call({ from: keeper, to, data }))) !== undefined;
}

/** Returns what a contract answers; undefined if it refuses. */
export async function unlessRefused<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: unknown) => {
    if (isError(error, "CALL_EXCEPTION")) return undefined;
    throw error;
  });
}
