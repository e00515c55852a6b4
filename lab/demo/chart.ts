import {
  BURNING_END,
  destroy,
  GENESIS,
  NOMINAL_SUPPLY,
  PRODUCTION_MINING_END,
  supplyOf,
  svg,
  ULTIMATE_SUPPLY,
} from "@turingfog/sdk";
import type { Row } from "./story";

/** Supply in TFT with 18 decimals, after a volume of TFT was bought back. */
interface Point {
  bought: bigint;
  total: bigint;
  circulating: bigint;
  reserve: bigint;
}

type Series = "total" | "circulating" | "reserve";

const MILLION = 10n ** 24n;

/** Ends of the phases: the whole of phase 1 is burned, and half of phase 2. */
const E1_BOUGHT = PRODUCTION_MINING_END;
const E2_BOUGHT = PRODUCTION_MINING_END + 2n * (BURNING_END - PRODUCTION_MINING_END);
const E1_SUPPLY = NOMINAL_SUPPLY - PRODUCTION_MINING_END;

const WIDTH = 1_000;
const HEIGHT = 620;
const LEFT = 78;
const RIGHT = 968;
const TOP = 112;
const BOTTOM = 520;

const MAX_SUPPLY = 1_000;
const SUPPLY_STEP = 100;
const BOUGHT_STEP = 200;

const SERIES: readonly { name: Series; label: string }[] = [
  { name: "total", label: "total supply" },
  { name: "circulating", label: "circulating (total less reserve)" },
  { name: "reserve", label: "production-mining reserve" },
];

const STYLE: svg.Style = {
  light: `
  .axis { stroke: #818b98; fill: none; }
  .boundary { stroke: #818b98; stroke-dasharray: 5 4; }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
  .line.total { stroke: #0b61c9; } .dot.total { fill: #0b61c9; }
  .line.circulating { stroke: #b35900; stroke-dasharray: 9 4; } .dot.circulating { fill: #b35900; }
  .line.reserve { stroke: #1a7f47; stroke-dasharray: 2 4; stroke-linecap: round; stroke-width: 3; } .dot.reserve { fill: #1a7f47; }`,
  dark: `
    .line.total { stroke: #58a6ff; } .dot.total { fill: #58a6ff; }
    .line.circulating { stroke: #f0a04b; } .dot.circulating { fill: #f0a04b; }
    .line.reserve { stroke: #3fb968; } .dot.reserve { fill: #3fb968; }`,
};

/**
 * The supply curve as an SVG that needs nothing else: total, circulating and reserve over the TFT bought back, a dot
 * for each row, and both boundaries. Between rows the supply moves along straight lines that bend at the boundaries
 * only, so these are drawn to the unit.
 */
export function supplyChart(rows: readonly Row[]): string {
  const points = curve(rows);
  const maxBought = Math.ceil(millions(points[points.length - 1].bought) / BOUGHT_STEP) * BOUGHT_STEP;
  const x = (bought: number) => LEFT + ((RIGHT - LEFT) * bought) / maxBought;
  const y = (supply: number) => BOTTOM - ((BOTTOM - TOP) * supply) / MAX_SUPPLY;

  const parts = [
    svg.text(LEFT, 36, "The supply of TFT over its whole life", "title"),
    svg.text(
      LEFT,
      58,
      `${rows.length} dots: ten days, then months, from ${year(rows[0])} to ${year(rows[rows.length - 1])}; ` +
        "between the boundaries the curve depends on the volume alone",
      "subtitle",
    ),
    ...legend(),
    ...supplyAxis(y),
    ...boughtAxis(x, maxBought),
    ...yearAxis(rows, x),
    ...boundaries(x, y),
  ];
  for (const { name } of SERIES) {
    const path = points.map((p) => `${svg.px(x(millions(p.bought)))},${svg.px(y(millions(p[name])))}`).join(" ");
    parts.push(`<polyline class="line ${name}" points="${path}"/>`);
    for (const { bought, supply } of rows) {
      parts.push(circle(x(millions(bought)), y(millions(supply[name])), name));
    }
  }
  return svg.drawing(WIDTH, HEIGHT, "Supply of TFT over the volume bought back", STYLE, parts);
}

/** The rows, genesis before them, and the two boundaries where they lie between. */
function curve(rows: readonly Row[]): Point[] {
  const after = (bought: bigint) => ({ ...supplyOf(destroy(GENESIS, bought)), bought });
  const points: Point[] = [after(0n), ...rows.map(({ bought, supply }) => ({ ...supply, bought }))];
  const last = points[points.length - 1].bought;
  for (const boundary of [E1_BOUGHT, E2_BOUGHT]) if (boundary < last) points.push(after(boundary));
  return points.sort((a, b) => (a.bought < b.bought ? -1 : a.bought > b.bought ? 1 : 0));
}

function legend(): string[] {
  const row = 84;
  let left = LEFT;
  return SERIES.flatMap(({ name, label }) => {
    const at = left;
    left += 80 + label.length * 7;
    return [svg.line(`line ${name}`, at, row - 4, at + 34, row - 4), svg.text(at + 42, row, label)];
  });
}

function supplyAxis(y: (supply: number) => number): string[] {
  const parts: string[] = [];
  for (const supply of svg.ticks(MAX_SUPPLY, SUPPLY_STEP)) {
    const at = y(supply);
    if (supply !== 0) parts.push(svg.line("grid", LEFT, at, RIGHT, at));
    parts.push(svg.text(LEFT - 10, at + 4, supply.toLocaleString("en-US"), "", "end"));
  }
  const middle = (TOP + BOTTOM) / 2;
  parts.push(
    `<text transform="translate(22 ${middle}) rotate(-90)" text-anchor="middle">million TFT</text>`,
    svg.line("axis", LEFT, TOP, LEFT, BOTTOM),
  );
  return parts;
}

function boughtAxis(x: (bought: number) => number, maxBought: number): string[] {
  const parts = [svg.line("axis", LEFT, BOTTOM, RIGHT, BOTTOM)];
  for (const bought of svg.ticks(maxBought, BOUGHT_STEP)) {
    const at = x(bought);
    parts.push(svg.line("axis", at, BOTTOM, at, BOTTOM + 6));
    parts.push(svg.text(at, BOTTOM + 22, bought.toLocaleString("en-US"), "", "middle"));
  }
  parts.push(svg.text((LEFT + RIGHT) / 2, BOTTOM + 46, "bought back so far, million TFT", "", "middle"));
  return parts;
}

/** Below the volume, when it was reached: the first row of each year. */
function yearAxis(rows: readonly Row[], x: (bought: number) => number): string[] {
  const at = BOTTOM + 74;
  const parts = [svg.line("axis", LEFT, at - 14, RIGHT, at - 14)];
  rows.forEach((row, i) => {
    if (i !== 0 && year(row) === year(rows[i - 1])) return;
    const left = x(i === 0 ? 0 : millions(row.bought));
    parts.push(svg.line("axis", left, at - 18, left, at - 10));
    parts.push(svg.text(left + 4, at + 4, year(row), "subtitle"));
  });
  return parts;
}

function boundaries(x: (bought: number) => number, y: (supply: number) => number): string[] {
  return [
    {
      bought: E1_BOUGHT,
      supply: E1_SUPPLY,
      lines: [
        "E1: the reserve is empty",
        "supply 562.5 M",
        "from here on all is in circulation;",
        "half is burned, half distributed",
      ],
    },
    {
      bought: E2_BOUGHT,
      supply: ULTIMATE_SUPPLY,
      lines: ["E2: burning has ended", "supply 100 M, for good", "from here on all is distributed"],
    },
  ].flatMap(({ bought, supply, lines }) => {
    const left = x(millions(bought));
    const top = y(millions(supply));
    const isFarRight = left > (RIGHT + LEFT) / 2;
    const label = isFarRight ? left - 8 : left + 8;
    return [
      svg.line("boundary", left, TOP, left, BOTTOM),
      svg.line("boundary", LEFT, top, RIGHT, top),
      ...lines.map((line, i) =>
        svg.text(label, TOP + 16 + 18 * i, line, i === 0 ? "strong" : "", isFarRight ? "end" : "start"),
      ),
    ];
  });
}

function circle(x: number, y: number, className: string): string {
  return `<circle class="dot ${className}" cx="${svg.px(x)}" cy="${svg.px(y)}" r="2.8"/>`;
}

function millions(amount: bigint): number {
  return Number((amount * 1_000n) / MILLION) / 1_000;
}

function year({ at }: Row): string {
  return String(new Date(Number(at) * 1_000).getUTCFullYear());
}
