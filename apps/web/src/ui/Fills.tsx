import { formatInstant } from "@turingfog/sdk";
import type { Assets } from "../index/assets";
import { rowsOf, type RowsOf } from "../index/sql";
import { linkTo } from "../routes";
import { useNetwork } from "./context";
import { Export } from "./Export";
import { Amount, Id, Instant, RoundId, type FactName } from "./Fact";
import { Section } from "./parts";
import { Table, type Column } from "./Table";

/** Returns the question for sales of lots. */
export function fillsWhere(rest: string) {
  return rowsOf(
    "fills",
    ["id", "bucketId", "round", "asset", "buyer", "to", "amount", "tftPaid", "price", "time", "transactionHash"],
    { rest },
  );
}

type Fill = RowsOf<ReturnType<typeof fillsWhere>>[number];

/** Sales, the latest first. */
export function Fills({ fills, assets, count }: { fills: readonly Fill[]; assets: Assets; count: FactName }) {
  const { chain } = useNetwork();
  const tx = ({ transactionHash }: Fill) => linkTo(chain, "tx", transactionHash);
  const columns: Column<Fill>[] = [
    {
      ...{ head: "When", width: 11.5 },
      cell: (fill) => <Instant fact={`event:${fill.id}:time`} value={BigInt(fill.time)} proof={tx(fill)} />,
    },
    {
      ...{ head: "Lot", width: 7 },
      cell: ({ round, asset }) => <RoundId round={BigInt(round)} asset={asset} symbol={assets.of(asset).symbol} />,
    },
    {
      ...{ head: "Sold", align: "end", width: 9 },
      cell: (fill) => {
        const { decimals, symbol } = assets.of(fill.asset);
        return (
          <Amount
            fact={`event:${fill.id}:amount`}
            value={BigInt(fill.amount)}
            decimals={decimals}
            unit={symbol}
            proof={tx(fill)}
          />
        );
      },
    },
    {
      ...{ head: "For", align: "end", width: 9 },
      cell: (fill) => (
        <Amount
          fact={`event:${fill.id}:tftPaid`}
          value={BigInt(fill.tftPaid)}
          decimals={18}
          unit="TFT"
          shown={4}
          proof={tx(fill)}
        />
      ),
    },
    {
      ...{ head: "Price", align: "end", width: 11 },
      cell: (fill) => (
        <Amount
          fact={`event:${fill.id}:price`}
          value={BigInt(fill.price)}
          decimals={18}
          unit={`TFT per ${assets.of(fill.asset).symbol}`}
          proof={tx(fill)}
        />
      ),
    },
    { head: "Buyer", width: 8, cell: ({ buyer }) => <Id kind="address" id={buyer} /> },
  ];
  return (
    <Section
      title="Sales"
      note="The latest 500, each destroyed in the same transaction."
      aside={<Export name="fills" rows={fills} />}
    >
      <Table
        label="Sales"
        count={count}
        columns={columns}
        rows={fills}
        keyOf={({ id }) => id}
        wordsOf={({ asset, round, buyer, transactionHash, time }) =>
          `${assets.of(asset).symbol} #${round} ${buyer} ${transactionHash} ${formatInstant(BigInt(time))}`
        }
        empty="Nothing was sold yet."
      />
    </Section>
  );
}
