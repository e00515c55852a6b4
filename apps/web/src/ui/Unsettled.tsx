import { useState } from "react";

import { DAY, RootStatus, settleReceipt, SkipReason, type Settlement } from "@turingfog/sdk";
import type { Assets } from "../index/assets";
import { ordersWhere } from "../index/orders";
import { STATUS_TONES, statusOf } from "../index/rootStatus";
import { rowsBy, rowsOf, type RowsOf } from "../index/sql";
import { useView } from "../index/view";
import type { Findings, Found } from "../receipts";
import { linkTo } from "../routes";
import { useNetwork } from "./context";
import { Amount, Id, Instant, Word } from "./Fact";
import { Problem, Section } from "./parts";
import { Table, type Column } from "./Table";

/** The roots whose receipts may not be settled yet: those in their window, and those final since a day at most. */
export const ROOTS = rowsBy(
  `select r.receipts_root "root", r.data_hash "dataHash", r.submitted_at "submittedAt", r.final_at "finalAt"
   from roots r join snapshot s on r.final_at > s.time - ${DAY}
   where r.vetoed_at is null and r.expired_at is null order by r.submitted_at`,
  ["root", "dataHash", "submittedAt", "finalAt"],
);

/** Returns the question for the attestations of nodes, by which receipts are paid. */
export function attestationsOf(nodes: string) {
  return rowsOf("attestations", ["nodeId", "from", "until"], {
    rest: `join nodes n on n.id = t.node_id where ${nodes} order by t.node_id, t."from"`,
  });
}

interface Node {
  id: string;
  ratePerDay: string;
  attestedFrom: string;
  attestedUntil: string;
}

interface Props {
  nodes: readonly Node[];
  attestations: RowsOf<ReturnType<typeof attestationsOf>>;
  roots: RowsOf<typeof ROOTS>;
  assets: Assets;
  now: bigint;
}

type State = { kind: "idle" | "busy" } | ({ kind: "read" } & Findings) | { kind: "failed"; error: Error };

/** Receipts of nodes in the files of roots, and what each will earn once it is settled. */
export function Unsettled(props: Props) {
  const { receipts: servers } = useNetwork();
  const { nodes, roots } = props;
  const [state, setState] = useState<State>({ kind: "idle" });
  if (servers.length === 0 || nodes.length === 0) return null;
  const read = async () => {
    setState({ kind: "busy" });
    try {
      const { findReceipts } = await import("../receipts");
      const ids = new Set(nodes.map(({ id }) => BigInt(id)));
      setState({ kind: "read", ...(await findReceipts(servers, roots, ids)) });
    } catch (error) {
      setState({ kind: "failed", error: error instanceof Error ? error : new Error(String(error)) });
    }
  };
  return (
    <Section
      title="Receipts that are not settled"
      note="The signers publish the receipts of a root in one file. The browser reads those of the roots that are in their veto window or are final since a day at most, and checks each against its root."
    >
      <div className="actions">
        <button type="button" disabled={state.kind === "busy" || roots.length === 0} onClick={() => void read()}>
          {state.kind === "busy" ? "Reading the files…" : "Read the files"}
        </button>
        {roots.length === 0 && <span className="hint">No root waits now.</span>}
      </div>
      <div aria-live="polite">
        {state.kind === "failed" && <Problem error={state.error} />}
        {state.kind === "read" && state.problems.map((each) => <Problem key={each} error={new Error(each)} />)}
        {state.kind === "read" && <Receipts {...props} found={state.found} />}
      </div>
    </Section>
  );
}

/** A receipt, with what its settlement comes to. */
interface Row extends Found {
  status: RootStatus;
  finalAt: bigint;
  asset: string;
  settlement: Settlement;
}

function Receipts({ found, assets, ...props }: Props & { found: readonly Found[] }) {
  const { chain } = useNetwork();
  const ids = [...new Set(found.map(({ receipt }) => String(receipt.orderId)))].join(", ");
  const { data, error, refetch } = useView(["unsettled", ids], {
    orders: ordersWhere(`where t.id in (${ids || "0"})`),
    deliveries: rowsOf("order_nodes", ["orderId", "nodeId", "tuSettled"], {
      rest: `where t.order_id in (${ids || "0"})`,
    }),
  });
  if (error !== null) return <Problem error={error} onRetry={refetch} />;
  if (data === undefined) return <p className="loading">Asking the index…</p>;
  const name = ({ root, receipt }: Found) => `receipt:${root}/${receipt.orderId}/${receipt.nodeId}` as const;
  const columns: Column<Row>[] = [
    { head: "Order", width: 11.6, cell: ({ receipt }) => <Id kind="order" id={String(receipt.orderId)} /> },
    { head: "Node", width: 7, cell: ({ receipt }) => <Id kind="node" id={String(receipt.nodeId)} /> },
    { head: "Root", width: 7.5, cell: ({ root }) => <Id kind="root" id={root} /> },
    {
      ...{ head: "Status", width: 6 },
      cell: ({ root, status }) => (
        <Word fact={`root:${root}:status`} value={RootStatus[status]} tone={STATUS_TONES[status]} />
      ),
    },
    {
      ...{ head: "Final at", width: 11.5 },
      cell: ({ root, finalAt }) => (
        <Instant fact={`root:${root}:finalAt`} value={finalAt} proof={linkTo(chain, "root", root)} />
      ),
    },
    {
      ...{ head: "Delivered by then", align: "end", width: 9 },
      cell: (row) => (
        <Amount fact={`${name(row)}:cumulativeTU`} value={row.receipt.cumulativeTU} decimals={18} unit="TU" />
      ),
    },
    {
      ...{ head: "Will earn", align: "end", width: 9 },
      cell: (row) => {
        const { settlement, asset } = row;
        if ("skipped" in settlement) return `nothing: ${reasonOf(settlement.skipped)}`;
        const { decimals, symbol } = assets.of(asset);
        return <Amount fact={`${name(row)}:earned`} value={settlement.earned} decimals={decimals} unit={symbol} />;
      },
    },
  ];
  return (
    <Table
      label="Receipts that are not settled"
      count="receipts::rows"
      columns={columns}
      rows={rowsFrom(found, data.tables, props)}
      keyOf={name}
      empty="The files hold no receipt of these nodes that is not settled."
    />
  );
}

/** Why a settlement passes a receipt over: OtherAsset is "other asset". */
function reasonOf(reason: SkipReason): string {
  return SkipReason[reason].replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

interface Tables {
  orders: RowsOf<ReturnType<typeof ordersWhere>>;
  deliveries: readonly { orderId: string; nodeId: string; tuSettled: string }[];
}

/** Settles receipts as the escrow will, one root after the other, and drops those that the chain has settled already. */
function rowsFrom(found: readonly Found[], { orders, deliveries }: Tables, props: Omit<Props, "assets">): Row[] {
  const key = (orderId: bigint | string, nodeId: bigint | string) => `${orderId}/${nodeId}`;
  const settled = new Map(deliveries.map((each) => [key(each.orderId, each.nodeId), BigInt(each.tuSettled)]));
  return found.flatMap(({ root, receipt }): Row[] => {
    const { orderId, nodeId } = receipt;
    const order = orders.find(({ id }) => id === String(orderId));
    const own = props.roots.find((each) => each.root === root);
    const node = props.nodes.find(({ id }) => id === String(nodeId));
    // a root that the chain has taken back since its file was read
    if (own === undefined || node === undefined) return [];
    const row = {
      ...{ root, receipt, asset: order?.asset ?? "", finalAt: BigInt(own.finalAt) },
      status: statusOf({ ...own, vetoedAt: null, expiredAt: null }, props.now),
    };
    if (order === undefined || order.status === "closed") {
      return [{ ...row, settlement: { skipped: SkipReason.UnknownOrder } }];
    }
    const before = settled.get(key(orderId, nodeId)) ?? 0n;
    let others = 0n;
    for (const [each, tu] of settled) if (each.startsWith(`${orderId}/`)) others += tu;
    const terms = {
      ...{ nodeId: BigInt(order.nodeId), unitPrice: BigInt(order.unitPrice), tuAmount: BigInt(order.tuAmount) },
      ...{ startedAt: BigInt(order.startedAt), endsAt: BigInt(order.endsAt) },
    };
    const standing = standingFrom(node, props.attestations);
    const settlement = settleReceipt(receipt, terms, standing, BigInt(own.submittedAt), before, others - before);
    if ("settled" in settlement) settled.set(key(orderId, nodeId), settlement.settled);
    else if (settlement.skipped === SkipReason.NothingNew) return [];
    return [{ ...row, settlement }];
  });
}

/** A node's standing as the registry has it: the last attestation, and the one before it. */
function standingFrom({ id, ratePerDay, attestedFrom, attestedUntil }: Node, attestations: Props["attestations"]) {
  const before = attestations.filter((each) => each.nodeId === id && BigInt(each.from) < BigInt(attestedFrom)).at(-1);
  const lapsed = before && { from: BigInt(before.from), until: BigInt(before.until) };
  return { attestedFrom: BigInt(attestedFrom), attestedUntil: BigInt(attestedUntil), rate: BigInt(ratePerDay), lapsed };
}
