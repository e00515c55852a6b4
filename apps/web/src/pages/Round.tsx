import { bucketId, claimShare } from "@turingfog/sdk";
import { accountOf } from "../account";
import { ASSETS, Assets, type Asset } from "../index/assets";
import { rowsOf, type RowsOf } from "../index/sql";
import { useView } from "../index/view";
import { linkTo, type PageProps } from "../routes";
import { useNetwork } from "../ui/context";
import { Amount, Count, Id, Instant, Word } from "../ui/Fact";
import { Section, Term, Terms } from "../ui/parts";
import { Table, type Column } from "../ui/Table";
import { Viewed } from "../ui/Viewed";
import { Fills, fillsWhere } from "../ui/Fills";

export default function Round({ parts: [round = "", asset = ""] }: PageProps) {
  const address = accountOf(asset);
  if (!/^\d{1,29}$/.test(round) || address === undefined)
    return <p>A round has a number and the address of its asset.</p>;
  return <OfBucket id={String(bucketId(BigInt(round), address))} />;
}

const roundWhere = (rest: string) =>
  rowsOf(
    "rounds",
    [
      ...(["bucketId", "round", "asset", "openedAt", "isFinal", "weight", "sold", "proceeds", "writtenOff"] as const),
      ...(["reward", "claimed", "miners", "transactionHash"] as const),
    ],
    { nullable: ["closesAt", "finalAt"], rest },
  );

type RoundRow = RowsOf<ReturnType<typeof roundWhere>>[number];

function OfBucket({ id }: { id: string }) {
  const view = useView(["round", id], {
    rounds: roundWhere(`where t.bucket_id = ${id}`),
    weights: rowsOf("weights", ["miner", "weight", "claimed", "transactionHash"], {
      nullable: ["claimedAt"],
      rest: `where t.bucket_id = ${id} order by t.weight desc, t.miner limit 500`,
    }),
    fills: fillsWhere(`where t.bucket_id = ${id} order by t.id desc limit 500`),
    assets: ASSETS,
  });
  return (
    <Viewed view={view}>
      {({ tables }, now) => {
        const assets = new Assets(tables.assets);
        const round = tables.rounds.at(0);
        if (round === undefined) return <p className="empty">Nothing was earned in this round yet.</p>;
        return (
          <>
            <RoundTerms round={round} asset={assets.of(round.asset)} now={now} />
            <Miners round={round} weights={tables.weights} asset={assets.of(round.asset)} />
            <Fills fills={tables.fills} assets={assets} count={`round:${id}:fills`} />
          </>
        );
      }}
    </Viewed>
  );
}

/** A round takes in what is earned, is then sold or burned, and is final once all of it is. */
function stageOf({ isFinal, closesAt }: RoundRow, now: bigint): "open" | "closed" | "final" {
  if (isFinal === "true") return "final";
  return closesAt !== null && BigInt(closesAt) <= now ? "closed" : "open";
}

const TONES = { open: "wait", closed: "wait", final: "good" } as const;

function RoundTerms({ round, asset, now }: { round: RoundRow; asset: Asset; now: bigint }) {
  const { chain } = useNetwork();
  const { bucketId: id } = round;
  const proof = linkTo(chain, "tx", round.transactionHash);
  const stage = stageOf(round, now);
  const money = { decimals: asset.decimals, unit: asset.symbol, proof };
  const tft = { decimals: 18, unit: "TFT", proof };
  return (
    <Terms>
      <Term name="Asset">
        <Id kind="address" id={asset.address} label={asset.symbol} />
      </Term>
      <Term name="Stage">
        <Word fact={`round:${id}:stage`} value={stage} tone={TONES[stage]} />
      </Term>
      <Term name="Earned">
        <Amount fact={`round:${id}:weight`} value={BigInt(round.weight)} {...money} />
      </Term>
      <Term name="Sold or burned">
        <Amount fact={`round:${id}:sold`} value={BigInt(round.sold)} {...money} />
      </Term>
      <Term name="Written off">
        <Amount fact={`round:${id}:writtenOff`} value={BigInt(round.writtenOff)} {...money} />
      </Term>
      <Term name="Bought back with it">
        <Amount fact={`round:${id}:proceeds`} value={BigInt(round.proceeds)} {...tft} />
      </Term>
      <Term name="Reward of its miners">
        <Amount fact={`round:${id}:reward`} value={BigInt(round.reward)} {...tft} />
      </Term>
      <Term name="Claimed of it">
        <Amount fact={`round:${id}:claimed`} value={BigInt(round.claimed)} {...tft} />
      </Term>
      <Term name="Miners">
        <Count fact={`round:${id}:miners`} value={BigInt(round.miners)} proof={proof} />
      </Term>
      <Term name="First earning">
        <Instant fact={`round:${id}:openedAt`} value={BigInt(round.openedAt)} proof={proof} />
      </Term>
      <Term name={stage === "open" ? "Closes" : "Closed"}>
        {round.closesAt === null ? (
          "once the round before it is final"
        ) : (
          <Instant fact={`round:${id}:closesAt`} value={BigInt(round.closesAt)} proof={proof} />
        )}
      </Term>
      {round.finalAt !== null && (
        <Term name="Final since">
          <Instant fact={`round:${id}:finalAt`} value={BigInt(round.finalAt)} proof={proof} />
        </Term>
      )}
    </Terms>
  );
}

interface Weight {
  miner: string;
  weight: string;
  claimed: string;
  transactionHash: string;
  claimedAt: string | null;
}

function Miners({ round, weights, asset }: { round: RoundRow; weights: readonly Weight[]; asset: Asset }) {
  const { chain } = useNetwork();
  const { bucketId: id, reward, weight: total } = round;
  const columns: Column<Weight>[] = [
    { head: "Miner", cell: ({ miner }) => <Id kind="address" id={miner} /> },
    {
      ...{ head: "Earned for the buyback", align: "end" },
      cell: ({ miner, weight }) => (
        <Amount
          fact={`weight:${id}/${miner}:weight`}
          value={BigInt(weight)}
          decimals={asset.decimals}
          unit={asset.symbol}
          proof={linkTo(chain, "mining", miner)}
        />
      ),
    },
    {
      ...{ head: "Share of the reward so far", align: "end" },
      cell: ({ miner, weight }) => (
        <Amount
          fact={`weight:${id}/${miner}:share`}
          value={claimShare(BigInt(reward), BigInt(weight), BigInt(total))}
          decimals={18}
          unit="TFT"
          proof={linkTo(chain, "mining", miner)}
        />
      ),
    },
    {
      ...{ head: "Claimed", align: "end" },
      cell: ({ miner, claimed, claimedAt, transactionHash }) =>
        claimedAt === null ? (
          "not yet"
        ) : (
          <Amount
            fact={`weight:${id}/${miner}:claimed`}
            value={BigInt(claimed)}
            decimals={18}
            unit="TFT"
            proof={linkTo(chain, "tx", transactionHash)}
          />
        ),
    },
  ];
  return (
    <Section
      title="Miners"
      note="The 500 who earned most. A miner's part of the reward is their part of what was earned."
    >
      <Table
        label="Miners"
        count={`round:${id}:miners`}
        columns={columns}
        rows={weights}
        keyOf={({ miner }) => miner}
        wordsOf={({ miner }) => miner}
        empty="Nobody has earned in it."
      />
    </Section>
  );
}
