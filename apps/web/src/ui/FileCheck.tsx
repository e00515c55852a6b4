import { useState } from "react";

import { useNetwork } from "./context";
import { Problem, Section } from "./parts";

type State = { kind: "idle" | "busy" } | { kind: "right"; receipts: number } | { kind: "wrong"; error: Error };

/** Checks the published file of a root: its hash, its form to the byte, and that its receipts make the root. */
export function FileCheck({ root, dataHash }: { root: string; dataHash: string }) {
  const { receipts: servers } = useNetwork();
  const [state, setState] = useState<State>({ kind: "idle" });
  const check = async (open: () => Promise<ReadableStream<Uint8Array>>) => {
    setState({ kind: "busy" });
    try {
      const { checkReceipts } = await import("../receipts");
      setState({ kind: "right", receipts: (await checkReceipts(await open(), { root, dataHash })).length });
    } catch (error) {
      setState({ kind: "wrong", error: error instanceof Error ? error : new Error(String(error)) });
    }
  };
  const download = async () => {
    const { downloadReceipts } = await import("../receipts");
    return downloadReceipts(servers, dataHash);
  };
  return (
    <Section
      title="Its file"
      note="The signers publish the receipts of a root in one file. The browser reads it, hashes it and builds its tree: both must be what the oracle has taken."
    >
      <div className="actions">
        {servers.length > 0 && (
          <button type="button" disabled={state.kind === "busy"} onClick={() => void check(download)}>
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
              if (file !== undefined) void check(async () => file.stream());
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
            receipts, whose hash and root are those that the oracle has taken.
          </p>
        )}
        {state.kind === "wrong" && <Problem error={state.error} />}
      </div>
    </Section>
  );
}
