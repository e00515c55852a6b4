import { PARTS, sum, type Breakdown, type Part } from "./breakdown";
import { COLUMNS, type Column, columns, type Cost, costOf, type Costs } from "./costs";
import { BATCHES, CLAIMS, growthId, TREES } from "./operations";
import { REFERENCES } from "./references";

/** Someone else's figure for the same thing. */
export interface Peer {
  name: string;
  gas: number;
  /** Null for a quoted one. */
  amsterdam: number | null;
  /** Measured elsewhere, not in this run. */
  quoted: boolean;
}

/** An operation, what it costs and what it is compared with, under the rules in force. */
export interface Row extends Cost {
  id: string;
  /** In gas; null where none is known. */
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
  /** The number at once. */
  count: number;
  /** Gas for each. */
  each: number;
  /** The same under Amsterdam's rules. */
  amsterdam: number;
}

/** The uses of an operation's gas. */
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

export function rowsOf(costs: Costs): Row[] {
  const ids = [...costs.keys()].filter((id) => !id.startsWith(PEER_PREFIX) && !isGrowthOnly(id));
  return ids.map((id) => rowOf(costs, id));
}

function rowOf(costs: Costs, id: string): Row {
  const { floor = null, quoted = [], measured = [] } = REFERENCES[id] ?? {};
  const peers = [
    ...measured.map((peer) => {
      const { gas, amsterdam } = costOf(costs, peer.id);
      return { name: peer.name, gas, amsterdam, quoted: false };
    }),
    ...quoted.map((peer) => ({ ...peer, amsterdam: null, quoted: true })),
  ].sort((a, b) => a.gas - b.gas);
  const cost = costOf(costs, id);
  const ratio = peers.length === 0 ? null : Math.round((cost.gas / peers[0].gas) * 1_000) / 1_000;
  return { id, ...cost, floor, peers, ratio };
}

/** Cost per receipt later in an epoch, and per bucket in the steady state. */
export function growthOf(costs: Costs): Growth[] {
  const growth = (what: Growth["what"], id: string, size: number, count: number): Growth => {
    const { gas, amsterdam } = costOf(costs, id);
    return { what, size, count, each: Math.round(gas / count), amsterdam: Math.round(amsterdam / count) };
  };
  return [
    ...BATCHES.map((count) => growth("receipt", `settle.whole.${count}`, count, count)),
    ...TREES.flatMap((size) => BATCHES.map((count) => growth("receipt", growthId(size, count), size, count))),
    ...CLAIMS.map((count) => growth("bucket", `claim.${count}`, count, count)),
  ];
}

export function growthCsv(growth: readonly Growth[]): string {
  const lines = growth.map(({ what, size, count, each, amsterdam }) => [what, size, count, each, amsterdam].join(","));
  return ["what,size,count,gas_each,amsterdam_each", ...lines, ""].join("\n");
}

/** @throws Error when a transaction was not traced, or a figure is not the sum of its parts */
export function spendingOf(breakdowns: ReadonlyMap<string, Breakdown>, costs: Costs): Spending[] {
  return BROKEN_DOWN.map(({ id, transaction = id, receipts = 1 }) => {
    const breakdown = breakdowns.get(transaction);
    if (breakdown === undefined) throw new Error(`${transaction} was not traced`);
    const parts = shareOf(breakdown, receipts);
    const [{ gas }, spent] = [costOf(costs, id), sum(parts)];
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
  const figures = rows.map(({ id, gas, amsterdam, calldata, floor, peers, ratio }) => [
    id,
    count(gas),
    count(amsterdam),
    count(calldata),
    floor === null ? "" : count(floor),
    floor === null ? "" : count(gas - floor),
    ratio === null ? "" : ratio.toFixed(2),
    peers.map(describePeer).join("; "),
  ]);
  const growing = growth.map(({ what, size, count: n, each, amsterdam }) => [
    what,
    what === "receipt" ? count(size) : "",
    count(n),
    count(each),
    count(amsterdam),
  ]);
  return [
    table(
      ["operation", "gas", "amsterdam", "calldata", "floor", "above", "ratio", "peers"],
      figures,
      [1, 2, 3, 4, 5, 6],
    ),
    "amsterdam: gas under its rules; calldata: bytes; floor, above, ratio to the cheapest peer: by gas",
    "",
    table(["each", "tree of", "at once", "gas", "amsterdam"], growing, [1, 2, 3, 4]),
  ].join("\n");
}

function describePeer({ name, gas, amsterdam }: Peer): string {
  return `${name} ${count(gas)} (${amsterdam === null ? "quoted" : `amsterdam ${count(amsterdam)}`})`;
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
export type Snapshot = Record<string, Cost>;

export function snapshotOf(rows: readonly Row[]): Snapshot {
  return Object.fromEntries(rows.map((row) => [row.id, columns((column) => row[column])]));
}

/** Returns the snapshot's file, a line for each id, so that a difference shows its columns together. */
export function snapshotText(snapshot: Snapshot): string {
  const lines = Object.entries(snapshot).map(([id, cost]) => {
    const figures = COLUMNS.map((column) => `"${column}": ${cost[column]}`);
    return `  ${JSON.stringify(id)}: { ${figures.join(", ")} }`;
  });
  return `{\n${lines.join(",\n")}\n}\n`;
}

const UNITS: Record<Column, string> = { gas: "gas", amsterdam: "gas under Amsterdam", calldata: "bytes of calldata" };

/** What speaks against the figures: those that rose above the snapshot, and those only one of both has. */
export function regressions(rows: readonly Row[], snapshot: Snapshot): string[] {
  const measured = snapshotOf(rows);
  const changed = rows.flatMap((row) => {
    const { id } = row;
    if (!Object.hasOwn(snapshot, id)) return [`${id} is not in the snapshot`];
    return COLUMNS.flatMap((column) => {
      const [before, after] = [snapshot[id][column], row[column]];
      const rise = `${id} rose by ${count(after - before)} ${UNITS[column]}, from ${count(before)} to ${count(after)}`;
      return after > before ? [rise] : [];
    });
  });
  const gone = Object.keys(snapshot).filter((id) => !Object.hasOwn(measured, id));
  return [...changed, ...gone.map((id) => `${id} is in the snapshot and was not measured`)];
}
