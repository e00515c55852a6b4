import { Phase, svg } from "@turingfog/sdk";

import { type Outcome, quantile } from "./run.js";
import { YEAR } from "./scenario.js";
import { markdownOf, share } from "./table.js";

const PHASES = [Phase.ProductionMining, Phase.BuybackDistribution, Phase.Mature];

/** Returns what many runs of one scenario have in common: the median, and the worst. */
export function summaryOf(outcomes: readonly Outcome[]): string {
  const column = (of: (outcome: Outcome) => number | undefined) =>
    outcomes.map((outcome) => of(outcome) ?? Infinity).sort((a, b) => a - b);
  const row = (name: string, values: number[], format: (value: number) => string, worst: "low" | "high") => [
    name,
    format(quantile(values, 0.5)),
    format(worst === "low" ? values[0] : values[values.length - 1]),
  ];
  const years = (value: number) => (value === Infinity ? "never" : (value / YEAR).toFixed(1));
  const rows = [
    row(
      "years until the reserve is empty",
      column(({ emptyBy }) => emptyBy),
      years,
      "high",
    ),
    row(
      "years until the token is mature",
      column(({ matureBy }) => matureBy),
      years,
      "high",
    ),
    row(
      "auctions' share of the market, all lots",
      column(({ auction }) => auction.all),
      share,
      "low",
    ),
    row(
      "median lot",
      column(({ auction }) => auction.median),
      share,
      "low",
    ),
    row(
      "worst lot",
      column(({ auction }) => auction.worst),
      share,
      "low",
    ),
    row(
      "dollars written off",
      column(({ lost }) => lost),
      whole,
      "high",
    ),
    row(
      "unfinished rounds of an asset at most",
      column(({ unfinished }) => unfinished),
      String,
      "high",
    ),
    row(
      "reference off the market at most",
      column(({ furthest }) => furthest),
      (x) => `× ${x.toPrecision(3)}`,
      "high",
    ),
    ...PHASES.map((phase) => {
      const parts = column(({ phases }) => phases[phase].income / phases[phase].revenue).filter(Number.isFinite);
      return row(`miners' income per revenue, ${Phase[phase]}`, parts, (x) => (isNaN(x) ? "" : share(x)), "low");
    }).filter(([, median]) => median !== ""),
  ];
  return markdownOf({ title: "Runs", columns: ["figure", ">median", ">worst"], rows });
}

/** Returns one run, year by year. */
export function yearsOf({ years }: Outcome): string {
  return markdownOf({
    title: "Years",
    columns: [">year", "phase", ">circulating", ">USD a TFT", ">USD a TU", ">USD a day", ">TU a day"],
    rows: years.map(({ year, phase, circulating, price, computePrice, revenue, capacity }) => [
      String(year),
      Phase[phase],
      `${(circulating / 1e6).toFixed(1)} M`,
      price.toPrecision(3),
      computePrice.toPrecision(3),
      whole(revenue),
      whole(capacity),
    ]),
  });
}

const WIDTH = 1_000;
const HEIGHT = 520;
const BOX = { left: 84, right: 968, top: 110, bottom: 450 };
const HIGHEST = 700;
const STYLE = {
  light:
    "\n  .line { fill: none; stroke-width: 1.6; stroke: #0b61c9; }\n  .mark { stroke: #b35900; stroke-dasharray: 7 5; }",
  dark: "\n    .line { stroke: #58a6ff; }\n    .mark { stroke: #f0a04b; }",
};

/** Draws what circulates in each run over the years. */
export function supplyChart(outcomes: readonly Outcome[], subtitle: string): string {
  const last = Math.max(...outcomes.map(({ years }) => years.length));
  const x = (year: number) => BOX.left + ((BOX.right - BOX.left) * year) / last;
  const y = (millions: number) => BOX.bottom - ((BOX.bottom - BOX.top) * millions) / HIGHEST;
  const lines = outcomes.map(({ years }) => {
    const points = [{ year: 0, circulating: 650e6 }, ...years];
    const path = points.map(({ year, circulating }) => `${svg.px(x(year))},${svg.px(y(circulating / 1e6))}`);
    return `<polyline class="line" points="${path.join(" ")}"/>`;
  });
  const marks = [
    [562.5, "562.5 M: the reserve is empty"],
    [100, "100 M: nothing burns any more"],
  ] as const;
  return svg.drawing(WIDTH, HEIGHT, "What circulates", STYLE, [
    svg.text(BOX.left, 34, "What circulates", "title"),
    svg.text(BOX.left, 58, subtitle, "subtitle"),
    ...svg
      .ticks(HIGHEST, 100)
      .flatMap((tick) => [
        svg.line("grid", BOX.left, y(tick), BOX.right, y(tick)),
        svg.text(BOX.left - 10, y(tick) + 4, `${tick} M`, "", "end"),
      ]),
    ...svg
      .ticks(last, last > 10 ? 5 : 1)
      .filter((tick) => tick <= last)
      .map((tick) => svg.text(x(tick), BOX.bottom + 22, String(tick), "", "middle")),
    ...marks.flatMap(([at, label]) => [
      svg.line("mark", BOX.left, y(at), BOX.right, y(at)),
      svg.text(BOX.right, y(at) - 6, label, "", "end"),
    ]),
    svg.text((BOX.left + BOX.right) / 2, BOX.bottom + 46, "years", "", "middle"),
    ...lines,
  ]);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
