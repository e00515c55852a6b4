import { REFERENCES } from "./references";
import type { Row } from "./report";

const WIDTH = 1_000;
const LEFT = 270;
const RIGHT = 880;
const TOP = 104;
const BAR_HEIGHT = 17;
const GROUP_GAP = 16;
const FOOT = 46;
const TICK = 50_000;

/** Bars end here with their figure beside them, or peers many times ours would leave ours no room. */
const MAX_GAS = 300_000;

const STYLE = `
  text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #3d444d; }
  .background { fill: #ffffff; }
  .title { font-size: 20px; font-weight: 600; fill: #1f2328; }
  .subtitle, .tick { fill: #59636e; }
  .value { font-weight: 600; fill: #1f2328; }
  .grid { stroke: #e4e8ec; }
  .ours { fill: #0b61c9; }
  .peer { fill: #b6bfca; }
  .quoted { fill: #d8dee5; }
  .floor { stroke: #b35900; stroke-width: 2.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #b7bfc8; }
    .background { fill: #0d1117; }
    .title, .value { fill: #f0f3f6; }
    .subtitle, .tick { fill: #9198a1; }
    .grid { stroke: #222830; }
    .ours { fill: #58a6ff; }
    .peer { fill: #5b6673; }
    .quoted { fill: #38414c; }
    .floor { stroke: #f0a04b; }
  }`;

/** A bar for each operation that has a bar to stay below, one for each of its cheapest peers, and a mark at its floor. */
export function gasChart(rows: readonly Row[]): string {
  const shown = rows.filter(({ id, peers }) => REFERENCES[id]?.bar !== undefined && peers.length > 0);
  const x = (gas: number) => px(LEFT + ((RIGHT - LEFT) * Math.min(gas, MAX_GAS)) / MAX_GAS);

  const groups: string[] = [];
  let y = TOP;
  for (const { id, gas, floor, peers } of shown) {
    const top = y;
    groups.push(...bar("ours", id, gas, y, x));
    y += BAR_HEIGHT + 2;
    for (const peer of peers) {
      groups.push(...bar(peer.quoted ? "quoted" : "peer", peer.name, peer.gas, y, x));
      y += BAR_HEIGHT + 2;
    }
    if (floor !== null) {
      groups.push(
        `<line class="floor" x1="${x(floor)}" y1="${top - 3}" x2="${x(floor)}" y2="${top + BAR_HEIGHT + 3}"/>`,
      );
    }
    y += GROUP_GAP;
  }

  const height = y + FOOT;
  const ticks = Array.from({ length: MAX_GAS / TICK + 1 }, (_, i) => i * TICK);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
      `role="img" aria-label="Gas of TuringFog and of comparable contracts">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="background" width="${WIDTH}" height="${height}"/>`,
    text(24, 36, "Gas, and that of comparable contracts", "title"),
    ...legend(),
    ...ticks.flatMap((tick) => [
      `<line class="grid" x1="${x(tick)}" y1="${TOP - 8}" x2="${x(tick)}" y2="${y}"/>`,
      text(x(tick), y + 20, tick.toLocaleString("en-US"), "tick", "middle"),
    ]),
    ...groups,
    "</svg>",
    "",
  ].join("\n");
}

function legend(): string[] {
  const entries = [
    ["ours", "TuringFog"],
    ["peer", "peer, measured in the same run"],
    ["quoted", "peer, quoted"],
  ];
  let left = 24;
  const parts = entries.flatMap(([kind, label]) => {
    const at = left;
    left += 42 + label.length * 7;
    return [
      `<rect class="${kind}" x="${at}" y="56" width="14" height="14" rx="2"/>`,
      text(at + 20, 68, label, "subtitle"),
    ];
  });
  return [
    ...parts,
    `<line class="floor" x1="${left + 6}" y1="55" x2="${left + 6}" y2="71"/>`,
    text(left + 16, 68, "floor of the operation", "subtitle"),
  ];
}

function bar(kind: string, label: string, gas: number, top: number, x: (gas: number) => number): string[] {
  const middle = top + BAR_HEIGHT / 2 + 4.5;
  const strong = kind === "ours" ? "value" : "";
  const figure = gas.toLocaleString("en-US") + (gas > MAX_GAS ? " →" : "");
  return [
    text(LEFT - 10, middle, label, strong, "end"),
    `<rect class="${kind}" rx="2" x="${LEFT}" y="${top}" width="${px(x(gas) - LEFT)}" height="${BAR_HEIGHT}"/>`,
    text(x(gas) + 8, middle, figure, strong),
  ];
}

function text(x: number, y: number, content: string, kind = "", anchor = "start"): string {
  return `<text class="${kind}" x="${px(x)}" y="${y}" text-anchor="${anchor}">${content}</text>`;
}

function px(value: number): number {
  return Math.round(value * 10) / 10;
}
