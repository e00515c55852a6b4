import { useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";

import type { TuringFog } from "@turingfog/sdk/ethers";
import { useWallets } from "../wallet/session";
import { wordsOf } from "../wallet/words";
import { useNetwork } from "./context";
import { Id } from "./Fact";

/** Sends something by the wallet's client, and resolves to the hash of the last transaction once it is mined. */
export type Run = (fog: TuringFog, account: string) => Promise<string>;

type State =
  { kind: "idle" } | { kind: "busy" } | { kind: "done"; transaction: string } | { kind: "failed"; words: string };

interface Props {
  /** What the button says. */
  label: string;
  run: Run;
  /** What is said once it is done. */
  done: string;
  isDisabled?: boolean;
  children?: ReactNode;
}

/** A button that acts by the wallet: says what is missing before, what happens, and what came of it. */
export function Act({ label, run, done, isDisabled = false, children }: Props) {
  const network = useNetwork();
  const { session, wallets } = useWallets();
  const queries = useQueryClient();
  const [state, setState] = useState<State>({ kind: "idle" });
  const act = async () => {
    if (session === undefined) return;
    setState({ kind: "busy" });
    try {
      const { senderOf } = await import("../wallet/sender");
      const transaction = await run(await senderOf(network, session), session.account);
      setState({ kind: "done", transaction });
      await queries.invalidateQueries();
    } catch (error) {
      setState({ kind: "failed", words: wordsOf(error) });
    }
  };
  const isElsewhere = session !== undefined && session.chainId !== network.chainId;
  return (
    <form
      className="act"
      onSubmit={(event) => {
        event.preventDefault();
        void act();
      }}
    >
      {children}
      <div className="actions">
        {isElsewhere ? (
          <SwitchChain onFailed={(words) => setState({ kind: "failed", words })} />
        ) : (
          <button type="submit" disabled={session === undefined || state.kind === "busy" || isDisabled}>
            {state.kind === "busy" ? "Waiting for the wallet and the chain…" : label}
          </button>
        )}
        {session === undefined && (
          <span className="hint">
            {wallets.length === 0 ? "No wallet has announced itself to this page." : "Connect a wallet first."}
          </span>
        )}
      </div>
      <div aria-live="polite">
        {state.kind === "done" && (
          <p className="done">
            {done} <Id kind="tx" id={state.transaction} />
          </p>
        )}
        {state.kind === "failed" && (
          <p className="problem" role="alert" data-known>
            {state.words}
          </p>
        )}
      </div>
    </form>
  );
}

/** Asks the wallet to go to the chain of the page. */
function SwitchChain({ onFailed }: { onFailed: (words: string) => void }) {
  const { chainId, title } = useNetwork();
  const { session } = useWallets();
  const ask = () => {
    const params = [{ chainId: `0x${chainId.toString(16)}` }];
    session?.wallet.provider
      .request({ method: "wallet_switchEthereumChain", params })
      .catch((error: unknown) => onFailed(wordsOf(error)));
  };
  return (
    <>
      <button type="button" onClick={ask}>
        Switch the wallet to {title}
      </button>
      <span className="hint" data-known>
        The wallet is on chain {session?.chainId}, the page shows chain {chainId}.
      </span>
    </>
  );
}
