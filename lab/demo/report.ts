import { styleText } from "node:util";

import { formatUnits } from "ethers";

import { BURNING_END, formatAmount, Phase, type Supply } from "@turingfog/sdk";
import type { Listener, Row } from "./story";

/** The result of a run; amounts in base units of TFT. */
export interface Summary {
  seed: number;
  supply: Supply;
  /** Checks that passed, and that failed: none or the first. */
  checks: number;
  failed: number;
  failure?: string;
  /** The files that were written. */
  files: string[];
}

/** Tells a run while it goes, and how it ended. */
export interface Reporter extends Listener {
  start(seed: number): void;
  end(summary: Summary): void;
}

const PHASES: Record<Phase, { name: string; short: string; colour: "cyan" | "yellow" | "green" }> = {
  [Phase.ProductionMining]: { name: "ProductionMining", short: "1 mining", colour: "cyan" },
  [Phase.BuybackDistribution]: { name: "BuybackDistribution", short: "2 buyback", colour: "yellow" },
  [Phase.Mature]: { name: "Mature", short: "3 mature", colour: "green" },
};

const TFT_DECIMALS = 18;

interface Column {
  title: string;
  width: number;
  cell(row: Row): string;
}

const COLUMNS: readonly Column[] = [
  { title: "epoch", width: 6, cell: ({ epoch }) => String(epoch) },
  { title: "date", width: 11, cell: ({ at }) => isoTime(at).slice(0, 10) },
  { title: "phase", width: 10, cell: ({ supply }) => PHASES[supply.phase].short },
  { title: "burned", width: 12, cell: ({ supply }) => wholeTFT(supply.burned) },
  { title: "released", width: 12, cell: ({ supply }) => wholeTFT(supply.released) },
  { title: "reserve", width: 12, cell: ({ supply }) => wholeTFT(supply.reserve) },
  { title: "circulating", width: 12, cell: ({ supply }) => wholeTFT(supply.circulating) },
  { title: "USD/TFT", width: 9, cell: ({ price }) => Number(formatUnits(price, TFT_DECIMALS)).toFixed(5) },
  { title: "orders", width: 7, cell: ({ orders }) => String(orders) },
  { title: "claimed", width: 11, cell: ({ claimed }) => wholeTFT(claimed) },
  {
    title: "done",
    width: 7,
    cell: ({ supply }) => `${(Number((supply.burned * 1_000n) / BURNING_END) / 10).toFixed(1)}%`,
  },
];

/** A table to read along. */
export class TableReporter implements Reporter {
  constructor(private readonly isColoured: boolean) {}

  start(seed: number): void {
    console.log(
      `The life of TFT, in process; seed ${seed}. Amounts in whole TFT; orders and claims since the row before.\n`,
    );
    console.log(this.style("bold", COLUMNS.map(({ title, width }) => title.padStart(width)).join("")));
  }

  note(text: string): void {
    console.log(this.style("dim", `  · ${text}`));
  }

  row(row: Row): void {
    const cells = COLUMNS.map((column) => {
      const cell = column.cell(row).padStart(column.width);
      return column.title === "phase" ? this.style(PHASES[row.supply.phase].colour, cell) : cell;
    });
    console.log(cells.join(""));
  }

  end({ supply, checks, failed, failure, files }: Summary): void {
    console.log(`\nsupply    ${formatAmount(supply.total)} TFT`);
    console.log(`burned    ${formatAmount(supply.burned)} TFT`);
    console.log(`released  ${formatAmount(supply.released)} TFT`);
    console.log(`phase     ${PHASES[supply.phase].name}`);
    for (const file of files) console.log(`written   ${file}`);
    if (failed === 0) console.log(this.style("green", `checks    all ${checks.toLocaleString("en-US")} passed`));
    else console.log(this.style("red", `checks    ${checks.toLocaleString("en-US")} passed, then failed: ${failure}`));
  }

  private style(format: Parameters<typeof styleText>[0], text: string): string {
    return this.isColoured ? styleText(format, text) : text;
  }
}

/** A line of JSON for each row, and a last one for how it ended; amounts are decimal strings in base units. */
export class JsonReporter implements Reporter {
  start(): void {}

  note(): void {}

  row({ epoch, at, supply, bought, price, orders, claimed }: Row): void {
    print({ epoch, time: isoTime(at), ...plain(supply), bought, price, orders, claimed });
  }

  end({ supply, ...rest }: Summary): void {
    print({ ...plain(supply), ...rest });
  }
}

/** The series as it is, for other tools. Amounts in base units of TFT, the price in 10^−18 dollars for a whole TFT. */
export function csv(rows: readonly Row[]): string {
  const lines = rows.map(({ epoch, at, supply, bought, price, orders, claimed }) => {
    const { total, burned, released, reserve, circulating, phase } = supply;
    const amounts = [total, burned, released, reserve, circulating, bought, price];
    return [epoch, isoTime(at), PHASES[phase].name, ...amounts, orders, claimed].join(",");
  });
  const header =
    "epoch,time,phase,totalSupply,burned,released,reserve,circulating,boughtBack,priceInDollars,orders,claimed";
  return [header, ...lines, ""].join("\n");
}

function plain({ total, burned, released, reserve, circulating, phase }: Supply) {
  return { totalSupply: total, burned, released, reserve, circulating, phase: PHASES[phase].name };
}

function print(value: object): void {
  console.log(JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? item.toString() : item)));
}

function isoTime(at: bigint): string {
  return new Date(Number(at) * 1_000).toISOString();
}

function wholeTFT(amount: bigint): string {
  return formatAmount(amount, TFT_DECIMALS, 0);
}
