import { useState } from "react";

import type { ResultFile } from "../result";
import { useNetwork } from "./context";
import { Problem, Section } from "./parts";

type State =
  { kind: "idle" | "busy" } | { kind: "open"; files: readonly ResultFile[] } | { kind: "failed"; error: Error };

/** Decrypts the result of an order with the renter's key, in the browser alone. */
export function OpenResult({ nodeId }: { nodeId: string }) {
  const { chainId, addresses } = useNetwork();
  const [sealed, setSealed] = useState<File>();
  const [key, setKey] = useState("");
  const [state, setState] = useState<State>({ kind: "idle" });
  const open = async () => {
    if (sealed === undefined) return;
    setState({ kind: "busy" });
    try {
      const { openResult } = await import("../result");
      const terms = { chainId, escrow: addresses.escrow, nodeId: BigInt(nodeId) };
      setState({ kind: "open", files: await openResult(sealed, key, terms) });
    } catch (error) {
      setState({ kind: "failed", error: error instanceof Error ? error : new Error(String(error)) });
    }
  };
  return (
    <Section
      title="Open the result"
      note="Decrypts a result with the order's result.key. File and key stay in the browser. The node, or a signer for fourteen days, hands the encrypted result to whoever asks."
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void open();
        }}
      >
        <div className="fields">
          <label className="field">
            <span>The encrypted result</span>
            <input type="file" onChange={({ target }) => setSealed(target.files?.[0])} />
          </label>
          <label className="field">
            <span>The key in result.key</span>
            <input
              type="password"
              value={key}
              autoComplete="off"
              placeholder="AGE-SECRET-KEY-…"
              onChange={({ target }) => setKey(target.value)}
            />
          </label>
        </div>
        <div className="actions">
          <button type="submit" disabled={sealed === undefined || key === "" || state.kind === "busy"}>
            {state.kind === "busy" ? "Decrypting…" : "Decrypt"}
          </button>
        </div>
      </form>
      <div aria-live="polite">
        {state.kind === "open" && <Files files={state.files} />}
        {state.kind === "failed" && <Problem error={state.error} />}
      </div>
    </Section>
  );
}

function Files({ files }: { files: readonly ResultFile[] }) {
  const save = async ({ path, content }: ResultFile) => {
    const { save } = await import("../download");
    save(path.split("/").at(-1) ?? path, content);
  };
  return (
    <ul className="files" data-known>
      {files.map((file) => (
        <li key={file.path}>
          <span className="id">{file.path}</span> <span className="unit">{file.content.size} bytes</span>
          <button type="button" className="quiet" onClick={() => void save(file)}>
            Save
          </button>
        </li>
      ))}
    </ul>
  );
}
