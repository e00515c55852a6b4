import { pricePerGpuHour, standingOf, type Standing } from "@turingfog/sdk";
import { ASSETS, Assets, type Asset } from "../index/assets";
import { rowsBy, rowsOf, type RowsOf } from "../index/sql";
import { useView } from "../index/view";
import { linkTo } from "../routes";
import { useNetwork } from "../ui/context";
import { Export } from "../ui/Export";
import { Amount, Count, Id, Instant, NO_LIMIT, Word } from "../ui/Fact";
import { Section } from "../ui/parts";
import { grouped } from "../index/grouped";
import { Table, type Column } from "../ui/Table";
import { Viewed } from "../ui/Viewed";

const SELECTS = {
  nodes: rowsOf("nodes", ["id", "gpuCount", "gpuModel", "ratePerDay", "attestedFrom", "attestedUntil"], {
    nullable: ["gpuModelName"],
    rest: "order by t.id",
  }),
  listings: rowsOf("listings", ["nodeId", "asset", "unitPrice", "capacityTU"], { rest: "where t.unit_price > 0" }),
  assets: ASSETS,
};

/** What became of closed orders: adding up many takes the index longer than all the rest, which does not wait for it. */
const HISTORY = {
  closed: rowsBy(
    `select node_id "nodeId", sum(tu_amount) "bought", sum(tu_settled) "delivered" from orders
     where status = 'closed' and node_id > 0 group by node_id`,
    ["nodeId", "bought", "delivered"],
  ),
};

/** A node, with one of its offers if it has any. */
interface Row {
  id: string;
  gpu: string;
  gpuCount: bigint;
  rating: bigint;
  ratePerDay: bigint;
  standing: Standing;
  attestedFrom: bigint;
  attestedUntil: bigint;
  /** Undefined without closed orders; null until they are added up. */
  history?: { bought: bigint; delivered: bigint } | null;
  offer?: { asset: Asset; unitPrice: bigint; gpuHourPrice: bigint; capacityTU: bigint };
}

const TONES = { attested: "good", pending: "wait", unattested: "bad" } as const;

export default function Market() {
  const view = useView(["market"], SELECTS);
  const closed = useView(["market", "closed"], HISTORY).data;
  return (
    <Viewed view={view}>
      {({ tables, block }, time) => {
        // what is of another block is not shown beside it
        const rows = offersOf(tables, closed?.block === block ? closed.tables.closed : undefined, time);
        return (
          <Section
            title="Nodes"
            note="One row for each asset that a node takes. A TU is a day of one GTX 1080 Ti; the price for an hour of one GPU follows from the node's rating. Only attested nodes take orders."
            aside={<Export name="market" rows={rows.map(flat)} />}
          >
            <Offers rows={rows} />
          </Section>
        );
      }}
    </Viewed>
  );
}

function Offers({ rows }: { rows: readonly Row[] }) {
  const { chain } = useNetwork();
  const node = (id: string) => linkTo(chain, "node", id);
  const columns: Column<Row>[] = [
    { head: "Node", width: 7, cell: ({ id }) => <Id kind="node" id={id} /> },
    {
      ...{ head: "GPUs", width: 8.5 },
      cell: ({ id, gpu, gpuCount }) => (
        <span>
          <Count fact={`node:${id}:gpuCount`} value={gpuCount} /> × <span data-known>{gpu}</span>
        </span>
      ),
    },
    {
      ...{ head: "Standing", width: 11.5 },
      cell: ({ id, standing, attestedUntil }) => (
        <>
          <Word fact={`node:${id}:standing`} value={standing} tone={TONES[standing]} />
          {attestedUntil > 0n && (
            <small>
              until <Instant fact={`node:${id}:attestedUntil`} value={attestedUntil} proof={node(id)} />
            </small>
          )}
        </>
      ),
    },
    {
      ...{ head: "Speed", align: "end", width: 7.5 },
      cell: ({ id, ratePerDay }) => (
        <Amount fact={`node:${id}:ratePerDay`} value={ratePerDay} decimals={18} unit="TU a day" proof={node(id)} />
      ),
    },
    {
      ...{ head: "Price per TU", align: "end", width: 9 },
      cell: ({ id, offer }) =>
        offer === undefined ? (
          "no offer"
        ) : (
          <Amount
            fact={`offer:${id}/${offer.asset.address}:unitPrice`}
            value={offer.unitPrice}
            decimals={offer.asset.decimals}
            unit={offer.asset.symbol}
            proof={node(id)}
          />
        ),
    },
    {
      ...{ head: "Per GPU hour", align: "end", width: 9 },
      cell: ({ id, offer }) =>
        offer && (
          <Amount
            fact={`offer:${id}/${offer.asset.address}:gpuHourPrice`}
            value={offer.gpuHourPrice}
            decimals={offer.asset.decimals}
            unit={offer.asset.symbol}
            proof={node(id)}
          />
        ),
    },
    {
      ...{ head: "Free", align: "end", width: 7 },
      cell: ({ id, offer }) =>
        offer && (
          <Amount
            fact={`offer:${id}/${offer.asset.address}:capacityTU`}
            value={offer.capacityTU}
            decimals={18}
            unit="TU"
            shown={2}
            limit={NO_LIMIT}
            proof={node(id)}
          />
        ),
    },
    {
      ...{ head: "Delivered of closed", align: "end", width: 7.5 },
      cell: ({ id, history }) =>
        history === undefined ? (
          "none closed"
        ) : history === null ? (
          "…"
        ) : (
          <Amount
            fact={`node:${id}:deliveredShare`}
            value={(history.delivered * 10_000n) / history.bought}
            decimals={2}
            unit="%"
            proof={node(id)}
          />
        ),
    },
  ];
  return (
    <Table
      label="Nodes and offers"
      count="market::rows"
      columns={columns}
      rows={rows}
      keyOf={({ id, offer }) => `${id}/${offer?.asset.address ?? ""}`}
      wordsOf={wordsOf}
      empty="No node is registered yet."
    />
  );
}

function wordsOf({ id, gpu, standing, offer }: Row): string {
  return `${id} ${gpu} ${standing} ${offer?.asset.symbol ?? ""} ${offer?.asset.address ?? ""}`;
}

type Closed = RowsOf<typeof HISTORY.closed>;
type Tables = NonNullable<ReturnType<typeof useView<typeof SELECTS>>["data"]>["tables"];

/** The cheapest hour of a GPU first; nodes that take no orders last. */
function offersOf({ nodes, listings, assets: listed }: Tables, closed: Closed | undefined, time: bigint): Row[] {
  const assets = new Assets(listed);
  const byNode = grouped(
    listings.filter(({ asset }) => assets.of(asset).isListed),
    ({ nodeId }) => nodeId,
  );
  const histories = new Map(closed?.map((each) => [each.nodeId, each]));
  const rows = nodes.flatMap((node): Row[] => {
    const gpuCount = BigInt(node.gpuCount);
    const ratePerDay = BigInt(node.ratePerDay);
    const rating = ratePerDay / gpuCount;
    const [attestedFrom, attestedUntil] = [BigInt(node.attestedFrom), BigInt(node.attestedUntil)];
    const history = histories.get(node.id);
    const row: Row = {
      ...{
        id: node.id,
        gpu: node.gpuModelName ?? node.gpuModel,
        gpuCount,
        rating,
        ratePerDay,
        attestedFrom,
        attestedUntil,
      },
      standing: standingOf(attestedFrom, attestedUntil, time),
      history:
        closed === undefined
          ? null
          : history && { bought: BigInt(history.bought), delivered: BigInt(history.delivered) },
    };
    const offers = byNode.get(node.id);
    if (offers === undefined) return [row];
    return offers.map(({ asset, unitPrice, capacityTU }) => {
      const price = BigInt(unitPrice);
      const gpuHourPrice = pricePerGpuHour(price, rating);
      return {
        ...row,
        offer: { asset: assets.of(asset), unitPrice: price, gpuHourPrice, capacityTU: BigInt(capacityTU) },
      };
    });
  });
  return rows.sort((a, b) => rankOf(a) - rankOf(b) || compare(hourOf(a), hourOf(b)));
}

function rankOf({ standing, offer }: Row): number {
  return (standing === "attested" ? 0 : standing === "pending" ? 2 : 4) + (offer === undefined ? 1 : 0);
}

/** The price of an hour of one GPU in parts of a whole unit, for the order of rows alone. */
function hourOf({ offer }: Row): number {
  return offer === undefined ? Infinity : Number(offer.gpuHourPrice) / 10 ** offer.asset.decimals;
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function flat({ id, gpu, gpuCount, ratePerDay, standing, attestedUntil, offer }: Row): Record<string, string> {
  return {
    ...{ node: id, gpu, gpuCount: String(gpuCount), ratePerDay: String(ratePerDay), standing },
    ...{ attestedUntil: String(attestedUntil), asset: offer?.asset.address ?? "" },
    ...{ unitPrice: String(offer?.unitPrice ?? ""), gpuHourPrice: String(offer?.gpuHourPrice ?? "") },
    capacityTU: String(offer?.capacityTU ?? ""),
  };
}
