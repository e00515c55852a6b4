import { table } from "@turingfog/cli";
import { FORMER_COMMIT } from "./builds";
import { OPENZEPPELIN, SDK, type Measured, type SizeRow } from "./measure";

/** A figure beside the most that it may be. */
export interface Limit {
  name: string;
  measured: number;
  limit: number;
  kept: boolean;
}

const MILLION = 1_000_000;
const COMPARED = 100_000;

/** Compares what was measured with the limits of its size. */
export function judge({ sizes, whole, endless }: Measured): Limit[] {
  const limits: Limit[] = [];
  const add = (name: string, measured: number, limit: number): void => {
    limits.push({ name, measured, limit, kept: measured <= limit });
  };
  const of = (library: string, receipts: number): SizeRow | undefined =>
    sizes.find((row) => row.library === library && row.receipts === receipts);

  const standard = of(OPENZEPPELIN, COMPARED);
  if (whole.receipts === MILLION && standard !== undefined) {
    const fortieth = (standard.treeSeconds / COMPARED / 40) * MILLION;
    add("1,000,000: tree, s of CPU (or a 40th of OpenZeppelin's)", whole.treeSeconds, Math.max(6, fortieth));
    add("1,000,000: file read, checked and hashed, s of CPU", whole.readSeconds, 4);
    add("1,000,000: peak of the whole process, MB", whole.peakMB, 200);
    add("1,000,000: proof of 200, median, ms", whole.medianProofMs, 5);
    add("1,000,000: proof of 200, first, ms", whole.firstProofMs, 20);
  }
  const [own, former] = [of(SDK, COMPARED), of(FORMER_COMMIT, COMPARED)];
  if (own?.fileMB !== undefined && former?.fileMB !== undefined) {
    add(`100,000: tree, s of CPU (a 15th of ${FORMER_COMMIT}'s)`, own.treeSeconds, former.treeSeconds / 15);
    add(`100,000: file, MB (a 10th of ${FORMER_COMMIT}'s)`, own.fileMB, former.fileMB / 10);
  }
  add("endless file: peak when it is refused, MB", endless.peakMB, 150);
  return limits;
}

/** Returns the figures as tables for people. */
export function tables({ sizes, whole, endless }: Measured, limits: readonly Limit[]): string {
  const rows = sizes.map((row) => [
    row.receipts.toLocaleString("en"),
    row.library,
    ...[row.treeSeconds, row.treeMB, row.writeSeconds, row.readSeconds, row.fileMB].map(figure),
  ]);
  return [
    table([["receipts", "library", "tree s", "tree MB", "write s", "read s", "file MB"], ...rows]),
    "",
    `One process, ${whole.receipts.toLocaleString("en")} receipts:`,
    table([
      ["file MB", figure(whole.size / 1e6)],
      ["read s", figure(whole.readSeconds)],
      ["tree s", figure(whole.treeSeconds)],
      ["proof of 200, first ms", figure(whole.firstProofMs)],
      ["proof of 200, median ms", figure(whole.medianProofMs)],
      ["slices of 95,000 bytes", String(whole.slices)],
      ["slices s", figure(whole.sliceSeconds)],
      ["peak MB", figure(whole.peakMB)],
    ]),
    "",
    `An endless file is refused at ${endless.refusedAtBytes.toLocaleString("en")} bytes, at ${figure(endless.peakMB)} MB.`,
    "",
    table([
      ["limit", "measured", "at most", "kept"],
      ...limits.map(({ name, measured, limit, kept }) => [name, figure(measured), figure(limit), kept ? "yes" : "NO"]),
    ]),
  ].join("\n");
}

function figure(value: number | undefined): string {
  if (value === undefined) return "";
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
