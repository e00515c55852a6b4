import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { ends, main, newCommand, type Output, outputOf, wholeNumber } from "@turingfog/cli";
import { markdownOf, type Table, toMarkdown } from "@turingfog/economy";
import { LATER_PERIOD_HALVINGS, toJson } from "@turingfog/sdk";
import { type Off, type Result, runGrid, scenarioOf } from "./auction/cases";
import { healingChart, priceChart } from "./auction/chart";
import { simulate } from "./auction/simulate";
import * as tables from "./auction/tables";
import { VERSION_ONE, versionTwo } from "./auction/versions";

const DOCS = path.join(__dirname, "../docs");

/** An asset has one open round and at most one closed one. */
const MOST_UNFINISHED = 2;

async function run(values: { seed: string; out?: string; check: boolean }, output: Output): Promise<number> {
  const seed = wholeNumber("seed", values.seed, 0);
  const version = versionTwo();
  const [second, first] = [version, VERSION_ONE].map((each) =>
    runGrid(each, seed, (done, all) => say(`${each.name}: case ${done} of ${all}`)),
  );

  const steps: [page: string, name: string, make: () => Table][] = [
    ["auction.md", "both versions", () => tables.gridTable(second, first)],
    ["auction.md", "stand-stills", () => tables.standstillTable(second)],
    ["mechanism.md", "returns", () => tables.returnTable(version, second)],
    ["auction.md", "epochs and periods", () => tables.timingTable(seed)],
    ["auction.md", "moving markets", () => tables.driftTable(version, seed)],
    ["auction.md", "what version 1 cannot leave", () => tables.absorbingTable(version, seed)],
    ["mechanism.md", "LATER", () => tables.laterTable(seed)],
    ["auction.md", "LATER, stand-stills", () => tables.lossTable()],
    ["auction.md", "LATER, a lone bidder", () => tables.sleeperTable(seed)],
    ["auction.md", "LATER, healing", () => tables.healingTable(seed)],
    ["auction.md", "what does not heal", () => tables.unhealedTable(version, second, seed)],
    ["auction.md", "dust", () => tables.dustTable()],
    ["auction.md", "walks of the reference", () => tables.walkTable()],
  ];
  const made = steps.map(([page, name, make]) => {
    say(`table: ${name}`);
    return { page, table: make() };
  });
  const isKept = second.every(({ outcome }) => outcome.unfinished <= MOST_UNFINISHED);

  const charts = { "auction-price.svg": priceChart(), "auction-healing.svg": drawHealing(seed) };
  if (values.check) {
    const stale = await differences(made, charts);
    output.result({ stale }, stale.length === 0 ? "docs/ have these tables and charts" : stale.join("\n"));
    return isKept && stale.length === 0 ? 0 : 1;
  }

  const printed = made.map(({ table }) => table);
  const document = {
    seed,
    later: LATER_PERIOD_HALVINGS,
    tables: printed,
    cases: [...second, ...first].map(plain),
  };
  const text = `Seed ${seed}; version 2 with LATER = ${LATER_PERIOD_HALVINGS} unless a table says otherwise.\n\n${toMarkdown(printed)}`;
  if (values.out !== undefined) {
    const files = { "auction.md": `${text}\n`, "auction.json": `${toJson(document)}\n`, ...charts };
    await mkdir(values.out, { recursive: true });
    for (const [name, content] of Object.entries(files)) await writeFile(path.join(values.out, name), content);
    say(`written: ${Object.keys(files).join(", ")} in ${values.out}`);
  }
  output.result(document, text);
  return isKept ? 0 : 1;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Says which tables and charts docs/ lack, or have otherwise. */
async function differences(
  made: readonly { page: string; table: Table }[],
  charts: Record<string, string>,
): Promise<string[]> {
  const read = (name: string) => readFile(path.join(DOCS, name), "utf8");
  const stale: string[] = [];
  for (const { page, table } of made) {
    if (!(await read(page)).includes(markdownOf(table))) stale.push(`docs/${page} lacks the table: ${table.title}`);
  }
  for (const [name, chart] of Object.entries(charts)) {
    if ((await read(name)) !== chart) stale.push(`docs/${name} differs`);
  }
  return stale;
}

/** Returns a case for the document, with the last of its ratios alone and without its rounds. */
function plain({ version, scenario, outcome }: Result) {
  const { unfinished, lots, worst, average, healedBy, ratios, furthest, firstLotHours } = outcome;
  const lastRatio = ratios[ratios.length - 1];
  return { version, scenario, unfinished, lots, worst, average, healedBy, lastRatio, furthest, firstLotHours };
}

function drawHealing(seed: number): string {
  const version = versionTwo();
  const high: Off = { factor: 1_000_000n, side: "high" };
  const low: Off = { factor: 10_000n, side: "low" };
  const lines = [
    { version, off: high, value: 50n, colour: "blue", isDashed: false },
    { version, off: high, value: 800n, colour: "green", isDashed: false },
    { version, off: high, value: 12_000n, colour: "orange", isDashed: false },
    { version, off: low, value: 50n, colour: "blue", isDashed: true },
    { version, off: low, value: 800n, colour: "green", isDashed: true },
    { version: VERSION_ONE, off: high, value: 800n, colour: "grey", isDashed: false },
    { version: VERSION_ONE, off: low, value: 800n, colour: "grey", isDashed: true },
  ];
  return healingChart(
    lines.map(({ version: each, off, value, ...line }) => ({
      ...line,
      label: `version ${each === VERSION_ONE ? 1 : 2}, ${value.toLocaleString("en-US")} TFT a day, too ${off.side}`,
      outcome: simulate(each, scenarioOf({ ...off, value, crowd: "two", seed })),
    })),
  );
}

main(
  newCommand({
    description: `Lives a year of the auction by the rules in force, beside those of version 1, and weighs the choice of LATER.

Runs without a chain, within three minutes on one core; progress goes to stderr. docs/auction.md and docs/mechanism.md
have the tables. Ends with 1 if an asset of version 2 had more than two unfinished rounds at once, or if docs/ differ.`,
    examples: ["npm run simulate:auction -- --out auction-out", "npm run simulate:auction -- --check"],
  })
    .name("npm run simulate:auction --")
    .option("--seed <N>", "when the lone bidder sleeps, and how the market swings", "1")
    .option(
      "--out <DIR>",
      "where auction.md, auction.json, auction-price.svg and auction-healing.svg are written; nowhere unless given",
    )
    .option("--check", "compare the tables and charts with docs/ instead of printing them", false)
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
