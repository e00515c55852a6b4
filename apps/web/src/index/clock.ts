import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { TuringFogError } from "@turingfog/sdk";
import { useNetwork } from "../ui/context";
import { failureOf, inTime } from "./patience";

/** Milliseconds between two looks at the last block. */
const INTERVAL = 4_000;
const SECOND = 1_000;

/** Thrown when a node does not answer. */
export class RpcError extends TuringFogError {
  constructor(
    readonly url: string,
    reason: string,
  ) {
    super(`The node at ${new URL(url).host} did not answer: ${reason}`);
  }
}

/** The last block of a node's chain. */
export interface Head {
  number: bigint;
  time: bigint;
  /** When the page first saw it, in milliseconds of its own clock. */
  seen: number;
  /** When the node last told that it is the last one. */
  told: number;
}

/** Milliseconds that the clock goes on after the node's last answer. */
const UNHEARD = 3 * INTERVAL;

let last: Head | undefined;

/**
 * Reads the last block of a node's chain.
 * @throws RpcError
 */
async function readHead(rpc: string): Promise<Head> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_getBlockByNumber", params: ["latest", false] });
  let result: { number: string; timestamp: string } | undefined;
  try {
    const response = await fetch(rpc, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal: inTime(),
    });
    ({ result } = (await response.json()) as { result?: { number: string; timestamp: string } });
  } catch (error) {
    throw new RpcError(rpc, failureOf(error));
  }
  if (result === undefined) throw new RpcError(rpc, "no block");
  const number = BigInt(result.number);
  const told = performance.now();
  last = last?.number === number ? { ...last, told } : { number, time: BigInt(result.timestamp), seen: told, told };
  return last;
}

/** Follows the chain's last block. What was read last stays while the node is gone. */
export function useHead(): { head?: Head; error: Error | null } {
  const { rpc, chain } = useNetwork();
  const { data: head, error } = useQuery({
    queryKey: ["head", chain],
    queryFn: () => readHead(rpc),
    refetchInterval: INTERVAL,
    structuralSharing: false,
  });
  return { head, error };
}

/** The time of the last block, and what has passed since the page saw it. It stands still when the node is not heard of. */
export function clockAt({ time, seen, told }: Omit<Head, "number">, now: number): bigint {
  return time + BigInt(Math.floor((Math.min(now, told + UNHEARD) - seen) / SECOND));
}

/** The chain's clock. Undefined until it is known. */
export function useChainClock(): bigint | undefined {
  const { head } = useHead();
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), SECOND);
    return () => clearInterval(timer);
  }, []);
  return head === undefined ? undefined : clockAt(head, performance.now());
}
