import { table } from "@turingfog/cli";
import type { Measured, Row } from "./measure";

/** A figure beside the least or the most that it may be. */
export interface Bar {
  name: string;
  measured: number;
  bar: string;
  kept: boolean;
}

/** Readings a CPU second in one signer on SQLite, and how many times those by ethers. */
const LEAST = { many: 9_000, one: 6_500, timesEthers: 15 };

/** Seconds of CPU in which 100,000 readings are caught up. */
const MOST_CATCH_UP = 15;

export function judge({ rows, catchUp }: Measured): Bar[] {
  const of = (method: string, postSize: number) =>
    rows.find((row) => row.engine === "SQLite" && row.method === method && row.postSize === postSize)?.perCpuSecond ??
    0;
  const bars: Bar[] = [];
  const least = (name: string, measured: number, bar: number) =>
    bars.push({ name, measured, bar: `at least ${bar}`, kept: measured >= bar });
  const most = (name: string, measured: number, bar: number) =>
    bars.push({ name, measured, bar: `at most ${bar}`, kept: measured <= bar });
  for (const [postSize, bar] of [
    [64, LEAST.many],
    [1, LEAST.one],
  ]) {
    least(`posts of ${postSize}: readings a CPU second`, of("native", postSize), bar);
    least(`posts of ${postSize}: times ethers`, of("native", postSize) / of("ethers", 64), LEAST.timesEthers);
  }
  most("catching up: s of CPU", catchUp.cpuSeconds, MOST_CATCH_UP);
  most("catching up: readings lost", catchUp.lost, 0);
  return bars;
}

/** Returns the figures as tables for people. */
export function tables({ rows, catchUp, million, postgresMissing }: Measured, bars: readonly Bar[]): string {
  const shown = (row: Row) => [
    row.engine,
    row.method,
    ...[row.processes, row.postSize, row.readings, row.perCpuSecond, row.perSecond].map(figure),
  ];
  return [
    table([["engine", "by", "processes", "post of", "readings", "a CPU second", "a second"], ...rows.map(shown)]),
    ...(postgresMissing === undefined ? [] : [`PostgreSQL was not measured: ${postgresMissing}`]),
    "",
    `Catching up ${figure(catchUp.readings)} readings took ${figure(catchUp.cpuSeconds)} s of CPU, ${catchUp.lost} were lost.`,
    `A million readings take ${figure(million.diskMB)} MB of disk and ${figure(million.memoryMB)} MB of memory.`,
    "",
    table([
      ["bar", "measured", "", "kept"],
      ...bars.map(({ name, measured, bar, kept }) => [name, figure(measured), bar, kept ? "yes" : "NO"]),
    ]),
  ].join("\n");
}

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}
