import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { main, type Output, wholeNumber } from "@turingfog/cli";
import { toJson } from "@turingfog/sdk";
import { type Off, type Result, runGrid, scenarioOf } from "./auction/cases";
import { healingChart, priceChart } from "./auction/chart";
import { type Table, toMarkdown } from "./auction/report";
import { simulate } from "./auction/simulate";
import * as tables from "./auction/tables";
import { RECOMMENDED_LATER, VERSION_ONE, versionTwo } from "./auction/versions";

const USAGE = `Lives a year of the auction by the rules of version 2, beside those of version 1, and weighs the choice of LATER.

  npm run simulate:auction -- [--seed N] [--out DIR] [--json]

  --seed N   when the lone bidder sleeps, and how the market swings (default 1)
  --out DIR  where auction.md, auction.json, auction-price.svg and auction-healing.svg are written; nowhere unless given
  --json     print the tables and every case as JSON
  --help     print this

Runs without a chain, within three minutes on one core; progress goes to stderr. docs/auction.md has the tables. Ends
with 1 if an asset of version 2 had more than two unfinished rounds at once.`;

/** An asset has one open round and at most one closed one. */
const MOST_UNFINISHED = 2;

async function run(values: { seed: string; out?: string }, output: Output): Promise<number> {
  const seed = wholeNumber("seed", values.seed, 0);
  const version = versionTwo(RECOMMENDED_LATER);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const [second, first] = [version, VERSION_ONE].map((each) =>
    runGrid(each, seed, (done, all) => say(`${each.name}: case ${done} of ${all}`)),
  );

  const steps: [name: string, make: () => Table][] = [
    ["both versions", () => tables.gridTable(second, first)],
    ["stand-stills", () => tables.standstillTable(second)],
    ["moving markets", () => tables.driftTable(version, seed)],
    ["what version 1 cannot leave", () => tables.absorbingTable(version, seed)],
    ["LATER, stand-stills", () => tables.lossTable()],
    ["LATER, a lone bidder", () => tables.sleeperTable(seed)],
    ["LATER, healing", () => tables.healingTable(seed)],
    ["what does not heal", () => tables.unhealedTable(version, second, seed)],
    ["dust", () => tables.dustTable()],
    ["walks of the reference", () => tables.walkTable()],
  ];
  const made = steps.map(([name, make]) => {
    say(`table: ${name}`);
    return make();
  });

  const document = { seed, later: RECOMMENDED_LATER, tables: made, cases: [...second, ...first].map(plain) };
  const text = `Seed ${seed}; version 2 with LATER = ${RECOMMENDED_LATER} unless a table says otherwise.\n\n${toMarkdown(made)}`;
  if (values.out !== undefined) {
    const files = {
      "auction.md": `${text}\n`,
      "auction.json": `${toJson(document)}\n`,
      "auction-price.svg": priceChart(),
      "auction-healing.svg": drawHealing(seed),
    };
    await mkdir(values.out, { recursive: true });
    for (const [name, content] of Object.entries(files)) await writeFile(path.join(values.out, name), content);
    say(`written: ${Object.keys(files).join(", ")} in ${values.out}`);
  }
  output.result(document, text);
  return second.every(({ outcome }) => outcome.unfinished <= MOST_UNFINISHED) ? 0 : 1;
}

/** Returns a case for the document, with the last of its ratios alone and without its rounds. */
function plain({ version, scenario, outcome }: Result) {
  const { unfinished, lots, worst, average, healedBy, ratios, furthest, firstLotHours } = outcome;
  const lastRatio = ratios[ratios.length - 1];
  return { version, scenario, unfinished, lots, worst, average, healedBy, lastRatio, furthest, firstLotHours };
}

function drawHealing(seed: number): string {
  const version = versionTwo(RECOMMENDED_LATER);
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

main({
  usage: USAGE,
  options: { seed: { type: "string", default: "1" }, out: { type: "string" } },
  required: [],
  run,
});
