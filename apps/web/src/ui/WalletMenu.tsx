import { useEffect, useState } from "react";

import { connect, disconnect, seekSafe, useWallets, type Wallet } from "../wallet/session";
import { wordsOf } from "../wallet/words";
import { useNetwork } from "./context";
import { Id } from "./Fact";

/** Connects a wallet, or says which account is connected. */
export function WalletMenu() {
  const { wallets, session } = useWallets();
  const { safe } = useNetwork();
  useEffect(() => {
    if (safe !== undefined) seekSafe(safe);
  }, [safe]);
  const [problem, setProblem] = useState<string>();
  const ask = (wallet: Wallet) => {
    setProblem(undefined);
    connect(wallet).catch((error: unknown) => setProblem(wordsOf(error)));
  };
  if (session !== undefined) {
    return (
      <div className="wallet">
        <span data-known>{session.wallet.info.name}</span> <Id kind="address" id={session.account} />
        <button type="button" className="quiet" onClick={disconnect}>
          Disconnect
        </button>
      </div>
    );
  }
  if (wallets.length === 0) return null;
  return (
    <div className="wallet">
      {wallets.map((wallet) => (
        <button type="button" className="quiet" key={wallet.info.uuid} onClick={() => ask(wallet)}>
          Connect {wallet.info.name}
        </button>
      ))}
      {problem !== undefined && (
        <span role="alert" className="word bad" data-known>
          {problem}
        </span>
      )}
    </div>
  );
}
