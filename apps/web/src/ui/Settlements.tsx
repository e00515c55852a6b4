import { decodeBucketId } from "@turingfog/sdk";
import type { Assets } from "../index/assets";
import { rowsOf, type RowsOf } from "../index/sql";
import { linkTo } from "../routes";
import { useNetwork } from "./context";
import { Export } from "./Export";
import { Amount, Id, Instant, RoundId, type FactName } from "./Fact";
import { Section } from "./parts";
import { Table, type Column } from "./Table";

/** Returns the question for settlements. */
export function settlementsWhere(rest: string) {
  return rowsOf(
    "settlements",
    ["id", "kind", "orderId", "nodeId", "asset", "tuSettled", "earned", "time", "transactionHash"],
    { nullable: ["bucketId"], rest },
  );
}

export type SettlementRow = RowsOf<ReturnType<typeof settlementsWhere>>[number];

interface Props {
  settlements: readonly SettlementRow[];
  assets: Assets;
  count: FactName;
}

/** Receipts and acknowledgements that were settled, with what each has earned. */
export function Settlements({ settlements, assets, count }: Props) {
  const { chain } = useNetwork();
  const tx = ({ transactionHash }: SettlementRow) => linkTo(chain, "tx", transactionHash);
  const columns: Column<SettlementRow>[] = [
    {
      ...{ head: "When", width: 11.5 },
      cell: (row) => <Instant fact={`event:${row.id}:time`} value={BigInt(row.time)} proof={tx(row)} />,
    },
    { head: "By", width: 8.5, cell: ({ kind }) => kind },
    { head: "Order", width: 11.6, cell: ({ orderId }) => <Id kind="order" id={orderId} /> },
    { head: "Node", width: 7, cell: ({ nodeId }) => <Id kind="node" id={nodeId} /> },
    {
      ...{ head: "Delivered so far", align: "end", width: 8 },
      cell: (row) => (
        <Amount
          fact={`event:${row.id}:tuSettled`}
          value={BigInt(row.tuSettled)}
          decimals={18}
          unit="TU"
          proof={tx(row)}
        />
      ),
    },
    {
      ...{ head: "Earned", align: "end", width: 8 },
      cell: (row) => {
        const { decimals, symbol } = assets.of(row.asset);
        return (
          <Amount
            fact={`event:${row.id}:earned`}
            value={BigInt(row.earned)}
            decimals={decimals}
            unit={symbol}
            proof={tx(row)}
          />
        );
      },
    },
    {
      ...{ head: "In round", width: 7 },
      cell: ({ bucketId }) => {
        if (bucketId === null) return "none";
        const { round, asset } = decodeBucketId(BigInt(bucketId));
        return <RoundId round={round} asset={asset.toLowerCase()} symbol={assets.of(asset).symbol} />;
      },
    },
  ];
  return (
    <Section
      title="Settlements"
      note="The latest 500. A receipt was checked by the oracle's signers; an acknowledgement is the word of the one who would be refunded."
      aside={<Export name="settlements" rows={settlements} />}
    >
      <Table
        label="Settlements"
        count={count}
        columns={columns}
        rows={settlements}
        keyOf={({ id }) => id}
        wordsOf={({ orderId, nodeId, kind, asset, transactionHash }) =>
          `${orderId} ${nodeId} ${kind} ${assets.of(asset).symbol} ${transactionHash}`
        }
        empty="Nothing was settled yet."
      />
    </Section>
  );
}
