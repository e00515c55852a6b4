import { BrowserProvider, getAddress, type Signer, VoidSigner } from "ethers";

import { mined, TuringFog, withRevertDecoded, withTransferExplained } from "@turingfog/sdk/ethers";
import { openProvider } from "../chain/fog";
import type { Network } from "../config";
import type { Calls } from "./acts";
import type { SafeFrame } from "./safe";
import type { Session } from "./session";
import { SentError } from "./words";

/** Returns what is to be sent, by a client of the account that sends it. */
export type Run = (fog: TuringFog, account: string) => Promise<Calls>;

/** What came of an act: its last transaction is mined, or all of it is proposed to the owners of a Safe. */
export type Sent = { kind: "mined"; transaction: string } | { kind: "proposed"; safe: SafeFrame; safeTxHash: string };

/** Sends an act by a wallet, or proposes it to the Safe around the page. */
export async function send(network: Network, { wallet, account }: Session, run: Run): Promise<Sent> {
  const { safe, provider } = wallet;
  const from = getAddress(account);
  const signer: Signer =
    safe === undefined
      ? await new BrowserProvider(provider, network.chainId, { cacheTimeout: -1 }).getSigner(from)
      : new VoidSigner(from, openProvider(network));
  const acts = await run(new TuringFog(network.addresses, signer, { since: network.firstBlock }), account);
  if (safe === undefined) return { kind: "mined", transaction: await sendAll(signer, acts) };
  await tryFirst(signer, acts);
  return { kind: "proposed", safe, safeTxHash: await safe.propose(acts.calls) };
}

/**
 * Sends one call after the other, and returns the hash of the last transaction that was mined.
 * @throws SentError if it goes wrong once a transaction is sent
 */
export async function sendAll(signer: Signer, { calls, moved }: Calls): Promise<string> {
  let hash = "";
  for (const [i, call] of calls.entries()) {
    const explained = <T>(result: Promise<T>) =>
      i === calls.length - 1 && moved !== undefined ? withTransferExplained(result, signer, moved) : result;
    const sent = await explained(withRevertDecoded(signer.sendTransaction(call)));
    try {
      ({ hash } = await explained(mined(Promise.resolve(sent))));
    } catch (error) {
      throw new SentError(sent.hash, error);
    }
  }
  return hash;
}

/** Tries the first call before it is proposed. Those after it count on it, and cannot be tried yet. */
async function tryFirst(signer: Signer, { calls, moved }: Calls): Promise<void> {
  const tried = withRevertDecoded(signer.estimateGas(calls[0]));
  await (calls.length === 1 && moved !== undefined ? withTransferExplained(tried, signer, moved) : tried);
}
