import type { Assets } from "../index/assets";
import { type OrderRow, stageOf, STAGE_TONES } from "../index/orders";
import { linkTo } from "../routes";
import { useNetwork } from "./context";
import { Export } from "./Export";
import { Amount, Id, Instant, Word, type FactName } from "./Fact";
import { Section } from "./parts";
import { Table, type Column } from "./Table";

interface Props {
  title: string;
  note: string;
  orders: readonly OrderRow[];
  assets: Assets;
  time: bigint;
  count: FactName;
  empty: string;
}

/** A list of orders, each with what was bought, delivered and spent. */
export function OrderTable({ title, note, orders, assets, time, count, empty }: Props) {
  const { chain } = useNetwork();
  const amount = (row: OrderRow, field: "tuAmount" | "tuSettled") => (
    <Amount
      fact={`order:${row.id}:${field}`}
      value={BigInt(row[field])}
      {...{ decimals: 18, unit: "TU", shown: 4, proof: linkTo(chain, "order", row.id) }}
    />
  );
  const money = (row: OrderRow, field: "deposit" | "earned" | "refund") => {
    const { decimals, symbol } = assets.of(row.asset);
    const value = row[field];
    const fact: FactName = `order:${row.id}:${field}`;
    return value === null ? (
      "open"
    ) : (
      <Amount
        fact={fact}
        value={BigInt(value)}
        decimals={decimals}
        unit={symbol}
        shown={4}
        proof={linkTo(chain, "order", row.id)}
      />
    );
  };
  const columns: Column<OrderRow>[] = [
    { head: "Order", width: 11.6, cell: ({ id }) => <Id kind="order" id={id} /> },
    {
      ...{ head: "Stage", width: 4.5 },
      cell: (row) => {
        const stage = stageOf(row, time);
        return <Word fact={`order:${row.id}:stage`} value={stage} tone={STAGE_TONES[stage]} />;
      },
    },
    {
      head: "Node",
      width: 6.3,
      cell: ({ nodeId }) => (nodeId === "0" ? "any (joint)" : <Id kind="node" id={nodeId} />),
    },
    { head: "Bought", align: "end", width: 5.5, cell: (row) => amount(row, "tuAmount") },
    { head: "Delivered", align: "end", width: 5.5, cell: (row) => amount(row, "tuSettled") },
    { head: "Deposit", align: "end", width: 8.2, cell: (row) => money(row, "deposit") },
    { head: "Spent", align: "end", width: 8.2, cell: (row) => money(row, "earned") },
    { head: "Refunded", align: "end", width: 7.2, cell: (row) => money(row, "refund") },
    {
      ...{ head: "Ends", width: 11.5 },
      cell: ({ id, endsAt }) => (
        <Instant fact={`order:${id}:endsAt`} value={BigInt(endsAt)} proof={linkTo(chain, "order", id)} />
      ),
    },
  ];
  return (
    <Section title={title} note={note} aside={<Export name="orders" rows={orders} />}>
      <Table
        label={title}
        count={count}
        columns={columns}
        rows={orders}
        keyOf={({ id }) => id}
        wordsOf={(row) =>
          `${row.id} ${row.nodeId} ${stageOf(row, time)} ${assets.of(row.asset).symbol} ${row.holder} ${row.payer}`
        }
        empty={empty}
      />
    </Section>
  );
}
