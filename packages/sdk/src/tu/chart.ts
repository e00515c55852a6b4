import { formatAmount } from "../format.js";
import * as svg from "../svg.js";
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

const STYLE: svg.Style = {
  light: `
  .reference { stroke: #818b98; stroke-dasharray: 5 4; }
  .network { fill: #0b61c9; }
  .rating { fill: #1a7f47; }
  .range { stroke: #1f2328; stroke-width: 1.5; fill: none; }`,
  dark: `
    .network { fill: #58a6ff; }
    .rating { fill: #3fb968; }
    .range { stroke: #f0f3f6; }`,
};

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

  return svg.drawing(WIDTH, height, titleOf(reports), STYLE, [
    svg.text(24, 36, titleOf(reports), "title"),
    svg.text(
      24,
      60,
      "images per second over those of a GTX 1080 Ti; the rating is their mean, the whisker their range",
      "subtitle",
    ),
    ...ticks.flatMap((tick) => [
      svg.line("grid", x(tick), TOP - 6, x(tick), bottom),
      svg.text(x(tick), bottom + 20, String(tick), "subtitle", "middle"),
    ]),
    ...bars.flatMap((bar, i) => drawn(bar, TOP + i * ROW_HEIGHT, x)),
    svg.line("reference", x(1), TOP - 6, x(1), bottom),
    svg.text(x(1), bottom + 40, "GTX 1080 Ti", "subtitle", "middle"),
  ]);
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
  return [
    svg.text(LEFT - 12, middle + 4.5, label, kind === "rating" ? "strong" : "", "end"),
    svg.rect(kind, x(0), middle - BAR_HEIGHT / 2, x(tu(value)) - x(0), BAR_HEIGHT),
    ...(range === undefined ? [] : [whisker(x(tu(range.minimum)), end, middle)]),
    svg.text(end + 10, middle + 4.5, formatAmount(value, TU_DECIMALS, 2), "strong"),
  ];
}

function whisker(from: number, to: number, y: number): string {
  const [a, b] = [svg.px(from), svg.px(to)];
  return `<path class="range" d="M${a} ${y - 6}V${y + 6}M${a} ${y}H${b}M${b} ${y - 6}V${y + 6}"/>`;
}

/** From 0 on in steps of 1, 2 or 5 times a power of ten, to the first at or above the maximum. */
function ticksUpTo(maximum: number): number[] {
  const decade = 10 ** Math.floor(Math.log10(maximum / MAX_TICKS));
  const step = [1, 2, 5, 10].map((factor) => factor * decade).find((each) => maximum / each <= MAX_TICKS) ?? decade;
  return svg.ticks(maximum, step);
}

function tu(amount: bigint): number {
  return Number(amount) / 10 ** TU_DECIMALS;
}
