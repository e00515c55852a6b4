import { JsonRpcProvider } from "ethers";

import { TuringFog } from "@turingfog/sdk/ethers";
import type { Network } from "../config";

/** Connects a client that reads through the network's node. */
export function openClient({ rpc, chainId, addresses, firstBlock }: Network): TuringFog {
  const provider = new JsonRpcProvider(rpc, chainId, { staticNetwork: true });
  return new TuringFog(addresses, provider, { since: firstBlock });
}
