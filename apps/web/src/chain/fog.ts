import { JsonRpcProvider } from "ethers";

import { TuringFog } from "@turingfog/sdk/ethers";
import type { Network } from "../config";

/** Connects to the network's node. */
export function openProvider({ rpc, chainId }: Network): JsonRpcProvider {
  return new JsonRpcProvider(rpc, chainId, { staticNetwork: true });
}

/** Connects a client that reads through the network's node. */
export function openClient(network: Network): TuringFog {
  return new TuringFog(network.addresses, openProvider(network), { since: network.firstBlock });
}
