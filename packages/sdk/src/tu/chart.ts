import { formatAmount } from "../format.js";
import type { RatingReport } from "./report.js";

/** A bar: a ratio to the GTX 1080 Ti, 18 decimals, and the range of what it is the mean of. */
interface Bar {
  label: string;
  value: bigint;
  range?: { minimum: bigint; maximum: bigint };
  kind: "network" | "rating";
}

const WIDTH = 900;
const LEFT = 250;
const RIGHT = 810;
const TOP = 92;
const ROW_HEIGHT = 38;
const BAR_HEIGHT = 22;
const FOOT = 58;

/** At most so many numbers along the axis. */
const MAX_TICKS = 8;
const TU_DECIMALS = 18;

const STYLE = `
  text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #3d444d; }
  .background { fill: #ffffff; }
  .title { font-size: 20px; font-weight: 600; fill: #1f2328; }
  .subtitle, .tick { fill: #59636e; }
  .value { font-weight: 600; fill: #1f2328; }
  .grid { stroke: #e4e8ec; }
  .reference { stroke: #818b98; stroke-dasharray: 5 4; }
  .network { fill: #0b61c9; }
  .rating { fill: #1a7f47; }
  .range { stroke: #1f2328; stroke-width: 1.5; fill: none; }
  @media (prefers-color-scheme: dark) {
    text { fill: #b7bfc8; }
    .background { fill: #0d1117; }
    .title, .value { fill: #f0f3f6; }
    .subtitle, .tick { fill: #9198a1; }
    .grid { stroke: #222830; }
    .network { fill: #58a6ff; }
    .rating { fill: #3fb968; }
    .range { stroke: #f0f3f6; }
  }`;

/**
 * An SVG that needs nothing else: of one GPU a bar for each network and one for the rating; of several GPUs a bar for
 * each one's rating. A rating carries the range of its ratios.
 */
export function ratingChart(reports: readonly RatingReport[]): string {
  const bars = reports.length === 1 ? barsOf(reports[0]) : reports.map((report) => ratingBar(report, report.gpu));
  const height = TOP + bars.length * ROW_HEIGHT + FOOT;
  const bottom = TOP + bars.length * ROW_HEIGHT;

  const ticks = ticksUpTo(Math.max(...bars.map(({ value, range }) => tu(range?.maximum ?? value)), 1));
  const x = (value: number) => LEFT + ((RIGHT - LEFT) * value) / ticks[ticks.length - 1];

  const parts = [
    `<rect class="background" width="${WIDTH}" height="${height}"/>`,
    text(24, 36, titleOf(reports), "title"),
    text(
      24,
      60,
      "images per second over those of a GTX 1080 Ti; the rating is their mean, the whisker their range",
      "subtitle",
    ),
    ...ticks.flatMap((tick) => [
      line("grid", x(tick), TOP - 6, x(tick), bottom),
      text(x(tick), bottom + 20, String(tick), "tick", "middle"),
    ]),
    ...bars.flatMap((bar, i) => drawn(bar, TOP + i * ROW_HEIGHT, x)),
    line("reference", x(1), TOP - 6, x(1), bottom),
    text(x(1), bottom + 40, "GTX 1080 Ti", "tick", "middle"),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>${escape(titleOf(reports))}</title>`,
    `<style>${STYLE}\n</style>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function barsOf(report: RatingReport): Bar[] {
  const networks = report.networks.map(({ network, ratio }): Bar => ({
    label: network,
    value: ratio,
    kind: "network",
  }));
  return [...networks, ratingBar(report, "rating")];
}

function ratingBar({ rating, isPartial, spread, networks, missing }: RatingReport, name: string): Bar {
  const count = `${networks.length} of ${networks.length + missing.length}`;
  return { label: isPartial ? `${name} (partial, ${count})` : name, value: rating, range: spread, kind: "rating" };
}

function titleOf(reports: readonly RatingReport[]): string {
  return reports.length === 1 ? `${reports[0].gpu} in TU per day` : "Ratings in TU per day";
}

function drawn({ label, value, range, kind }: Bar, top: number, x: (value: number) => number): string[] {
  const middle = top + ROW_HEIGHT / 2;
  const end = x(tu(range?.maximum ?? value));
  const bar = `x="${x(0)}" y="${middle - BAR_HEIGHT / 2}" width="${px(x(tu(value)) - x(0))}" height="${BAR_HEIGHT}"`;
  return [
    text(LEFT - 12, middle + 4.5, label, kind === "rating" ? "value" : "", "end"),
    `<rect class="${kind}" rx="2" ${bar}/>`,
    ...(range === undefined ? [] : [whisker(x(tu(range.minimum)), end, middle)]),
    text(end + 10, middle + 4.5, formatAmount(value, TU_DECIMALS, 2), "value"),
  ];
}

function whisker(from: number, to: number, y: number): string {
  const [a, b] = [px(from), px(to)];
  return `<path class="range" d="M${a} ${y - 6}V${y + 6}M${a} ${y}H${b}M${b} ${y - 6}V${y + 6}"/>`;
}

/** From 0 on in steps of 1, 2 or 5 times a power of ten, to the first at or above the maximum. */
function ticksUpTo(maximum: number): number[] {
  const decade = 10 ** Math.floor(Math.log10(maximum / MAX_TICKS));
  const step = [1, 2, 5, 10].map((factor) => factor * decade).find((each) => maximum / each <= MAX_TICKS) ?? decade;
  const count = Math.ceil(maximum / step);
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

function tu(amount: bigint): number {
  return Number(amount) / 10 ** TU_DECIMALS;
}

function line(kind: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${kind}" x1="${px(x1)}" y1="${y1}" x2="${px(x2)}" y2="${y2}"/>`;
}

function text(x: number, y: number, content: string, kind: string, anchor = "start"): string {
  return `<text class="${kind}" x="${px(x)}" y="${y}" text-anchor="${anchor}">${escape(content)}</text>`;
}

function px(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(content: string): string {
  return content.replace(/&/g, "&amp;").replace(/</g, "&lt;");
}
