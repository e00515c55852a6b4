import { svg } from "@turingfog/sdk";

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

const STYLE: svg.Style = {
  light: `
  .ours { fill: #0b61c9; }
  .peer { fill: #b6bfca; }
  .quoted { fill: #d8dee5; }
  .floor { stroke: #b35900; stroke-width: 2.5; }`,
  dark: `
    .ours { fill: #58a6ff; }
    .peer { fill: #5b6673; }
    .quoted { fill: #38414c; }
    .floor { stroke: #f0a04b; }`,
};

/** A bar for each operation that has a bar to stay below, one for each of its cheapest peers, and a mark at its floor. */
export function gasChart(rows: readonly Row[]): string {
  const shown = rows.filter(({ id, peers }) => REFERENCES[id]?.bar !== undefined && peers.length > 0);
  const x = (gas: number) => LEFT + ((RIGHT - LEFT) * Math.min(gas, MAX_GAS)) / MAX_GAS;

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
      groups.push(svg.line("floor", x(floor), top - 3, x(floor), top + BAR_HEIGHT + 3));
    }
    y += GROUP_GAP;
  }

  return svg.drawing(WIDTH, y + FOOT, "Gas of TuringFog and of comparable contracts", STYLE, [
    svg.text(24, 36, "Gas, and that of comparable contracts", "title"),
    ...legend(),
    ...svg
      .ticks(MAX_GAS, TICK)
      .flatMap((tick) => [
        svg.line("grid", x(tick), TOP - 8, x(tick), y),
        svg.text(x(tick), y + 20, tick.toLocaleString("en-US"), "subtitle", "middle"),
      ]),
    ...groups,
  ]);
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
    return [svg.rect(kind, at, 56, 14, 14), svg.text(at + 20, 68, label, "subtitle")];
  });
  return [
    ...parts,
    svg.line("floor", left + 6, 55, left + 6, 71),
    svg.text(left + 16, 68, "floor of the operation", "subtitle"),
  ];
}

function bar(kind: string, label: string, gas: number, top: number, x: (gas: number) => number): string[] {
  const middle = top + BAR_HEIGHT / 2 + 4.5;
  const strong = kind === "ours" ? "strong" : "";
  const figure = gas.toLocaleString("en-US") + (gas > MAX_GAS ? " →" : "");
  return [
    svg.text(LEFT - 10, middle, label, strong, "end"),
    svg.rect(kind, LEFT, top, x(gas) - LEFT, BAR_HEIGHT),
    svg.text(x(gas) + 8, middle, figure, strong),
  ];
}
