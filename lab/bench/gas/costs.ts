import { dataLength } from "ethers";

import type { RecordedTransaction } from "../replay/recording";
import { gasOf, type Replayed } from "../replay/replay";

/** Costs of an operation: gas under the rules in force and under Amsterdam's, and bytes of calldata. */
export interface Cost {
  gas: number;
  amsterdam: number;
  calldata: number;
}

export type Column = keyof Cost;

export const COLUMNS: readonly Column[] = ["gas", "amsterdam", "calldata"];

/** Costs by the id of what they are for. */
export type Costs = ReadonlyMap<string, Cost>;

/** Figures that follow from others, in every column alike. */
const DERIVED: Readonly<Record<string, (of: (id: string) => number) => number>> = {
  "open.batch": (of) => of("open.batch.50") / 50,
  "open.batch.nodes": (of) => of("open.batch.50.nodes") / 50,
  "settle.next.first": (of) => of("settle.whole.50.first") / 50,
  "settle.next.fresh": (of) => of("settle.whole.50.fresh") / 50,
  "settle.next": (of) => of("settle.whole.50") / 50,
  "settle.acknowledged": (of) => of("acknowledge.50") / 50,
  "settle.single": (of) => of("settle.part.1"),
  "claim.next": (of) => (of("claim.7") - of("claim.1")) / 6,
  job: (of) => of("open.node") + of("report.3of4") / 50 + of("settle.next.fresh") + of("claim.1"),
  "job.closed": (of) => of("job") + of("close"),
};

/**
 * Genesis deploys code that carries hashes of its own source, comments included, so its gas is rounded up. Its bytes do
 * not depend on them.
 */
const ROUNDED_UP: Readonly<Record<string, Partial<Cost>>> = { genesis: { gas: 10_000, amsterdam: 10_000 } };

/** Returns what the transactions of each id cost together, and after them the figures that follow. */
export function costsOf(
  measured: ReadonlyMap<string, readonly RecordedTransaction[]>,
  { osaka, amsterdam }: { osaka: Replayed; amsterdam: Replayed },
): Map<string, Cost> {
  const costs = new Map<string, Cost>();
  for (const [id, transactions] of measured) {
    const total = (of: (transaction: RecordedTransaction) => bigint | number) =>
      transactions.reduce((sum, transaction) => sum + Number(of(transaction)), 0);
    const cost = {
      gas: total((transaction) => gasOf(osaka, transaction)),
      amsterdam: total((transaction) => gasOf(amsterdam, transaction)),
      calldata: total(({ data }) => dataLength(data)),
    };
    costs.set(
      id,
      columns((column) => {
        const step = ROUNDED_UP[id]?.[column] ?? 1;
        return Math.ceil(cost[column] / step) * step;
      }),
    );
  }
  for (const [id, figure] of Object.entries(DERIVED)) {
    costs.set(
      id,
      columns((column) => Math.round(figure((other) => costOf(costs, other)[column]))),
    );
  }
  return costs;
}

/** @throws Error when nothing was measured under this id */
export function costOf(costs: Costs, id: string): Cost {
  const cost = costs.get(id);
  if (cost === undefined) throw new Error(`${id} was not measured`);
  return cost;
}

/** Returns a figure for each column. */
export function columns(figure: (column: Column) => number): Cost {
  return { gas: figure("gas"), amsterdam: figure("amsterdam"), calldata: figure("calldata") };
}
