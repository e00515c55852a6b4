import { BURNING_END, NOMINAL_SUPPLY, PRODUCTION_MINING_END, RESERVE, ULTIMATE_SUPPLY } from "@turingfog/sdk";
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

/** Where the phases end: the whole of phase 1 is burned, and half of phase 2. */
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

const STYLE = `
  text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #3d444d; }
  .background { fill: #ffffff; }
  .title { font-size: 20px; font-weight: 600; fill: #1f2328; }
  .subtitle { fill: #59636e; }
  .axis { stroke: #818b98; fill: none; }
  .grid { stroke: #e4e8ec; }
  .boundary { stroke: #818b98; stroke-dasharray: 5 4; }
  .strong { font-weight: 600; fill: #1f2328; }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
  .line.total { stroke: #0b61c9; } .dot.total { fill: #0b61c9; }
  .line.circulating { stroke: #b35900; stroke-dasharray: 9 4; } .dot.circulating { fill: #b35900; }
  .line.reserve { stroke: #1a7f47; stroke-dasharray: 2 4; stroke-linecap: round; stroke-width: 3; } .dot.reserve { fill: #1a7f47; }
  @media (prefers-color-scheme: dark) {
    text { fill: #b7bfc8; }
    .background { fill: #0d1117; }
    .title, .strong { fill: #f0f3f6; }
    .subtitle { fill: #9198a1; }
    .grid { stroke: #222830; }
    .line.total { stroke: #58a6ff; } .dot.total { fill: #58a6ff; }
    .line.circulating { stroke: #f0a04b; } .dot.circulating { fill: #f0a04b; }
    .line.reserve { stroke: #3fb968; } .dot.reserve { fill: #3fb968; }
  }`;

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
    `<rect class="background" width="${WIDTH}" height="${HEIGHT}"/>`,
    text(LEFT, 36, "The supply of TFT over its whole life", "title"),
    text(
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
    const path = points.map((p) => `${round(x(millions(p.bought)))},${round(y(millions(p[name])))}`).join(" ");
    parts.push(`<polyline class="line ${name}" points="${path}"/>`);
    for (const { bought, supply } of rows) {
      parts.push(circle(x(millions(bought)), y(millions(supply[name])), name));
    }
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" ` +
      `role="img" aria-label="Supply of TFT over the volume bought back">`,
    `<style>${STYLE}\n</style>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

/** The rows, genesis before them, and the two boundaries where they lie between. */
function curve(rows: readonly Row[]): Point[] {
  const genesis = { bought: 0n, total: NOMINAL_SUPPLY, circulating: NOMINAL_SUPPLY - RESERVE, reserve: RESERVE };
  const e1 = { bought: E1_BOUGHT, total: E1_SUPPLY, circulating: E1_SUPPLY, reserve: 0n };
  const e2 = { bought: E2_BOUGHT, total: ULTIMATE_SUPPLY, circulating: ULTIMATE_SUPPLY, reserve: 0n };
  const points = [genesis, ...rows.map(({ bought, supply }) => ({ ...supply, bought }))];
  const last = points[points.length - 1].bought;
  for (const boundary of [e1, e2]) if (boundary.bought < last) points.push(boundary);
  return points.sort((a, b) => (a.bought < b.bought ? -1 : a.bought > b.bought ? 1 : 0));
}

function legend(): string[] {
  const row = 84;
  let left = LEFT;
  return SERIES.flatMap(({ name, label }) => {
    const at = left;
    left += 80 + label.length * 7;
    return [
      `<line class="line ${name}" x1="${at}" y1="${row - 4}" x2="${at + 34}" y2="${row - 4}"/>`,
      text(at + 42, row, label),
    ];
  });
}

function supplyAxis(y: (supply: number) => number): string[] {
  const parts: string[] = [];
  for (let supply = 0; supply <= MAX_SUPPLY; supply += SUPPLY_STEP) {
    const at = round(y(supply));
    if (supply !== 0) parts.push(`<line class="grid" x1="${LEFT}" y1="${at}" x2="${RIGHT}" y2="${at}"/>`);
    parts.push(text(LEFT - 10, at + 4, supply.toLocaleString("en-US"), "", "end"));
  }
  const middle = (TOP + BOTTOM) / 2;
  parts.push(
    `<text transform="translate(22 ${middle}) rotate(-90)" text-anchor="middle">million TFT</text>`,
    `<line class="axis" x1="${LEFT}" y1="${TOP}" x2="${LEFT}" y2="${BOTTOM}"/>`,
  );
  return parts;
}

function boughtAxis(x: (bought: number) => number, maxBought: number): string[] {
  const parts = [`<line class="axis" x1="${LEFT}" y1="${BOTTOM}" x2="${RIGHT}" y2="${BOTTOM}"/>`];
  for (let bought = 0; bought <= maxBought; bought += BOUGHT_STEP) {
    const at = round(x(bought));
    parts.push(`<line class="axis" x1="${at}" y1="${BOTTOM}" x2="${at}" y2="${BOTTOM + 6}"/>`);
    parts.push(text(at, BOTTOM + 22, bought.toLocaleString("en-US"), "", "middle"));
  }
  parts.push(text((LEFT + RIGHT) / 2, BOTTOM + 46, "bought back so far, million TFT", "", "middle"));
  return parts;
}

/** Below the volume, when it was reached: the first row of each year. */
function yearAxis(rows: readonly Row[], x: (bought: number) => number): string[] {
  const at = BOTTOM + 74;
  const parts = [`<line class="axis" x1="${LEFT}" y1="${at - 14}" x2="${RIGHT}" y2="${at - 14}"/>`];
  rows.forEach((row, i) => {
    if (i !== 0 && year(row) === year(rows[i - 1])) return;
    const left = round(x(i === 0 ? 0 : millions(row.bought)));
    parts.push(`<line class="axis" x1="${left}" y1="${at - 18}" x2="${left}" y2="${at - 10}"/>`);
    parts.push(text(left + 4, at + 4, year(row), "subtitle"));
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
    const left = round(x(millions(bought)));
    const top = round(y(millions(supply)));
    const isFarRight = left > (RIGHT + LEFT) / 2;
    const label = isFarRight ? left - 8 : left + 8;
    return [
      `<line class="boundary" x1="${left}" y1="${TOP}" x2="${left}" y2="${BOTTOM}"/>`,
      `<line class="boundary" x1="${LEFT}" y1="${top}" x2="${RIGHT}" y2="${top}"/>`,
      ...lines.map((line, i) =>
        text(label, TOP + 16 + 18 * i, line, i === 0 ? "strong" : "", isFarRight ? "end" : "start"),
      ),
    ];
  });
}

function text(x: number, y: number, content: string, className = "", anchor = "start"): string {
  const style = className === "" ? "" : ` class="${className}"`;
  return `<text${style} x="${x}" y="${y}" text-anchor="${anchor}">${content}</text>`;
}

function circle(x: number, y: number, className: string): string {
  return `<circle class="dot ${className}" cx="${round(x)}" cy="${round(y)}" r="2.8"/>`;
}

function millions(amount: bigint): number {
  return Number((amount * 1_000n) / MILLION) / 1_000;
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}

function year({ at }: Row): string {
  return String(new Date(Number(at) * 1_000).getUTCFullYear());
}
