import {
  BURNING_END,
  destroy,
  formatInstant,
  GENESIS,
  NOMINAL_SUPPLY,
  Phase,
  PRODUCTION_MINING_END,
  supplyOf,
  WAD,
} from "@turingfog/sdk";
import { Assets } from "../index/assets";
import { SUPPLY, type Destruction, type SupplyPoint } from "../index/supply";
import { useView } from "../index/view";
import { linkTo } from "../routes";
import { axisOver, Chart, Legend, type Axis } from "../ui/Chart";
import { useNetwork } from "../ui/context";
import { Export } from "../ui/Export";
import { Amount, Id, Instant, RoundId, Word } from "../ui/Fact";
import { Figure, Figures, Section } from "../ui/parts";
import { Table, type Column } from "../ui/Table";
import { Viewed } from "../ui/Viewed";

const PHASES: Record<Phase, { name: string; rule: string }> = {
  [Phase.ProductionMining]: {
    name: "Production mining",
    rule: "All that is bought back is burned, and four fifths of it are released from the reserve.",
  },
  [Phase.BuybackDistribution]: {
    name: "Buyback distribution",
    rule: "Half of what is bought back is burned, and half goes to the miners.",
  },
  [Phase.Mature]: { name: "Mature", rule: "Nothing is burned any more: all that is bought back goes to the miners." },
};

export function SupplyPage() {
  const view = useView(["supply"], SUPPLY);
  return (
    <Viewed view={view}>
      {({ tables: { supply, destructions, points, genesis, assets }, time }) => {
        const now = supply.at(0);
        const burned = BigInt(now?.burned ?? GENESIS.burned);
        const released = BigInt(now?.released ?? GENESIS.released);
        const bought = BigInt(now?.bought ?? 0);
        const since = BigInt(genesis[0]?.openedAt ?? time);
        return (
          <>
            <Now burned={burned} released={released} bought={bought} />
            <Plan burned={burned} bought={bought} />
            {points.length > 0 && <OverTime destroyed={points} since={since} until={time} />}
            <Destructions destructions={destructions} assets={new Assets(assets)} />
          </>
        );
      }}
    </Viewed>
  );
}

function Now({ burned, released, bought }: { burned: bigint; released: bigint; bought: bigint }) {
  const { chain, addresses } = useNetwork();
  const supply = supplyOf({ burned, released });
  const { name, rule } = PHASES[supply.phase];
  const [controller, vault] = [addresses.controller, addresses.vault].map((each) => linkTo(chain, "address", each));
  const tft = { decimals: 18, unit: "TFT", shown: 2 };
  return (
    <>
      <Figures>
        <Figure name="Total supply" tone="total" note="what exists">
          <Amount fact="supply::total" value={supply.total} proof={controller} {...tft} />
        </Figure>
        <Figure name="Circulating" tone="circulating" note="total less reserve; it never rises">
          <Amount fact="supply::circulating" value={supply.circulating} proof={controller} {...tft} />
        </Figure>
        <Figure name="Reserve" tone="reserve" note="for miners, released as TFT is burned">
          <Amount fact="supply::reserve" value={supply.reserve} proof={vault} {...tft} />
        </Figure>
      </Figures>
      <Figures>
        <Figure name="Bought back">
          <Amount fact="supply::bought" value={bought} proof={controller} {...tft} />
        </Figure>
        <Figure name="Burned" tone="burned">
          <Amount fact="supply::burned" value={burned} proof={controller} {...tft} />
        </Figure>
        <Figure name="Released">
          <Amount fact="supply::released" value={released} proof={vault} {...tft} />
        </Figure>
        <Figure name="Phase" note={rule}>
          <Word fact="supply::phase" value={name} />
        </Figure>
      </Figures>
    </>
  );
}

/** Million TFT, for the scale of a chart. */
function millions(amount: bigint): number {
  return Number(amount / (WAD / 1_000n)) / 1e9;
}

const E1_BOUGHT = PRODUCTION_MINING_END;
const E2_BOUGHT = PRODUCTION_MINING_END + 2n * (BURNING_END - PRODUCTION_MINING_END);
const PLAN_END = 1_600_000_000n * WAD;

const CURVES = [
  { tone: "total", name: "total supply" },
  { tone: "circulating", name: "circulating" },
  { tone: "reserve", name: "reserve" },
] as const;

/** The curves over what is bought back follow from the rule alone; the dots are where the supply stands. */
function Plan({ burned, bought }: { burned: bigint; bought: bigint }) {
  const corners = [0n, E1_BOUGHT, E2_BOUGHT, PLAN_END].map((each) => [each, supplyOf(destroy(GENESIS, each))] as const);
  const now = supplyOf(destroy(GENESIS, bought));
  const text = (value: number) => `${value.toLocaleString("en-US")} M`;
  const lines = CURVES.map(({ tone, name }) => ({
    ...{ tone, name },
    points: corners.map(([x, supply]) => [millions(x), millions(supply[tone])] as const),
  }));
  const marks = CURVES.map(({ tone }) => ({ tone, x: millions(bought), y: millions(now[tone]), label: "" }));
  const share = (burned * 10_000n) / PRODUCTION_MINING_END;
  return (
    <Section
      title="Over what was bought back"
      note={
        <>
          The three curves follow from the rule alone; the dots show where the supply stands. The reserve is used up
          when <Amount fact="schedule::productionMiningEnd" value={PRODUCTION_MINING_END} decimals={18} unit="TFT" />{" "}
          are burned, of which <Amount fact="supply::burnedShare" value={share} decimals={2} unit="%" /> are. Burning
          ends for good at{" "}
          <Amount fact="schedule::ultimateSupply" value={NOMINAL_SUPPLY - BURNING_END} decimals={18} unit="TFT" />.
        </>
      }
    >
      <Legend entries={CURVES} />
      <Chart
        label="Total supply, circulating supply and reserve over the TFT bought back, from genesis to the end of burning"
        height={300}
        lines={lines}
        marks={marks.map((mark, i) => ({ ...mark, label: i === 0 ? "today" : " ".repeat(i) }))}
        x={{ from: 0, to: 1_600, ticks: [0, 400, 800, 1_200, 1_600], text }}
        y={{ from: 0, to: 1_000, ticks: [0, 250, 500, 750, 1_000], text }}
      />
    </Section>
  );
}

/** Ticks of a curve over time. */
const TICKS = 4;

/** Each curve has a scale of its own, because the first weeks move all of them by little. */
function OverTime({ destroyed, since, until }: { destroyed: readonly SupplyPoint[]; since: bigint; until: bigint }) {
  const points = [
    { time: Number(since), supply: supplyOf(GENESIS) },
    ...destroyed.map(({ time, totalBurned, totalReleased }) => ({
      time: Number(time),
      supply: supplyOf({ burned: BigInt(totalBurned), released: BigInt(totalReleased) }),
    })),
  ];
  const last = points[points.length - 1];
  const x = daysOver(Number(since), Number(until));
  return (
    <Section title="Over time" note="Each curve has a scale of its own, in million TFT.">
      <div className="multiples">
        {CURVES.map(({ tone, name }) => {
          const values = points.map(({ time, supply }) => [time, millions(supply[tone])] as const);
          const lowest = values.reduce((least, [, value]) => Math.min(least, value), Infinity);
          const highest = values.reduce((most, [, value]) => Math.max(most, value), -Infinity);
          // as many decimals as tell two ticks apart
          const digits = Math.min(Math.max(0, Math.ceil(-Math.log10((highest - lowest) / TICKS || 1))), 6);
          const y = axisOver(lowest, highest, TICKS, (value) => value.toFixed(digits));
          const line = {
            name,
            tone,
            isStep: true,
            points: [...values, [Number(until), millions(last.supply[tone])] as const],
          };
          return (
            <div key={tone}>
              <Legend entries={[{ tone, name }]} />
              <Chart label={`The ${name} over time`} height={180} lines={[line]} x={x} y={y} />
            </div>
          );
        })}
      </div>
    </Section>
  );
}

function daysOver(from: number, to: number): Axis {
  const count = 4;
  const ticks = Array.from({ length: count + 1 }, (_, i) => from + ((to - from) * i) / count);
  return { from, to, ticks, text: (value) => formatInstant(BigInt(Math.round(value))).slice(5, 10) };
}

function Destructions({ destructions, assets }: { destructions: readonly Destruction[]; assets: Assets }) {
  const { chain } = useNetwork();
  const tft = (
    field: "bought" | "burned" | "released" | "operations" | "reward",
    head: string,
  ): Column<Destruction> => ({
    ...{ head, align: "end", width: 7 },
    cell: (row) => (
      <Amount
        fact={`event:${row.id}:${field}`}
        value={BigInt(row[field])}
        proof={linkTo(chain, "tx", row.transactionHash)}
        {...{ decimals: 18, unit: "TFT", shown: 4 }}
      />
    ),
  });
  const columns: Column<Destruction>[] = [
    {
      ...{ head: "When", width: 11.5 },
      cell: ({ id, time, transactionHash }) => (
        <Instant fact={`event:${id}:time`} value={BigInt(time)} proof={linkTo(chain, "tx", transactionHash)} />
      ),
    },
    {
      ...{ head: "Round", width: 7 },
      cell: ({ round, asset }) => <RoundId round={BigInt(round)} asset={asset} symbol={assets.of(asset).symbol} />,
    },
    tft("bought", "Bought back"),
    tft("burned", "Burned"),
    tft("released", "Released"),
    tft("operations", "To operations"),
    tft("reward", "To miners"),
    { head: "Transaction", width: 8, cell: ({ transactionHash }) => <Id kind="tx" id={transactionHash} /> },
  ];
  return (
    <Section
      title="Destructions"
      note="The latest 500, one row for each time that TFT was bought back: a fill of a lot, or a round that was earned in TFT."
      aside={<Export name="destructions" rows={destructions} />}
    >
      <Table
        label="Destructions"
        count="destructions::rows"
        columns={columns}
        rows={destructions}
        keyOf={({ id }) => id}
        wordsOf={({ round, asset, transactionHash, time }) =>
          `${assets.of(asset).symbol} #${round} ${asset} ${transactionHash} ${formatInstant(BigInt(time))}`
        }
        empty="Nothing was bought back yet."
      />
    </Section>
  );
}
