import { table } from "@turingfog/cli";

import { OURS, type Row } from "./measure";
import { ORACLES_MISSING } from "./oracles";

/** A figure beside the least or the most that it may be. */
export interface Bar {
  name: string;
  /** Undefined if one of both was not measured. */
  measured: number | undefined;
  bar: string;
  kept: boolean;
}

/** How many times the images of others ours must train. */
const LEAST: [name: string, times: number][] = [
  ["plain trial", 8],
  ["tfjs wasm, slices", 100],
  ["tfjs cpu, conv2d", 200],
];

/** Weights are between −1 and 1, and binary32 has 24 bits. */
const MOST_DIFFERENCE = 1e-6;

export function judge(rows: readonly Row[]): Bar[] {
  const ours = rows.find(({ name }) => name === OURS)?.median ?? 0;
  const bars = LEAST.map(([name, least]): Bar => {
    const other = rows.find((row) => row.name === name);
    const times = other === undefined ? undefined : ours / other.median;
    const kept = times !== undefined && times >= least;
    return { name: `times ${name}`, measured: times, bar: `at least ${least}`, kept };
  });
  const difference = Math.max(...rows.map((row) => row.difference));
  const kept = difference <= MOST_DIFFERENCE;
  return [...bars, { name: "weights differ by", measured: difference, bar: `at most ${MOST_DIFFERENCE}`, kept }];
}

/** Returns the figures as tables for people. */
export function tables(rows: readonly Row[], bars: readonly Bar[]): string {
  const ours = rows.find(({ name }) => name === OURS)?.median ?? 0;
  const shown = rows.map(({ name, imagesPerCpuSecond, median, difference }) => [
    name,
    ...[median, Math.min(...imagesPerCpuSecond), Math.max(...imagesPerCpuSecond), ours / median].map(figure),
    difference.toExponential(1),
  ]);
  return [
    table([["trainer", "images a CPU s", "least", "most", "ours is times", "weights differ by"], ...shown]),
    "",
    table([
      ["bar", "measured", "", "kept"],
      ...bars.map(({ name, measured, bar, kept }) => [
        name,
        measured === undefined ? "" : figure(measured),
        bar,
        kept ? "yes" : "NO",
      ]),
    ]),
    ...(bars.some(({ measured }) => measured === undefined) ? ["", ORACLES_MISSING] : []),
  ].join("\n");
}

function figure(value: number): string {
  if (value !== 0 && value < 1e-3) return value.toExponential(1);
  return value >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}
