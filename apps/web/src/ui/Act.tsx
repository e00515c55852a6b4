import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";

import type { SafeFrame } from "../wallet/safe";
import type { Run, Sent } from "../wallet/sender";
import { INTERVAL } from "../index/sql";
import { useWallets } from "../wallet/session";
import { SentError, wordsOf } from "../wallet/words";
import { useNetwork } from "./context";
import { Id } from "./Fact";

export type { Run };

type State = { kind: "idle" } | { kind: "busy" } | Sent | { kind: "failed"; words: string; transaction?: string };

interface Props {
  /** What the button says. */
  label: string;
  /** Says what is to be sent. */
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
      const { send } = await import("../wallet/sender");
      setState(await send(network, session, run));
      await queries.invalidateQueries();
    } catch (error) {
      const transaction = error instanceof SentError ? error.transaction : undefined;
      setState({ kind: "failed", words: wordsOf(error), transaction });
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
        {session?.wallet.safe !== undefined && (
          <span className="hint">
            It is proposed to the Safe, and done when its owners have signed and executed it.
          </span>
        )}
      </div>
      <div aria-live="polite">
        {state.kind === "mined" && <Done words={done} transaction={state.transaction} />}
        {state.kind === "proposed" && <Proposed safe={state.safe} safeTxHash={state.safeTxHash} done={done} />}
        {state.kind === "failed" && (
          <p className="problem" role="alert" data-known>
            {state.words}
            {state.transaction !== undefined && (
              <>
                {" "}
                It was sent as <Id kind="tx" id={state.transaction} />: see what has become of it before you try again.
              </>
            )}
          </p>
        )}
      </div>
    </form>
  );
}

function Done({ words, transaction }: { words: string; transaction: string }) {
  return (
    <p className="done">
      {words} <Id kind="tx" id={transaction} />
    </p>
  );
}

/** Says what has become of what was proposed to a Safe. */
function Proposed({ safe, safeTxHash, done }: { safe: SafeFrame; safeTxHash: string; done: string }) {
  const { data } = useQuery({
    queryKey: ["proposal", safeTxHash],
    queryFn: () => safe.proposal(safeTxHash),
    refetchInterval: ({ state: { data: last } }) => (last === undefined || last.kind === "waiting" ? INTERVAL : false),
  });
  if (data?.kind === "executed") return <Done words={done} transaction={data.transaction} />;
  if (data?.kind === "failed" || data?.kind === "cancelled") {
    return (
      <p className="problem" role="alert">
        {data.kind === "failed"
          ? "The Safe has executed it, and the transaction has failed."
          : "The Safe's owners have cancelled it."}
      </p>
    );
  }
  return (
    <p className="done">
      Proposed to the Safe, as <Id kind="hash" id={safeTxHash} />. Nothing is on the chain until enough of its owners
      have signed it and one has executed it.
    </p>
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
