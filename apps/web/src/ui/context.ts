import { createContext, useContext } from "react";

import type { Network } from "../config";

export const NetworkContext = createContext<Network | undefined>(undefined);

/** Returns the network that the page shows. */
export function useNetwork(): Network {
  const network = useContext(NetworkContext);
  if (network === undefined) throw new Error("There is no network outside of NetworkContext");
  return network;
}
