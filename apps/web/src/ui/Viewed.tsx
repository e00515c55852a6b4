import type { ReactNode } from "react";

import { max } from "@turingfog/sdk";
import { useHeadTime } from "../index/clock";
import type { Snapshot } from "../index/sql";
import type { View } from "../index/view";
import { Count, Instant } from "./Fact";
import { Problem } from "./parts";

interface Props<T> {
  view: View<T>;
  /** @param now time of the chain's last block, which may be later than the last event: what depends on time goes by it */
  children: (data: Snapshot<T>, now: bigint) => ReactNode;
}

/** Draws what a page has read below the block that it is of. What was read last stays while the index is gone. */
export function Viewed<T>({ view, children }: Props<T>) {
  const { data, error, refetch } = view;
  const head = useHeadTime();
  const now = max(data?.time ?? 0n, head ?? 0n);
  return (
    <>
      {error !== null && <Problem error={error} onRetry={refetch} />}
      {data === undefined && error === null && <p className="loading">Asking the index…</p>}
      {data !== undefined && (
        <div data-block={String(data.block)} data-block-hash={data.blockHash} data-now={String(now)}>
          <p className="stamp">
            State as of block <Count fact="head::block" value={data.block} />,{" "}
            <Instant fact="head::time" value={data.time} />
            {error !== null && ", the last that the index told"}
          </p>
          {children(data, now)}
        </div>
      )}
    </>
  );
}
