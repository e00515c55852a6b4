import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { max } from "@turingfog/sdk";
import { type Head, useHead } from "../index/clock";
import { lateness, readReached } from "../index/reached";
import { INTERVAL, type Snapshot } from "../index/sql";
import type { View } from "../index/view";
import { useNetwork } from "./context";
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
  const { head, error: nodeError } = useHead();
  const late = useLateness(head);
  const now = max(data?.time ?? 0n, head?.time ?? 0n);
  return (
    <>
      {error !== null && <Problem error={error} onRetry={refetch} />}
      {error === null && late !== undefined && <Problem error={late} />}
      {nodeError !== null && <Problem error={nodeError} />}
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

/** Says that the index does not follow the chain, or does not tell whether it does. */
function useLateness(head: Head | undefined): Error | undefined {
  const { index, chain, chainId } = useNetwork();
  const { data, error } = useQuery({
    queryKey: ["reached", chain],
    queryFn: ({ signal }) => readReached(index, chainId, signal),
    refetchInterval: INTERVAL,
    structuralSharing: false,
  });
  if (error !== null) return error;
  return data === undefined || head === undefined ? undefined : lateness(index, data, head);
}
