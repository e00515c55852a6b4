import { ends, main, newCommand, type Output, outputOf, table } from "@turingfog/cli";

import { Life } from "../life/process";
import { type Measured, measure } from "./index/measure";

/** The most CPU time of ours, in percent of the naive index's. */
const MOST = 50;

async function run({ check }: { check: boolean }, output: Output): Promise<number> {
  output.doing("Living a whole life");
  const life = await Life.start("--whole");
  try {
    output.doing("Reading it and storing nothing");
    const empty = await measure(life, "lab/bench/index/empty");
    output.doing("Reading it naively");
    const naive = await measure(life, "lab/bench/index/naive");
    output.doing("Reading it");
    const ours = await measure(life, "apps/indexer");
    const measured = { empty, naive, ours };
    const percent = percentOf(ours, naive);
    output.result({ ...measured, percent, most: MOST }, tables(measured));
    return check && percent > MOST ? 1 : 0;
  } finally {
    await life.stop();
  }
}

function percentOf(part: Measured, whole: Measured): number {
  return Math.round((part.seconds / whole.seconds) * 100);
}

function tables(measured: Record<"empty" | "naive" | "ours", Measured>): string {
  const { empty, naive, ours } = measured;
  const rows = Object.entries(measured).map(([name, each]) => [
    name,
    `${each.seconds.toFixed(1)} s of CPU`,
    `${percentOf(each, naive)} %`,
    `${each.tables} tables`,
    `${each.events} events in ${each.blocks} blocks`,
  ]);
  const parts = [...ours.parts].map(([name, seconds]) => [name, `${seconds.toFixed(1)} s`]);
  return [
    table(rows),
    `ours takes ${percentOf(ours, naive)} % of the naive one's; Ponder alone, without a row of any event, ${percentOf(empty, naive)} %`,
    "where queries of ours have waited for the database, which runs one at a time:",
    table(parts),
  ].join("\n\n");
}

main(
  newCommand({
    description: `Measures the CPU time in which the index reads a whole life, beside a naive one: the same version of Ponder with one
handler an event, one insert each, and its default configuration; and beside an empty one, whose handlers do nothing: what
Ponder takes whatever an index stores.

--json prints {empty, naive, ours: {seconds, events, blocks, tables, parts}, percent, most}. With --check it ends with 1 if ours
takes more than ${MOST} %, and with 2 when it is called wrongly.`,
    examples: ["npm run bench:index"],
  })
    .name("npm run bench:index --")
    .option("--check", "fail when ours takes more", false)
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
