import { useState } from "react";

import { accountOf } from "../account";
import { linkTo } from "../routes";
import { useNetwork } from "./context";

/** A field for the account that a page is about; the page's link carries it. */
export function Lookup({ page, account, what }: { page: string; account?: string; what: string }) {
  const { chain } = useNetwork();
  const [text, setText] = useState(account ?? "");
  const [isWrong, setIsWrong] = useState(false);
  return (
    <form
      className="lookup"
      onSubmit={(event) => {
        event.preventDefault();
        const named = accountOf(text.trim());
        setIsWrong(named === undefined);
        if (named !== undefined) window.location.hash = linkTo(chain, page, named);
      }}
    >
      <label className="field">
        <span>{what}</span>
        <input
          value={text}
          placeholder="0x and 40 hex digits"
          spellCheck={false}
          aria-invalid={isWrong}
          onChange={({ target }) => setText(target.value)}
        />
      </label>
      <button type="submit">Show</button>
      {isWrong && (
        <p role="alert" className="word bad">
          This is no address: expected 0x followed by 40 hex digits.
        </p>
      )}
    </form>
  );
}
