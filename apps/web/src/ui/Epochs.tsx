import { useState } from "react";

import { DAY, rewardAt, TU } from "@turingfog/sdk";
import { useChain } from "../chain/client";
import { ASSETS, Assets } from "../index/assets";
import { rowsBy, rowsOf, type RowsOf } from "../index/sql";
import { useView } from "../index/view";
import { linkTo } from "../routes";
import { useNetwork } from "./context";
import { Amount, Instant, RoundId } from "./Fact";
import { Field, typed } from "./Field";
import { Problem, Section } from "./parts";
import { Table, type Column } from "./Table";

/** A settlement tells all TU of a node on an order: what is new of it is the difference to the one before. */
const SELECTS = {
  epochs: rowsBy(
    `select r.bucket_id "id", r.round "round", r.asset "asset", r.final_at "finalAt", r.reward "reward", s.tu "tu"
     from rounds r join (
       select d.bucket_id, sum(d.tu) tu from (
         select bucket_id, tu_settled - coalesce(lag(tu_settled) over (partition by order_id, node_id order by id), 0) tu
         from settlements
       ) d where d.bucket_id is not null group by d.bucket_id
     ) s on s.bucket_id = r.bucket_id
     where r.is_final and s.tu > 0 order by r.final_at desc, r.bucket_id limit 60`,
    ["id", "round", "asset", "finalAt", "reward", "tu"],
  ),
  models: rowsOf("models", ["rating", "from"], {
    nullable: ["name"],
    rest: "where t.name is not null and t.rating > 0 and t.undone_at is null order by t.rating, t.name",
  }),
  assets: ASSETS,
};

type Epoch = RowsOf<typeof SELECTS.epochs>[number];

/**
 * What an epoch of a GPU would have earned in each of the latest rounds that are final.
 * @param block block that the page is of: what is of another is not shown beside it
 */
export function Epochs({ block }: { block: bigint }) {
  const { data, error, refetch } = useView(["epochs"], SELECTS);
  const length = useChain(["epochLength"], ({ pool }) => pool.EPOCH_LENGTH());
  const problem = error ?? length.error;
  if (problem !== null)
    return <Problem error={problem} onRetry={error === null ? () => void length.refetch() : refetch} />;
  if (data?.block !== block || length.data === undefined) return <p className="loading">Asking the index…</p>;
  const { epochs, models, assets } = data.tables;
  const rated = models.filter(({ from }) => BigInt(from) <= data.time);
  return <OfGpu epochs={epochs} models={rated} assets={new Assets(assets)} length={length.data} />;
}

interface Props {
  epochs: readonly Epoch[];
  models: RowsOf<typeof SELECTS.models>;
  assets: Assets;
  /** Of an epoch, in seconds. */
  length: bigint;
}

const OWN = "";

function OfGpu({ epochs, models, assets, length }: Props) {
  const { chain } = useNetwork();
  const [model, setModel] = useState(models.at(0)?.name ?? OWN);
  const [text, setText] = useState("1");
  const own = typed(text, 18).value;
  const rating = models.find(({ name }) => name === model)?.rating;
  const perDay = rating === undefined ? own : BigInt(rating);
  const earned = (reward: string, tu: bigint, settled: string) => rewardAt(BigInt(reward), tu, BigInt(settled));
  const columns: Column<Epoch>[] = [
    {
      ...{ head: "Round", width: 7 },
      cell: ({ round, asset }) => <RoundId round={BigInt(round)} asset={asset} symbol={assets.of(asset).symbol} />,
    },
    {
      ...{ head: "Final since", width: 11.5 },
      cell: ({ id, round, asset, finalAt }) => (
        <Instant fact={`round:${id}:finalAt`} value={BigInt(finalAt)} proof={linkTo(chain, "round", round, asset)} />
      ),
    },
    {
      ...{ head: "Settled in it", align: "end", width: 8 },
      cell: ({ id, tu }) => <Amount fact={`round:${id}:tu`} value={BigInt(tu)} decimals={18} unit="TU" shown={4} />,
    },
    {
      ...{ head: "To its miners", align: "end", width: 10 },
      cell: ({ id, reward }) => (
        <Amount fact={`round:${id}:reward`} value={BigInt(reward)} decimals={18} unit="TFT" shown={4} />
      ),
    },
    {
      ...{ head: "For a TU", align: "end", width: 9 },
      cell: ({ id, reward, tu }) => (
        <Amount
          fact={`yield:${id}/${TU}:reward`}
          value={earned(reward, TU, tu)}
          {...{ decimals: 18, unit: "TFT", shown: 4 }}
        />
      ),
    },
    {
      ...{ head: "An epoch of the GPU", align: "end", width: 10 },
      cell: ({ id, reward, tu }) => {
        const work = ((perDay ?? 0n) * length) / DAY;
        return (
          <Amount
            fact={`yield:${id}/${work}:reward`}
            value={earned(reward, work, tu)}
            {...{ decimals: 18, unit: "TFT", shown: 4 }}
          />
        );
      },
    },
  ];
  return (
    <Section
      title="What a GPU would have earned"
      note="An epoch of work, at what each settled TU brought in the round. It is no forecast: one GPU more shares the same orders."
    >
      <div className="fields">
        <label className="field">
          <span>GPU</span>
          <select value={model} onChange={({ target }) => setModel(target.value)}>
            {models.map(({ name }) => (
              <option key={name} value={name ?? OWN}>
                {name}
              </option>
            ))}
            <option value={OWN}>another, by its TU a day</option>
          </select>
        </label>
        {rating === undefined ? (
          <Field name="TU a day" value={text} onChange={setText} isWrong={own === undefined} />
        ) : (
          <p className="quote">
            Its rating is <Amount fact={`model:${model}:rating`} value={BigInt(rating)} decimals={18} unit="TU a day" />
          </p>
        )}
      </div>
      <Table
        label="What a GPU would have earned"
        count="epochs::rows"
        columns={columns}
        rows={epochs}
        keyOf={({ id }) => id}
        empty="No round is final yet."
      />
    </Section>
  );
}
