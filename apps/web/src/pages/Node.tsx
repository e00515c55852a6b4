import { pricePerGpuHour, standingOf } from "@turingfog/sdk";
import { ASSETS, Assets, type Asset } from "../index/assets";
import { ordersWhere } from "../index/orders";
import { rowsOf, type RowsOf } from "../index/sql";
import { useView } from "../index/view";
import { linkTo, type PageProps } from "../routes";
import { useNetwork } from "../ui/context";
import { Amount, Count, Id, Instant, NO_LIMIT, Word } from "../ui/Fact";
import { OrderForm } from "../ui/OrderForm";
import { OrderTable } from "../ui/OrderTable";
import { Section, Term, Terms } from "../ui/parts";
import { Settlements, settlementsWhere } from "../ui/Settlements";
import { Table, type Column } from "../ui/Table";
import { Viewed } from "../ui/Viewed";

export default function Node({ parts: [id = ""] }: PageProps) {
  return /^\d{1,78}$/.test(id) ? <OfId id={id} /> : <p>A node has a whole number as its id.</p>;
}

const nodeWhere = (rest: string) =>
  rowsOf(
    "nodes",
    [
      ...(["id", "owner", "payout", "gpuModel", "gpuCount", "ratePerDay", "metadataURI", "registeredAt"] as const),
      ...(["attestedFrom", "attestedUntil", "orders", "tuSettled", "transactionHash"] as const),
    ],
    { nullable: ["gpuModelName"], rest },
  );

type NodeRow = RowsOf<ReturnType<typeof nodeWhere>>[number];

function OfId({ id }: { id: string }) {
  const view = useView(["node", id], {
    nodes: nodeWhere(`where t.id = ${id}`),
    listings: rowsOf("listings", ["asset", "unitPrice", "capacityTU"], {
      rest: `where t.node_id = ${id} and t.unit_price > 0`,
    }),
    attestations: rowsOf("attestations", ["from", "until", "evidence", "transactionHash"], {
      nullable: ["revokedAt", "undoneAt"],
      rest: `where t.node_id = ${id} order by t."from" desc`,
    }),
    orders: ordersWhere(`where t.node_id = ${id} order by t.started_at desc, t.id desc limit 500`),
    settlements: settlementsWhere(`where t.node_id = ${id} order by t.id desc limit 500`),
    assets: ASSETS,
  });
  return (
    <Viewed view={view}>
      {({ tables }, now) => {
        const assets = new Assets(tables.assets);
        const node = tables.nodes.at(0);
        if (node === undefined) return <p className="empty">No node was ever registered under this id.</p>;
        return (
          <>
            <NodeTerms node={node} now={now} />
            <Offers node={node} listings={tables.listings} assets={assets} />
            <Ordering node={node} listings={tables.listings} assets={assets} now={now} />
            <Attestations node={node} attestations={tables.attestations} />
            <OrderTable
              title="Orders on the node"
              note="The latest 500. Joint orders that it worked on stand among its settlements."
              orders={tables.orders}
              count={`node:${id}:orders`}
              {...{ assets, time: now }}
              empty="The node has had no order of its own."
            />
            <Settlements settlements={tables.settlements} assets={assets} count={`node:${id}:settlements`} />
          </>
        );
      }}
    </Viewed>
  );
}

const TONES = { attested: "good", pending: "wait", unattested: "bad" } as const;

function NodeTerms({ node, now }: { node: NodeRow; now: bigint }) {
  const { chain } = useNetwork();
  const { id, gpuModelName, gpuModel, transactionHash } = node;
  const proof = linkTo(chain, "tx", transactionHash);
  const [from, until] = [BigInt(node.attestedFrom), BigInt(node.attestedUntil)];
  const standing = standingOf(from, until, now);
  return (
    <Terms>
      <Term name="GPUs">
        <Count fact={`node:${id}:gpuCount`} value={BigInt(node.gpuCount)} proof={proof} /> ×{" "}
        {gpuModelName === null ? <Id kind="hash" id={gpuModel} /> : <span data-known>{gpuModelName}</span>}
      </Term>
      <Term name="Speed">
        <Amount
          fact={`node:${id}:ratePerDay`}
          value={BigInt(node.ratePerDay)}
          decimals={18}
          unit="TU a day"
          proof={proof}
        />
      </Term>
      <Term name="Standing">
        <Word fact={`node:${id}:standing`} value={standing} tone={TONES[standing]} />
        {until > 0n && (
          <>
            , from <Instant fact={`node:${id}:attestedFrom`} value={from} proof={proof} /> until{" "}
            <Instant fact={`node:${id}:attestedUntil`} value={until} proof={proof} />
          </>
        )}
      </Term>
      <Term name="Delivered on all orders">
        <Amount fact={`node:${id}:tuSettled`} value={BigInt(node.tuSettled)} decimals={18} unit="TU" proof={proof} />
      </Term>
      <Term name="Orders of its own">
        <Count fact={`node:${id}:orders`} value={BigInt(node.orders)} proof={proof} />
      </Term>
      <Term name="Registered">
        <Instant fact={`node:${id}:registeredAt`} value={BigInt(node.registeredAt)} proof={proof} />
      </Term>
      <Term name="Owner">
        <Id kind="address" id={node.owner} />
      </Term>
      <Term name="Paid to">
        <Id kind="address" id={node.payout} />
      </Term>
      <Term name="Document">
        {node.metadataURI === "" ? (
          "none"
        ) : (
          <span className="id" data-id={node.metadataURI}>
            {node.metadataURI}
          </span>
        )}
      </Term>
    </Terms>
  );
}

interface Listing {
  asset: string;
  unitPrice: string;
  capacityTU: string;
}

function Offers({ node, listings, assets }: { node: NodeRow; listings: readonly Listing[]; assets: Assets }) {
  const rating = BigInt(node.ratePerDay) / BigInt(node.gpuCount);
  const money = (asset: Asset, field: string, value: bigint) => (
    <Amount
      fact={`offer:${node.id}/${asset.address}:${field}`}
      value={value}
      decimals={asset.decimals}
      unit={asset.symbol}
    />
  );
  const columns: Column<Listing>[] = [
    { head: "Paid in", cell: ({ asset }) => <Id kind="address" id={asset} label={assets.of(asset).symbol} /> },
    {
      head: "Price per TU",
      align: "end",
      cell: ({ asset, unitPrice }) => money(assets.of(asset), "unitPrice", BigInt(unitPrice)),
    },
    {
      ...{ head: "Per GPU hour", align: "end" },
      cell: ({ asset, unitPrice }) =>
        money(assets.of(asset), "gpuHourPrice", pricePerGpuHour(BigInt(unitPrice), rating)),
    },
    {
      ...{ head: "Free", align: "end" },
      cell: ({ asset, capacityTU }) => (
        <Amount
          fact={`offer:${node.id}/${asset}:capacityTU`}
          value={BigInt(capacityTU)}
          decimals={18}
          unit="TU"
          limit={NO_LIMIT}
        />
      ),
    },
  ];
  return (
    <Section title="Offers">
      <Table
        label="Offers"
        count={`node:${node.id}:offers`}
        columns={columns}
        rows={listings}
        keyOf={({ asset }) => asset}
        empty="The node offers nothing now."
      />
    </Section>
  );
}

/** The form for an order, if the node takes orders now. */
function Ordering({
  node,
  listings,
  assets,
  now,
}: {
  node: NodeRow;
  listings: readonly Listing[];
  assets: Assets;
  now: bigint;
}) {
  const { id, gpuCount, ratePerDay, attestedFrom, attestedUntil } = node;
  const taken = listings.filter(({ asset }) => assets.of(asset).isListed);
  if (taken.length === 0 || standingOf(BigInt(attestedFrom), BigInt(attestedUntil), now) !== "attested") return null;
  const offers = taken.map(({ asset, unitPrice, capacityTU }) => {
    return { asset: assets.of(asset), unitPrice: BigInt(unitPrice), capacityTU: BigInt(capacityTU) };
  });
  const [count, rating] = [BigInt(gpuCount), BigInt(ratePerDay) / BigInt(gpuCount)];
  return <OrderForm nodeId={id} rating={rating} gpuCount={count} offers={offers} />;
}

interface Attestation {
  from: string;
  until: string;
  evidence: string;
  transactionHash: string;
  revokedAt: string | null;
  undoneAt: string | null;
}

function Attestations({ node: { id }, attestations }: { node: NodeRow; attestations: readonly Attestation[] }) {
  const { chain } = useNetwork();
  const proof = ({ transactionHash }: Attestation) => linkTo(chain, "tx", transactionHash);
  const columns: Column<Attestation>[] = [
    {
      head: "Counts from",
      cell: (row) => (
        <Instant fact={`attestation:${id}/${row.from}:from`} value={BigInt(row.from)} proof={proof(row)} />
      ),
    },
    {
      head: "Until",
      cell: (row) => (
        <Instant fact={`attestation:${id}/${row.from}:until`} value={BigInt(row.until)} proof={proof(row)} />
      ),
    },
    {
      head: "Ended early",
      cell: ({ revokedAt, undoneAt }) => (revokedAt !== null ? "revoked" : undoneAt !== null ? "undone" : "no"),
    },
    { head: "Log (SHA-256)", cell: ({ evidence }) => <Id kind="hash" id={evidence} /> },
  ];
  return (
    <Section title="Attestations" note="The signers have read the node's benchmark log each time.">
      <Table
        label="Attestations"
        count={`node:${id}:attestations`}
        columns={columns}
        rows={attestations}
        keyOf={({ from }) => from}
        empty="The node was never attested."
      />
    </Section>
  );
}
