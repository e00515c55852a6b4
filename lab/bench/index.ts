import { ends, main, newCommand, type Output, outputOf, table } from "@turingfog/cli";

import { Life } from "../life/process";
import { type Measured, measure } from "./index/measure";

/** The most CPU time of ours, in percent of the naive index's. */
const MOST = 50;

async function run({ check }: { check: boolean }, output: Output): Promise<number> {
  output.doing("Living a whole life");
  const life = await Life.start("--whole");
  try {
    output.doing("Reading it naively");
    const naive = await measure(life, "lab/bench/index/naive");
    output.doing("Reading it");
    const ours = await measure(life, "apps/indexer");
    const percent = Math.round((ours.seconds / naive.seconds) * 100);
    output.result({ naive, ours, percent, most: MOST }, tables(naive, ours, percent));
    return check && percent > MOST ? 1 : 0;
  } finally {
    await life.stop();
  }
}

function tables(naive: Measured, ours: Measured, percent: number): string {
  const rows = ([["naive", naive] as const, ["ours", ours] as const] as const).map(([name, each]) => [
    name,
    `${each.seconds.toFixed(1)} s of CPU`,
    `${each.tables} tables`,
    `${each.events} events in ${each.blocks} blocks`,
  ]);
  const parts = [...ours.parts].map(([name, seconds]) => [name, `${seconds.toFixed(1)} s`]);
  return [
    table(rows),
    `ours takes ${percent} % of the naive one's`,
    "where queries of ours have waited for the database, which runs one at a time:",
    table(parts),
  ].join("\n\n");
}

main(
  newCommand({
    description: `Measures the CPU time in which the index reads a whole life, beside a naive one: the same version of Ponder with one
handler an event, one insert each, and its default configuration.

--json prints {naive, ours: {seconds, events, blocks, tables, parts}, percent, most}. With --check it ends with 1 if ours
takes more than ${MOST} %, and with 2 when it is called wrongly.`,
    examples: ["npm run bench:index"],
  })
    .name("npm run bench:index --")
    .option("--check", "fail when ours takes more", false)
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
