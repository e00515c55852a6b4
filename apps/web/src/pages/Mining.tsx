import { claimShare, decodeBucketId } from "@turingfog/sdk";
import { accountOf } from "../account";
import { ASSETS, Assets } from "../index/assets";
import { rowsBy, rowsOf, type RowsOf } from "../index/sql";
import { useView } from "../index/view";
import { linkTo, type PageProps } from "../routes";
import { useNetwork } from "../ui/context";
import { Amount, Id, RoundId, Word } from "../ui/Fact";
import { ClaimActs } from "../ui/ClaimActs";
import { Epochs } from "../ui/Epochs";
import { Export } from "../ui/Export";
import { Lookup } from "../ui/Lookup";
import { NodeList } from "../ui/NodeList";
import { Figure, Figures, Section } from "../ui/parts";
import { Settlements, settlementsWhere } from "../ui/Settlements";
import { Table, type Column } from "../ui/Table";
import { attestationsOf, ROOTS, Unsettled } from "../ui/Unsettled";
import { Viewed } from "../ui/Viewed";

export default function Mining({ parts: [account] }: PageProps) {
  const miner = accountOf(account ?? "");
  return (
    <>
      <Lookup
        key={account ?? ""}
        page="mining"
        account={account}
        what="Whose earnings? The account that nodes pay to"
      />
      {miner === undefined ? <Miners /> : <OfMiner miner={miner} />}
    </>
  );
}

const earningsOf = (miner: string) =>
  rowsBy(
    `select w.bucket_id "id", w.weight "weight", w.claimed "claimed", w.claimed_at "claimedAt", w.transaction_hash "tx",
     r.weight "total", r.reward "reward", r.is_final "isFinal" from weights w join rounds r on r.bucket_id = w.bucket_id
     where w.miner = '${miner}' order by w.bucket_id`,
    ["id", "weight", "claimed", "tx", "total", "reward", "isFinal"],
    ["claimedAt"],
  );

type Earning = RowsOf<ReturnType<typeof earningsOf>>[number];

function OfMiner({ miner }: { miner: string }) {
  const view = useView(["mining", miner], {
    earnings: earningsOf(miner),
    recipients: rowsOf("recipients", ["recipient"], { rest: `where t.miner = '${miner}'` }),
    nodes: rowsOf("nodes", ["id", "gpuCount", "ratePerDay", "attestedFrom", "attestedUntil"], {
      nullable: ["gpuModelName"],
      rest: `where t.owner = '${miner}' or t.payout = '${miner}' order by t.id`,
    }),
    attestations: attestationsOf(`n.owner = '${miner}' or n.payout = '${miner}'`),
    roots: ROOTS,
    settlements: settlementsWhere(`where t.payout = '${miner}' order by t.id desc limit 500`),
    assets: ASSETS,
  });
  return (
    <Viewed view={view}>
      {({ tables, block }, now) => {
        const assets = new Assets(tables.assets);
        const recipient = tables.recipients.at(0)?.recipient;
        return (
          <>
            <Summary miner={miner} earnings={tables.earnings} recipient={recipient} />
            <ClaimActs miner={miner} bucketIds={claimableOf(tables.earnings)} />
            <Earnings miner={miner} earnings={tables.earnings} assets={assets} />
            <NodeList
              nodes={tables.nodes}
              count={`account:${miner}:nodes`}
              empty="No node is owned by the account or pays to it."
            />
            <Unsettled {...tables} assets={assets} now={now} />
            <Settlements settlements={tables.settlements} assets={assets} count={`miner:${miner}:settlements`} />
            <Epochs block={block} />
          </>
        );
      }}
    </Viewed>
  );
}

/** TFT that a miner can claim now for a bucket, or could if it were final. */
function shareOf({ weight, reward, total, claimedAt }: Earning): bigint {
  return claimedAt === null ? claimShare(BigInt(reward), BigInt(weight), BigInt(total)) : 0n;
}

/** The buckets that pay something when they are claimed. */
function claimableOf(earnings: readonly Earning[]): bigint[] {
  const paying = earnings.filter((each) => each.isFinal === "true" && shareOf(each) > 0n);
  return paying.map(({ id }) => BigInt(id));
}

function Summary({ miner, earnings, recipient }: { miner: string; earnings: readonly Earning[]; recipient?: string }) {
  const { chain, addresses } = useNetwork();
  const pool = linkTo(chain, "address", addresses.pool);
  const tft = { decimals: 18, unit: "TFT", proof: pool };
  const sum = (values: bigint[]) => values.reduce((total, each) => total + each, 0n);
  const isKept = recipient === undefined || /^0x0+$/.test(recipient);
  return (
    <Figures>
      <Figure name="Claimable now">
        <Amount
          fact={`miner:${miner}:claimable`}
          value={sum(earnings.filter(({ isFinal }) => isFinal === "true").map(shareOf))}
          {...tft}
        />
      </Figure>
      <Figure name="In rounds that are not final" note="grows until they are">
        <Amount
          fact={`miner:${miner}:awaited`}
          value={sum(earnings.filter(({ isFinal }) => isFinal !== "true").map(shareOf))}
          {...tft}
        />
      </Figure>
      <Figure name="Claimed so far">
        <Amount fact={`miner:${miner}:claimed`} value={sum(earnings.map(({ claimed }) => BigInt(claimed)))} {...tft} />
      </Figure>
      <Figure name="Paid to" note={isKept ? "the miner's own account" : "the recipient that the miner has set"}>
        <Id kind="address" id={isKept ? miner : recipient} />
      </Figure>
    </Figures>
  );
}

function Earnings({ miner, earnings, assets }: { miner: string; earnings: readonly Earning[]; assets: Assets }) {
  const { chain } = useNetwork();
  const columns: Column<Earning>[] = [
    {
      ...{ head: "Round", width: 7 },
      cell: ({ id }) => {
        const { round, asset } = decodeBucketId(BigInt(id));
        return <RoundId round={round} asset={asset.toLowerCase()} symbol={assets.of(asset).symbol} />;
      },
    },
    {
      ...{ head: "State", width: 6 },
      cell: ({ id, isFinal }) => (
        <Word
          fact={`round:${id}:isFinal`}
          value={isFinal === "true" ? "final" : "not final"}
          tone={isFinal === "true" ? "good" : "wait"}
        />
      ),
    },
    {
      ...{ head: "Earned for the buyback", align: "end", width: 10 },
      cell: ({ id, weight, tx }) => {
        const { decimals, symbol } = assets.of(decodeBucketId(BigInt(id)).asset);
        return (
          <Amount
            fact={`weight:${id}/${miner}:weight`}
            value={BigInt(weight)}
            decimals={decimals}
            unit={symbol}
            proof={linkTo(chain, "tx", tx)}
          />
        );
      },
    },
    {
      ...{ head: "Share of the reward", align: "end", width: 10 },
      cell: ({ id, weight, reward, total }) => (
        <Amount
          fact={`weight:${id}/${miner}:share`}
          value={claimShare(BigInt(reward), BigInt(weight), BigInt(total))}
          {...{ decimals: 18, unit: "TFT" }}
        />
      ),
    },
    {
      ...{ head: "Claimed", align: "end", width: 9 },
      cell: ({ id, claimed, claimedAt, tx }) =>
        claimedAt === null ? (
          "not yet"
        ) : (
          <Amount
            fact={`weight:${id}/${miner}:claimed`}
            value={BigInt(claimed)}
            {...{ decimals: 18, unit: "TFT", proof: linkTo(chain, "tx", tx) }}
          />
        ),
    },
  ];
  return (
    <Section
      title="Earnings by round"
      note="What the miner's work earned was sold for TFT. The share is of what was bought back so far."
      aside={<Export name="earnings" rows={earnings} />}
    >
      <Table
        label="Earnings"
        count={`miner:${miner}:rounds`}
        columns={columns}
        rows={earnings}
        keyOf={({ id }) => id}
        empty="The account has earned nothing yet."
      />
    </Section>
  );
}

const MINERS = {
  miners: rowsBy(
    `select miner "miner", count(*) "rounds", sum(claimed) "claimed" from weights group by miner order by sum(claimed) desc, miner limit 500`,
    ["miner", "rounds", "claimed"],
  ),
};

/** Everybody who has earned, as a way in for those who look for an account. */
function Miners() {
  const { chain } = useNetwork();
  const view = useView(["miners"], MINERS);
  const columns: Column<{ miner: string; rounds: string; claimed: string }>[] = [
    {
      head: "Miner",
      cell: ({ miner }) => (
        <a href={linkTo(chain, "mining", miner)}>
          <span className="id" data-id={miner}>
            {miner}
          </span>
        </a>
      ),
      width: 12,
    },
    {
      ...{ head: "Rounds", align: "end", width: 6 },
      cell: ({ miner, rounds }) => (
        <span className="num" data-fact={`miner:${miner}:rounds`} data-value={rounds}>
          {rounds}
        </span>
      ),
    },
    {
      ...{ head: "Claimed so far", align: "end" },
      cell: ({ miner, claimed }) => (
        <Amount
          fact={`miner:${miner}:claimed`}
          value={BigInt(claimed)}
          decimals={18}
          unit="TFT"
          proof={linkTo(chain, "mining", miner)}
        />
      ),
    },
  ];
  return (
    <Viewed view={view}>
      {({ tables: { miners }, block }) => (
        <>
          <Section title="Miners" note="Everybody whose work has earned something.">
            <Table
              label="Miners"
              count="miners::rows"
              columns={columns}
              rows={miners}
              keyOf={({ miner }) => miner}
              wordsOf={({ miner }) => miner}
              empty="Nobody has earned anything yet."
            />
          </Section>
          <Epochs block={block} />
        </>
      )}
    </Viewed>
  );
}
