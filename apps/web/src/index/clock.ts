import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { TuringFogError } from "@turingfog/sdk";
import { useNetwork } from "../ui/context";

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

interface Head {
  number: bigint;
  time: bigint;
  /** When the page first saw it, in milliseconds of its own clock. */
  seen: number;
}

let last: Head | undefined;

/**
 * Reads the last block of a node's chain.
 * @throws RpcError
 */
async function readHead(rpc: string): Promise<Head> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_getBlockByNumber", params: ["latest", false] });
  let result: { number: string; timestamp: string } | undefined;
  try {
    const response = await fetch(rpc, { method: "POST", headers: { "content-type": "application/json" }, body });
    ({ result } = (await response.json()) as { result?: { number: string; timestamp: string } });
  } catch {
    throw new RpcError(rpc, "no connection");
  }
  if (result === undefined) throw new RpcError(rpc, "no block");
  const number = BigInt(result.number);
  if (last?.number !== number) last = { number, time: BigInt(result.timestamp), seen: performance.now() };
  return last;
}

function useHead(): Head | undefined {
  const { rpc, chain } = useNetwork();
  const { data } = useQuery({
    queryKey: ["head", chain],
    queryFn: () => readHead(rpc),
    refetchInterval: INTERVAL,
    structuralSharing: false,
  });
  return data;
}

/** The time of the chain's last block, in unix seconds. Undefined until it is known. */
export function useHeadTime(): bigint | undefined {
  return useHead()?.time;
}

/** The chain's clock: the time of its last block, and what has passed since the page saw it. Undefined until it is known. */
export function useChainClock(): bigint | undefined {
  const head = useHead();
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), SECOND);
    return () => clearInterval(timer);
  }, []);
  return head === undefined ? undefined : head.time + BigInt(Math.floor((performance.now() - head.seen) / SECOND));
}
