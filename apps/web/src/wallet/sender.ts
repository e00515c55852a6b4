import { BrowserProvider, getAddress } from "ethers";

import { mined, TuringFog } from "@turingfog/sdk/ethers";
import type { Network } from "../config";
import type { Session } from "./session";

export { mined };

/** Connects a client that sends by a wallet. */
export async function senderOf({ addresses, chainId, firstBlock }: Network, session: Session): Promise<TuringFog> {
  const provider = new BrowserProvider(session.wallet.provider, chainId, { cacheTimeout: -1 });
  const signer = await provider.getSigner(getAddress(session.account));
  return new TuringFog(addresses, signer, { since: firstBlock });
}
