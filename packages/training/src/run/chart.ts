import { svg } from "@turingfog/sdk";

import type { RoundRecord } from "./record";

/** A figure of each round. */
interface Figure {
  name: string;
  of: (record: RoundRecord) => number;
  show: (value: number) => string;
  /** The highest that it may be, if there is one. */
  most?: number;
}

const percent = (value: number) => `${(100 * value).toFixed(2)} %`;

const FIGURES: readonly Figure[] = [
  { name: "accuracy", of: ({ accuracy }) => accuracy, show: percent, most: 1 },
  { name: "loss", of: ({ loss }) => loss, show: (value) => value.toFixed(4) },
];

const COLUMNS = 60;
const ROWS = 8;

/** Returns the accuracy and the loss of all rounds as lines of text. */
export function plotOf(records: readonly RoundRecord[]): string {
  return FIGURES.map((figure) => {
    const values = records.map(figure.of);
    const [low, high] = [Math.min(...values), figure.most ?? Math.max(...values)];
    const shown = sampled(values, COLUMNS);
    const heights = shown.map((value) => (high === low ? 0 : Math.round(((value - low) / (high - low)) * (ROWS - 1))));
    const lines = Array.from({ length: ROWS }, (_, i) => {
      const row = ROWS - 1 - i;
      const label = row === ROWS - 1 ? figure.show(high) : row === 0 ? figure.show(low) : "";
      return `${label.padStart(10)} │${heights.map((height) => (height === row ? "•" : " ")).join("")}`.trimEnd();
    });
    const axis = `${" ".repeat(10)} └${"─".repeat(shown.length)} round ${records.length}`;
    return [figure.name, ...lines, axis].join("\n");
  }).join("\n\n");
}

/** Returns at most so many values: each is the last of those that it stands for. */
function sampled(values: readonly number[], most: number): number[] {
  const count = Math.min(values.length, most);
  return Array.from({ length: count }, (_, i) => values[Math.ceil(((i + 1) * values.length) / count) - 1]);
}

const WIDTH = 1_000;
const HEIGHT = 460;
const TOP = 96;
const BOTTOM = 390;
const SIDES = [
  { left: 84, right: 480 },
  { left: 588, right: 968 },
];
const STYLE = {
  light: "\n  .line { fill: none; stroke-width: 1.8; stroke: #0b61c9; }",
  dark: "\n    .line { stroke: #58a6ff; }",
};

/** Draws the accuracy and the loss of all rounds side by side. */
export function drawingOf(records: readonly RoundRecord[], subtitle: string): string {
  return svg.drawing(WIDTH, HEIGHT, "Joint training", STYLE, [
    svg.text(SIDES[0].left, 34, "Joint training", "title"),
    svg.text(SIDES[0].left, 58, subtitle, "subtitle"),
    ...FIGURES.flatMap((figure, i) => panel(figure, records, SIDES[i])),
  ]);
}

function panel(figure: Figure, records: readonly RoundRecord[], { left, right }: (typeof SIDES)[number]): string[] {
  const values = records.map(figure.of);
  const high = figure.most ?? Math.max(...values);
  const x = (i: number) => left + (right - left) * (values.length === 1 ? 0.5 : i / (values.length - 1));
  const y = (value: number) => BOTTOM - (BOTTOM - TOP) * (high === 0 ? 0 : value / high);
  const points = values.map((value, i) => `${svg.px(x(i))},${svg.px(y(value))}`).join(" ");
  return [
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((part) => [
      svg.line("grid", left, y(part * high), right, y(part * high)),
      svg.text(left - 8, y(part * high) + 4, figure.show(part * high), "", "end"),
    ]),
    svg.text(left, TOP - 14, figure.name, "strong"),
    svg.text((left + right) / 2, BOTTOM + 26, `rounds 1 to ${values.length}`, "", "middle"),
    `<polyline class="line" points="${points}"/>`,
  ];
}
