import type { Table } from "../table.js";

/** A claim of docs/mechanism.md, measured. */
export interface Claim {
  /** Name in the tables. */
  readonly id: string;
  /** What the document says, in one clause. */
  readonly text: string;
  readonly figure: string;
  /** The figure in the worst case that was tried, and which that was. */
  readonly worst: string;
  /** Sentences of docs/mechanism.md that have the figure, as it was measured; white space does not count. */
  readonly sentences: readonly string[];
  /** Tables that have more of it. */
  readonly tables: readonly Table[];
}

/** Formats a number for people, without decimals unless asked for. */
export function number(value: number, decimals = 0): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** Returns the median and the worst of numbers. */
export function spread(values: readonly number[], worst: "low" | "high"): { median: number; worst: number } {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: sorted[Math.floor((sorted.length - 1) / 2)],
    worst: worst === "low" ? sorted[0] : sorted[sorted.length - 1],
  };
}
