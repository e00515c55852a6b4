import { formatInstant } from "@turingfog/sdk";
import { useChain } from "../chain/client";
import { ASSETS, Assets, type Asset } from "../index/assets";
import { ordersWhere, type OrderRow, stageOf, STAGE_TONES } from "../index/orders";
import { rowsOf, type RowsOf } from "../index/sql";
import { useView } from "../index/view";
import { linkTo, type PageProps } from "../routes";
import { useNetwork } from "../ui/context";
import { Amount, Id, Instant, Word } from "../ui/Fact";
import { OpenResult } from "../ui/OpenResult";
import { OrderActs } from "../ui/OrderActs";
import { Problem, Section, Term, Terms } from "../ui/parts";
import { Settlements, settlementsWhere } from "../ui/Settlements";
import { Table, type Column } from "../ui/Table";
import { Viewed } from "../ui/Viewed";

const ZERO = /^0x0+$/;

export default function Order({ parts: [id = ""] }: PageProps) {
  return /^\d{1,78}$/.test(id) ? <OfId id={id} /> : <p>An order has a whole number as its id.</p>;
}

const deliveriesOn = (id: string) =>
  rowsOf("order_nodes", ["nodeId", "tuSettled", "earned"], {
    rest: `where t.order_id = ${id} order by t.node_id limit 500`,
  });

function OfId({ id }: { id: string }) {
  const view = useView(["order", id], {
    orders: ordersWhere(`where t.id = ${id}`),
    job: rowsOf("orders", ["jobHash"], { rest: `where t.id = ${id}` }),
    deliveries: deliveriesOn(id),
    settlements: settlementsWhere(`where t.order_id = ${id} order by t.id desc limit 500`),
    transfers: rowsOf("order_transfers", ["id", "from", "to", "time", "transactionHash"], {
      rest: `where t.order_id = ${id} order by t.id desc limit 200`,
    }),
    assets: ASSETS,
  });
  return (
    <Viewed view={view}>
      {({ tables: { orders, job, deliveries, settlements, transfers, assets: listed } }, now) => {
        const assets = new Assets(listed);
        if (orders.length === 0) return <p className="empty">No order was ever opened under this id.</p>;
        const [order] = orders;
        return (
          <>
            <div className="picture">
              <OrderTerms order={order} jobHash={job[0].jobHash} asset={assets.of(order.asset)} now={now} />
              {order.status === "open" && <Picture id={id} settled={order.tuSettled} endsAt={order.endsAt} />}
            </div>
            <OrderActs order={order} now={now} />
            <OpenResult nodeId={order.nodeId} />
            {order.nodeId === "0" && <Deliveries id={id} deliveries={deliveries} asset={assets.of(order.asset)} />}
            <Settlements settlements={settlements} assets={assets} count={`order:${id}:settlements`} />
            <Holders id={id} transfers={transfers} />
          </>
        );
      }}
    </Viewed>
  );
}

function OrderTerms({ order, jobHash, asset, now }: { order: OrderRow; jobHash: string; asset: Asset; now: bigint }) {
  const { chain } = useNetwork();
  const { id, nodeId, transactionHash } = order;
  const proof = linkTo(chain, "tx", transactionHash);
  const stage = stageOf(order, now);
  const money = { decimals: asset.decimals, unit: asset.symbol, proof };
  const tu = { decimals: 18, unit: "TU", proof };
  return (
    <Terms>
      <Term name="Stage">
        <Word fact={`order:${id}:stage`} value={stage} tone={STAGE_TONES[stage]} />
      </Term>
      <Term name="Node">{nodeId === "0" ? "any attested node (joint order)" : <Id kind="node" id={nodeId} />}</Term>
      <Term name="Held by">
        <Id kind="address" id={order.holder} />
      </Term>
      <Term name="Paid by">
        <Id kind="address" id={order.payer} />
      </Term>
      <Term name="Bought">
        <Amount fact={`order:${id}:tuAmount`} value={BigInt(order.tuAmount)} {...tu} />
      </Term>
      <Term name="Delivered">
        <Amount fact={`order:${id}:tuSettled`} value={BigInt(order.tuSettled)} {...tu} />
      </Term>
      <Term name="Price">
        <Amount
          fact={`order:${id}:unitPrice`}
          value={BigInt(order.unitPrice)}
          {...money}
          unit={`${asset.symbol} per TU`}
        />
      </Term>
      <Term name="Deposit">
        <Amount fact={`order:${id}:deposit`} value={BigInt(order.deposit)} {...money} />
      </Term>
      <Term name="Spent">
        <Amount fact={`order:${id}:earned`} value={BigInt(order.earned)} {...money} />
      </Term>
      <Term name={order.refund === null ? "Comes back if nothing more is delivered" : "Refunded"}>
        {order.refund === null ? (
          <Amount fact={`order:${id}:refundable`} value={BigInt(order.deposit) - BigInt(order.earned)} {...money} />
        ) : (
          <Amount fact={`order:${id}:refund`} value={BigInt(order.refund)} {...money} />
        )}
      </Term>
      <Term name="Opened">
        <Instant fact={`order:${id}:startedAt`} value={BigInt(order.startedAt)} proof={proof} />
      </Term>
      <Term name={order.stoppedAt === null ? "Ends" : "Stopped"}>
        <Instant fact={`order:${id}:endsAt`} value={BigInt(order.endsAt)} proof={proof} />
      </Term>
      <Term name="Refund goes to">
        {ZERO.test(order.refundTo) ? "whoever holds it" : <Id kind="address" id={order.refundTo} />}
      </Term>
      <Term name="Job (SHA-256)">{ZERO.test(jobHash) ? "none" : <Id kind="hash" id={jobHash} />}</Term>
    </Terms>
  );
}

const CARD = "data:application/json;base64,";
const IMAGE = "data:image/svg+xml;base64,";

/** The order's own picture, as its contract draws it for wallets. */
function Picture({ id, settled, endsAt }: { id: string; settled: string; endsAt: string }) {
  const uri = useChain(["picture", id, settled, endsAt], ({ escrow }) => escrow.tokenURI(id));
  if (uri.isError) return <Problem error={uri.error} onRetry={() => void uri.refetch()} />;
  if (uri.data === undefined) return null;
  const image = uri.data.startsWith(CARD) ? imageOf(uri.data) : undefined;
  return image === undefined ? null : (
    <img src={image} alt={`The picture of order ${id}, drawn by its contract from the terms beside it`} />
  );
}

/** Returns the picture in a card; undefined if it is of another kind than the contracts draw. */
function imageOf(uri: string): string | undefined {
  const { image } = JSON.parse(atob(uri.slice(CARD.length))) as { image?: unknown };
  return typeof image === "string" && image.startsWith(IMAGE) ? image : undefined;
}

type Delivery = RowsOf<ReturnType<typeof deliveriesOn>>[number];

function Deliveries({ id, deliveries, asset }: { id: string; deliveries: readonly Delivery[]; asset: Asset }) {
  const columns: Column<Delivery>[] = [
    { head: "Node", cell: ({ nodeId }) => <Id kind="node" id={nodeId} /> },
    {
      ...{ head: "Delivered", align: "end" },
      cell: ({ nodeId, tuSettled }) => (
        <Amount fact={`delivery:${id}/${nodeId}:tuSettled`} value={BigInt(tuSettled)} decimals={18} unit="TU" />
      ),
    },
    {
      ...{ head: "Earned", align: "end" },
      cell: ({ nodeId, earned }) => (
        <Amount
          fact={`delivery:${id}/${nodeId}:earned`}
          value={BigInt(earned)}
          decimals={asset.decimals}
          unit={asset.symbol}
        />
      ),
    },
  ];
  return (
    <Section title="Delivered by" note="The first 500 nodes.">
      <Table
        label="Delivered by"
        count={`order:${id}:deliveries`}
        columns={columns}
        rows={deliveries}
        keyOf={({ nodeId }) => nodeId}
        empty="Nothing was settled yet."
      />
    </Section>
  );
}

interface Transfer {
  id: string;
  from: string;
  to: string;
  time: string;
  transactionHash: string;
}

function Holders({ id, transfers }: { id: string; transfers: readonly Transfer[] }) {
  const { chain } = useNetwork();
  const columns: Column<Transfer>[] = [
    {
      ...{ head: "When", width: 11.5 },
      cell: ({ id, time, transactionHash }) => (
        <Instant fact={`event:${id}:time`} value={BigInt(time)} proof={linkTo(chain, "tx", transactionHash)} />
      ),
    },
    { head: "From", cell: ({ from }) => (ZERO.test(from) ? "opened" : <Id kind="address" id={from} />) },
    { head: "To", cell: ({ to }) => (ZERO.test(to) ? "closed" : <Id kind="address" id={to} />) },
  ];
  return (
    <Section
      title="Hands it went through"
      note="The latest 200. An order is a token: who holds it can stop it and hand it over."
    >
      <Table
        label="Transfers"
        count={`order:${id}:transfers`}
        columns={columns}
        rows={transfers}
        keyOf={({ id }) => id}
        wordsOf={({ from, to, time }) => `${from} ${to} ${formatInstant(BigInt(time))}`}
        empty="The order's token was not minted yet."
      />
    </Section>
  );
}
