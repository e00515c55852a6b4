import { PARTS, sum, type Breakdown, type Part } from "./breakdown";
import type { Meter } from "./meter";
import { BATCHES, CLAIMS, growthId, TREES } from "./operations";
import { REFERENCES } from "./references";

/** Someone else's figure for the same thing. */
export interface Peer {
  name: string;
  gas: number;
  /** Measured elsewhere, not in this run. */
  quoted: boolean;
}

/** An operation and what it is compared with; all figures in gas. */
export interface Row {
  id: string;
  gas: number;
  /** Null where none is known. */
  floor: number | null;
  /** The cheapest first. */
  peers: Peer[];
  /** To the cheapest peer; null without one. */
  ratio: number | null;
}

/** A line of the growth table: what each of several things done at once costs. */
export interface Growth {
  what: "receipt" | "bucket";
  /** Receipts in the tree, or buckets that are claimed. */
  size: number;
  /** How many at once. */
  count: number;
  /** Gas for each. */
  each: number;
}

/** Where an operation's gas goes. */
export interface Spending {
  id: string;
  gas: number;
  parts: Breakdown;
}

/** What is broken down: the id of a figure, and of the transaction that is traced, a share of which it is. */
export const BROKEN_DOWN = [
  { id: "open.node" },
  { id: "report.3of4" },
  { id: "settle.next", transaction: "settle.whole.50", receipts: 50 },
  { id: "settle.single", transaction: "settle.part.1" },
  { id: "claim.1" },
  { id: "burn.phase1" },
  { id: "buy.lot" },
];

/** The ids of the transactions that `spendingOf` needs traced. */
export const TRACED = BROKEN_DOWN.map(({ id, transaction = id }) => transaction);

const PEER_PREFIX = "peer.";

/** The bare growth figures have a table of their own. */
const isGrowthOnly = (id: string) => /\.of\d+$/.test(id);

export function rowsOf(meter: Meter): Row[] {
  return meter.ids.filter((id) => !id.startsWith(PEER_PREFIX) && !isGrowthOnly(id)).map((id) => rowOf(meter, id));
}

function rowOf(meter: Meter, id: string): Row {
  const { floor = null, quoted = [], measured = [] } = REFERENCES[id] ?? {};
  const peers = [
    ...measured.map((peer) => ({ name: peer.name, gas: meter.of(peer.id), quoted: false })),
    ...quoted.map((peer) => ({ ...peer, quoted: true })),
  ].sort((a, b) => a.gas - b.gas);
  const gas = meter.of(id);
  return { id, gas, floor, peers, ratio: peers.length === 0 ? null : Math.round((gas / peers[0].gas) * 1_000) / 1_000 };
}

/** Cost per receipt later in an epoch, and per bucket in the steady state. */
export function growthOf(meter: Meter): Growth[] {
  const wholes = BATCHES.map((count) => ({ size: count, count, gas: meter.of(`settle.whole.${count}`) }));
  const parts = TREES.flatMap((size) =>
    BATCHES.map((count) => ({ size, count, gas: meter.of(growthId(size, count)) })),
  );
  const claims = CLAIMS.map((count) => ({ size: count, count, gas: meter.of(`claim.${count}`) }));
  const each = ({ size, count, gas }: { size: number; count: number; gas: number }) => ({
    size,
    count,
    each: Math.round(gas / count),
  });
  return [
    ...[...wholes, ...parts].map((row): Growth => ({ what: "receipt", ...each(row) })),
    ...claims.map((row): Growth => ({ what: "bucket", ...each(row) })),
  ];
}

export function growthCsv(growth: readonly Growth[]): string {
  const lines = growth.map(({ what, size, count, each }) => [what, size, count, each].join(","));
  return ["what,size,count,gas_each", ...lines, ""].join("\n");
}

/** @throws Error when a transaction was not traced, or a figure is not the sum of its parts */
export function spendingOf(meter: Meter): Spending[] {
  return BROKEN_DOWN.map(({ id, transaction = id, receipts = 1 }) => {
    const breakdown = meter.breakdowns.get(transaction);
    if (breakdown === undefined) throw new Error(`${transaction} was not traced`);
    const parts = shareOf(breakdown, receipts);
    const [gas, spent] = [meter.of(id), sum(parts)];
    if (gas !== spent) throw new Error(`The parts of ${id} are ${spent} gas, measured were ${gas}`);
    return { id, gas, parts };
  });
}

/** Each part divided, and rounded so that they add up to the rounded whole. */
export function shareOf(breakdown: Breakdown, divisor: number): Breakdown {
  let before = 0;
  const shares = (Object.keys(PARTS) as Part[]).map((part) => {
    const after = before + breakdown[part];
    const share = Math.round(after / divisor) - Math.round(before / divisor);
    before = after;
    return [part, share];
  });
  return Object.fromEntries(shares) as Breakdown;
}

/** What gas is spent on, as plain text: a column for each operation. */
export function spendingTable(spending: readonly Spending[]): string {
  const body = (Object.keys(PARTS) as Part[]).map((part) => [
    PARTS[part],
    ...spending.map(({ parts }) => (parts[part] === 0 ? "" : count(parts[part]))),
  ]);
  const totals = ["gas", ...spending.map(({ gas }) => count(gas))];
  return table(
    ["part", ...spending.map(({ id }) => id)],
    [...body, totals],
    spending.map((_, i) => i + 1),
  );
}

/** Both tables as plain text. */
export function tables(rows: readonly Row[], growth: readonly Growth[]): string {
  const figures = rows.map(({ id, gas, floor, peers, ratio }) => [
    id,
    count(gas),
    floor === null ? "" : count(floor),
    floor === null ? "" : count(gas - floor),
    ratio === null ? "" : ratio.toFixed(2),
    peers.map((peer) => `${peer.name} ${count(peer.gas)}${peer.quoted ? " (quoted)" : ""}`).join("; "),
  ]);
  const growing = growth.map(({ what, size, count: n, each }) => [
    what,
    what === "receipt" ? count(size) : "",
    count(n),
    count(each),
  ]);
  return [
    table(["operation", "gas", "floor", "above", "ratio", "peers"], figures, [1, 2, 3, 4]),
    "ratio: to the cheapest peer",
    "",
    table(["each", "tree of", "at once", "gas"], growing, [1, 2, 3]),
  ].join("\n");
}

function table(head: string[], body: string[][], right: number[]): string {
  const lines = [head, ...body];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (right.includes(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** What each id costs, as the snapshot has it. */
export type Snapshot = Record<string, number>;

export function snapshotOf(rows: readonly Row[]): Snapshot {
  return Object.fromEntries(rows.map(({ id, gas }) => [id, gas]));
}

/** What speaks against the figures: those that rose above the snapshot, and those only one of both has. */
export function regressions(rows: readonly Row[], snapshot: Snapshot): string[] {
  const measured = snapshotOf(rows);
  const changed = rows.flatMap(({ id, gas }) => {
    if (!Object.hasOwn(snapshot, id)) return [`${id} is not in the snapshot`];
    const rise = gas - snapshot[id];
    return rise > 0 ? [`${id} rose by ${count(rise)}, from ${count(snapshot[id])} to ${count(gas)}`] : [];
  });
  const gone = Object.keys(snapshot).filter((id) => !Object.hasOwn(measured, id));
  return [...changed, ...gone.map((id) => `${id} is in the snapshot and was not measured`)];
}
