import { useQuery } from "@tanstack/react-query";

import type { SystemContracts, TuringFog } from "@turingfog/sdk/ethers";
import type { Network } from "../config";
import { INTERVAL } from "../index/sql";
import { useNetwork } from "../ui/context";

const clients = new Map<string, Promise<TuringFog>>();

/** Returns a client of a network's contracts through its node. The clients are loaded when the first is asked for. */
export function clientOf(network: Network): Promise<TuringFog> {
  const known = clients.get(network.chain) ?? import("./fog").then(({ openClient }) => openClient(network));
  clients.set(network.chain, known);
  return known;
}

/**
 * Reads from the contracts what the index does not tell; again whenever `name` changes.
 * @param isLive reads it again and again, as what it tells changes by itself
 */
export function useChain<T>(
  name: readonly unknown[],
  read: (contracts: SystemContracts) => Promise<T>,
  { isLive = false }: { isLive?: boolean } = {},
) {
  const network = useNetwork();
  return useQuery({
    queryKey: ["chain", network.chain, ...name],
    queryFn: async () => read((await clientOf(network)).contracts),
    refetchInterval: isLive && INTERVAL,
    // values of 256 bits are compared by React Query as they are
    structuralSharing: false,
  });
}
