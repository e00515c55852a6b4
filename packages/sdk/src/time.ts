import { DAY, HOUR, MINUTE } from "./units.js";

const UNITS: readonly (readonly [string, bigint])[] = [
  ["day", DAY],
  ["hour", HOUR],
  ["minute", MINUTE],
];

/** Renders a time in unix seconds in the form of parameter files: 2027-01-01T00:00:00Z. */
export function formatInstant(time: bigint): string {
  return new Date(Number(time) * 1_000).toISOString().replace(".000Z", "Z");
}

/** Renders seconds in the form of parameter files, in the largest unit that divides them: 2 days. */
export function formatDuration(seconds: bigint): string {
  const [name, unit] = UNITS.find(([, each]) => seconds !== 0n && seconds % each === 0n) ?? ["second", 1n];
  const count = seconds / unit;
  return `${count} ${name}${count === 1n ? "" : "s"}`;
}
