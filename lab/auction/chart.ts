import { LATER_PERIOD_HALVINGS } from "@turingfog/sdk";

import type { Outcome } from "./simulate";
import { LATER_CHOICES, PERIOD, VERSION_ONE, versionTwo } from "./versions";

/** A line of a chart, in the units of its axes. */
interface Line {
  readonly label: string;
  /** Class of its colour. */
  readonly colour: string;
  readonly isDashed: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

interface Axes {
  readonly title: string;
  readonly subtitle: string;
  readonly xLabel: string;
  readonly xTicks: readonly number[];
  /** Powers of ten; the scale is logarithmic. */
  readonly yTicks: readonly number[];
}

const WIDTH = 1_000;
const HEIGHT = 570;
const LEFT = 84;
const RIGHT = 968;
const TOP = 140;
const BOTTOM = 500;
const LEGEND_WIDTH = 294;

const STYLE = `
  text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #3d444d; }
  .background { fill: #ffffff; }
  .title { font-size: 20px; font-weight: 600; fill: #1f2328; }
  .subtitle { fill: #59636e; }
  .axis { stroke: #818b98; fill: none; }
  .grid { stroke: #e4e8ec; }
  .line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
  .dashed { stroke-dasharray: 7 5; }
  .blue { stroke: #0b61c9; } .orange { stroke: #b35900; } .green { stroke: #1a7f47; } .grey { stroke: #6e7781; }
  @media (prefers-color-scheme: dark) {
    text { fill: #b7bfc8; }
    .background { fill: #0d1117; }
    .title { fill: #f0f3f6; }
    .subtitle { fill: #9198a1; }
    .grid { stroke: #222830; }
    .blue { stroke: #58a6ff; } .orange { stroke: #f0a04b; } .green { stroke: #3fb968; } .grey { stroke: #9198a1; }
  }`;

/** A multiple of 48, so that the opening's end is one of them. */
const SAMPLES = 96;
/** Days between two points. */
const DAYS_APART = 3;
/** Scales the reference up, so that low prices keep their digits. */
const SAMPLE_REFERENCE = 10n ** 27n;

/** Draws the price of a lot over its age, in both versions. */
export function priceChart(): string {
  const periods = 4;
  const colours = ["blue", "green", "orange"];
  const second = LATER_CHOICES.map((later, i) => ({
    version: versionTwo(later),
    label: `version 2, LATER = ${later}`,
    colour: colours[i],
    isDashed: later !== LATER_PERIOD_HALVINGS,
  }));
  const first = { version: VERSION_ONE, label: "version 1", colour: "grey", isDashed: false };
  const ages = Array.from({ length: SAMPLES + 1 }, (_, i) => Math.round((i * periods * PERIOD) / SAMPLES));
  // the first below, as it ends as the steepest of the others does
  const lines = [first, ...second].map(({ version, ...line }) => ({
    ...line,
    points: ages.map((age) => {
      const price = version.priceAt(SAMPLE_REFERENCE, BigInt(age));
      return [age / PERIOD, Number(price) / Number(SAMPLE_REFERENCE)] as const;
    }),
  }));
  return chart(lines, {
    title: "The price of a lot",
    subtitle: "in reference prices, on a logarithmic scale, over the lot's age",
    xLabel: "age in periods",
    xTicks: [0, 1, 2, 3, 4],
    yTicks: [-8, -6, -4, -2, 0, 2, 4],
  });
}

/** Draws how far a reference is off over the days of a year; each outcome beside its label. */
export function healingChart(
  outcomes: readonly { label: string; colour: string; isDashed: boolean; outcome: Outcome }[],
): string {
  const lines = outcomes.map(({ outcome: { ratios }, ...line }) => ({
    ...line,
    points: ratios.map((ratio, day) => [day + 1, ratio] as const).filter((_, day) => day % DAYS_APART === 0),
  }));
  return chart(lines, {
    title: "How a reference price returns to the market's",
    subtitle: "reference over market price, on a logarithmic scale; two bidders, constant market",
    xLabel: "days",
    xTicks: [0, 60, 120, 180, 240, 300, 360],
    yTicks: [-6, -4, -2, 0, 2, 4, 6],
  });
}

function chart(lines: readonly Line[], { title, subtitle, xLabel, xTicks, yTicks }: Axes): string {
  const [lowest, highest] = [yTicks[0], yTicks[yTicks.length - 1]];
  const last = xTicks[xTicks.length - 1];
  const x = (value: number) => round(LEFT + ((RIGHT - LEFT) * value) / last);
  const y = (exponent: number) => round(BOTTOM - ((BOTTOM - TOP) * (exponent - lowest)) / (highest - lowest));
  const parts = [
    `<rect class="background" width="${WIDTH}" height="${HEIGHT}"/>`,
    text(LEFT, 34, title, "title"),
    text(LEFT, 56, subtitle, "subtitle"),
    ...legend(lines),
    ...yTicks.flatMap((exponent) => [
      `<line class="grid" x1="${LEFT}" y1="${y(exponent)}" x2="${RIGHT}" y2="${y(exponent)}"/>`,
      text(LEFT - 10, y(exponent) + 4, powerOfTen(exponent), "", "end"),
    ]),
    ...xTicks.map((tick) => text(x(tick), BOTTOM + 22, String(tick), "", "middle")),
    `<line class="axis" x1="${LEFT}" y1="${BOTTOM}" x2="${RIGHT}" y2="${BOTTOM}"/>`,
    text((LEFT + RIGHT) / 2, BOTTOM + 46, xLabel, "", "middle"),
    ...lines.map(({ points, ...line }) => {
      const drawn = points.filter(([at, value]) => at <= last && value > 0 && Math.log10(value) >= lowest - 0.2);
      const path = drawn.map(([at, value]) => `${x(at)},${y(Math.log10(value))}`).join(" ");
      return `<polyline class="${classOf(line)}" points="${path}"/>`;
    }),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">
<title>${title}</title>
<style>${STYLE}
</style>
${parts.join("\n")}
</svg>
`;
}

function legend(lines: readonly Line[]): string[] {
  return lines.flatMap((line, i) => {
    const left = LEFT + (i % 3) * LEGEND_WIDTH;
    const row = 80 + Math.floor(i / 3) * 20;
    return [
      `<line class="${classOf(line)}" x1="${left}" y1="${row - 4}" x2="${left + 34}" y2="${row - 4}"/>`,
      text(left + 42, row, line.label),
    ];
  });
}

function classOf({ colour, isDashed }: Pick<Line, "colour" | "isDashed">): string {
  return `line ${colour}${isDashed ? " dashed" : ""}`;
}

function powerOfTen(exponent: number): string {
  return exponent === 0
    ? "1"
    : `10<tspan dy="-5" font-size="10">${exponent < 0 ? "−" : ""}${Math.abs(exponent)}</tspan>`;
}

function text(x: number, y: number, content: string, className = "", anchor = "start"): string {
  const style = className === "" ? "" : ` class="${className}"`;
  return `<text${style} x="${x}" y="${y}" text-anchor="${anchor}">${content}</text>`;
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}
