import { priceAt, tftOwed, WAD, WRITE_OFF_PERIODS } from "@turingfog/sdk";
import { useChain } from "../chain/client";
import { ASSETS, Assets, type Asset } from "../index/assets";
import { useChainClock } from "../index/clock";
import { rowsOf, type RowsOf } from "../index/sql";
import { useView } from "../index/view";
import { linkTo } from "../routes";
import { Chart, Legend } from "../ui/Chart";
import { useNetwork } from "../ui/context";
import { BuyActs } from "../ui/BuyActs";
import { Fills, fillsWhere } from "../ui/Fills";
import { Amount, Id, Instant, RoundId } from "../ui/Fact";
import { Figure, Figures, Problem, Section } from "../ui/parts";
import { Table, type Column } from "../ui/Table";
import { Viewed } from "../ui/Viewed";

const SELECTS = {
  lots: rowsOf(
    "lots",
    ["bucketId", "round", "asset", "amount", "remaining", "proceeds", "startedAt", "referencePrice"],
    {
      rest: "where t.remaining > 0 order by t.started_at",
    },
  ),
  fills: fillsWhere("order by t.id desc limit 500"),
  assets: ASSETS,
};

type Lot = RowsOf<typeof SELECTS.lots>[number];

export default function Auctions() {
  const view = useView(["auctions"], SELECTS);
  const period = useChain(["auctionPeriod"], ({ controller }) => controller.AUCTION_PERIOD());
  return (
    <Viewed view={view}>
      {({ tables: { lots, fills, assets: listed } }, time) => {
        const assets = new Assets(listed);
        const open = lots.filter(({ startedAt }) => BigInt(startedAt) <= time);
        return (
          <>
            {period.isError && <Problem error={period.error} onRetry={() => void period.refetch()} />}
            {open.length === 0 && <p className="empty">No lot is for sale now.</p>}
            {period.data !== undefined &&
              open.map((lot) => (
                <ForSale key={lot.bucketId} lot={lot} asset={assets.of(lot.asset)} time={time} period={period.data} />
              ))}
            <References assets={assets} />
            <Fills fills={fills} assets={assets} count="fills::rows" />
          </>
        );
      }}
    </Viewed>
  );
}

function ForSale({ lot, asset, time, period }: { lot: Lot; asset: Asset; time: bigint; period: bigint }) {
  const now = useChainClock() ?? time;
  const { chain, addresses } = useNetwork();
  const startedAt = BigInt(lot.startedAt);
  const reference = BigInt(lot.referencePrice);
  const price = priceAt(reference, now - startedAt, period);
  const remaining = BigInt(lot.remaining);
  const owed = tftOwed(remaining, price, 10n ** BigInt(asset.decimals));
  const subject = `lot:${asset.address}` as const;
  const round = linkTo(chain, "round", lot.round, asset.address);
  const controller = linkTo(chain, "address", addresses.controller);
  const perUnit = { decimals: 18, unit: `TFT per ${asset.symbol}` };
  return (
    <Section
      title={`${asset.symbol} for sale`}
      note={
        <>
          <RoundId round={BigInt(lot.round)} asset={asset.address} symbol={asset.symbol} /> is sold for TFT, which is
          destroyed. The price falls until somebody buys.
        </>
      }
    >
      <Figures>
        <Figure name="Price now" note="as of the chain's clock">
          <span data-at={String(now)}>
            <Amount fact={`${subject}:price`} value={price} proof={controller} {...perUnit} />
          </span>
        </Figure>
        <Figure name="The whole rest costs">
          <span data-at={String(now)}>
            <Amount fact={`${subject}:owed`} value={owed} decimals={18} unit="TFT" shown={4} proof={controller} />
          </span>
        </Figure>
        <Figure name="Left of the lot">
          <Amount
            fact={`${subject}:remaining`}
            value={remaining}
            decimals={asset.decimals}
            unit={asset.symbol}
            proof={round}
          />
        </Figure>
        <Figure name="The lot">
          <Amount
            fact={`${subject}:amount`}
            value={BigInt(lot.amount)}
            decimals={asset.decimals}
            unit={asset.symbol}
            proof={round}
          />
        </Figure>
        <Figure name="Reference">
          <Amount fact={`${subject}:referencePrice`} value={reference} proof={controller} {...perUnit} />
        </Figure>
        <Figure name="For sale since">
          <Instant fact={`${subject}:startedAt`} value={startedAt} proof={round} />
        </Figure>
        <Figure name="Can be written off from">
          <Instant fact={`${subject}:writeOffFrom`} value={startedAt + WRITE_OFF_PERIODS * period} proof={round} />
        </Figure>
      </Figures>
      <BuyActs lot={{ asset, round: BigInt(lot.round), amount: BigInt(lot.amount), remaining }} />
      <Curve reference={reference} period={period} elapsed={now - startedAt} asset={asset} />
    </Section>
  );
}

const STEPS = 160;

/** The price falls by halves, so its scale is logarithmic; the dot moves with the chain's clock. */
function Curve({
  reference,
  period,
  elapsed,
  asset,
}: {
  reference: bigint;
  period: bigint;
  elapsed: bigint;
  asset: Asset;
}) {
  const end = elapsed > (period * 3n) / 2n ? (elapsed * 5n) / 4n : period * 2n;
  const log = (age: bigint) => Math.log10(Math.max(Number(priceAt(reference, age, period)) / Number(WAD), 1e-18));
  const points = Array.from({ length: STEPS + 1 }, (_, i) => {
    const age = (end * BigInt(i)) / BigInt(STEPS);
    return [Number(age) / Number(period), log(age)] as const;
  });
  const [top, bottom] = [points[0][1], points[STEPS][1]];
  const decades = Array.from({ length: Math.ceil(top) - Math.floor(bottom) + 1 }, (_, i) => Math.floor(bottom) + i);
  const every = Math.ceil(decades.length / 6);
  const periods = Number(end) / Number(period);
  const level = Math.log10(Number(reference) / Number(WAD));
  return (
    <>
      <Legend
        entries={[
          { tone: "total", name: "price" },
          { tone: "faint-ink", name: "reference" },
        ]}
      />
      <Chart
        label={`The price of the lot in TFT per ${asset.symbol} over its age in periods, on a logarithmic scale`}
        lines={[
          { name: "price", tone: "total", points },
          {
            name: "reference",
            tone: "",
            isFaint: true,
            points: [
              [0, level],
              [periods, level],
            ],
          },
        ]}
        x={{
          from: 0,
          to: periods,
          ticks: ticksTo(periods),
          text: (value) => (value === 0 ? "start" : `${value} periods`),
        }}
        y={{
          from: Math.floor(bottom),
          to: Math.ceil(top),
          ticks: decades.filter((_, i) => i % every === 0),
          text: decadeText,
        }}
        marks={[{ x: Number(elapsed) / Number(period), y: log(elapsed), tone: "total", label: "now" }]}
      />
    </>
  );
}

/** Writes a power of ten as people read it: 1 M, 10 k, 0.01. */
function decadeText(power: number): string {
  const [unit, floor] = [["G", 9] as const, ["M", 6] as const, ["k", 3] as const].find(([, each]) => power >= each) ?? [
    "",
    0,
  ];
  const number = power < 0 ? (10 ** power).toFixed(-power) : String(10 ** (power - floor));
  return unit === "" ? number : `${number} ${unit}`;
}

function ticksTo(periods: number): number[] {
  const step = periods <= 3 ? 0.5 : Math.ceil(periods / 6);
  return Array.from({ length: Math.floor(periods / step) + 1 }, (_, i) => i * step);
}

function References({ assets }: { assets: Assets }) {
  const { chain } = useNetwork();
  const auctioned = assets.all.filter(({ referencePrice }) => referencePrice !== undefined);
  const columns: Column<Asset>[] = [
    { head: "Asset", width: 8, cell: ({ symbol }) => <strong data-known>{symbol}</strong> },
    { head: "Address", width: 9, cell: ({ address }) => <Id kind="address" id={address} /> },
    { head: "New orders", width: 8, cell: ({ isListed }) => (isListed ? "taken" : "not taken") },
    {
      ...{ head: "Reference", align: "end", width: 11 },
      cell: ({ address, symbol, referencePrice }) => (
        <Amount
          fact={`asset:${address}:referencePrice`}
          value={referencePrice ?? 0n}
          decimals={18}
          unit={`TFT per ${symbol}`}
          proof={linkTo(chain, "address", address)}
        />
      ),
    },
  ];
  return (
    <Section title="Assets" note="The reference moves towards what a lot brought, once it is sold out.">
      <Table
        label="Assets"
        count="auctions::assets"
        columns={columns}
        rows={auctioned}
        keyOf={({ address }) => address}
        empty="No asset is auctioned yet."
      />
    </Section>
  );
}
