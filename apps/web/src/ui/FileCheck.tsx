import { useState } from "react";

import { clientOf } from "../chain/client";
import { useNetwork } from "./context";
import { Id } from "./Fact";
import { Problem, Section } from "./parts";

interface Right {
  dataHash: string;
  receipts: number;
}

type State = { kind: "idle" | "busy" } | ({ kind: "right" } & Right) | { kind: "wrong"; error: Error };

/**
 * Checks the published file of a root: its hash, its form to the byte, and that its receipts make the root. What the hash must
 * be is asked of the chain, so that the index is not trusted.
 */
export function FileCheck({ root }: { root: string }) {
  const network = useNetwork();
  const servers = network.receipts;
  const [state, setState] = useState<State>({ kind: "idle" });
  const check = async (file?: File) => {
    setState({ kind: "busy" });
    try {
      const [{ checkReceipts, fetchReceipts }, { takenHash }, { contracts, runner }] = await Promise.all([
        import("../receipts"),
        import("../chain/taken"),
        clientOf(network),
      ]);
      if (!runner.provider) throw new Error(`No node of ${network.chain} is connected`);
      const range = { provider: runner.provider, since: network.firstBlock };
      const expected = { root, dataHash: await takenHash(contracts, range, root) };
      const { length } = await (file === undefined
        ? fetchReceipts(servers, expected)
        : checkReceipts(file.stream(), expected));
      setState({ kind: "right", dataHash: expected.dataHash, receipts: length });
    } catch (error) {
      setState({ kind: "wrong", error: error instanceof Error ? error : new Error(String(error)) });
    }
  };
  return (
    <Section
      title="Its file"
      note="The signers publish the receipts of a root in one file. The browser reads it, hashes it and builds its tree: both must be what the oracle has taken, which the browser asks the chain's node and not the index."
    >
      <div className="actions">
        {servers.length > 0 && (
          <button type="button" disabled={state.kind === "busy"} onClick={() => void check()}>
            Download and check
          </button>
        )}
        <label className="field">
          <span>Check a file of your own</span>
          <input
            type="file"
            accept="application/json,.json"
            disabled={state.kind === "busy"}
            onChange={({ target }) => {
              const file = target.files?.[0];
              if (file !== undefined) void check(file);
            }}
          />
        </label>
      </div>
      <div aria-live="polite">
        {state.kind === "busy" && <p className="loading">Reading the file…</p>}
        {state.kind === "right" && (
          <p className="done">
            The file is right:{" "}
            <data data-fact={`root:${root}:receipts`} data-decimals={0} value={state.receipts}>
              {state.receipts}
            </data>{" "}
            receipts, whose root and hash, <Id kind="hash" id={state.dataHash} />, are those that the oracle has taken.
          </p>
        )}
        {state.kind === "wrong" && <Problem error={state.error} />}
      </div>
    </Section>
  );
}
