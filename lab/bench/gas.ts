import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { HARDHAT_NETWORK_NAME } from "hardhat/plugins";

import { ends, main, newCommand, type Output, outputOf, UsageError } from "@turingfog/cli";
import type { Snapshot } from "./gas/report";

const SNAPSHOT = path.join(__dirname, "gas.snapshot.json");

interface Values {
  breakdown: boolean;
  check: boolean;
  update: boolean;
  out: string;
}

async function run({ breakdown, check, update, out }: Values, output: Output): Promise<number> {
  if (check && update) throw new UsageError("--check and --update exclude each other");
  // Hardhat takes its network from here when it is first imported
  process.env.HARDHAT_NETWORK = HARDHAT_NETWORK_NAME;
  const { default: hre } = await import("hardhat");
  const { startRecording } = await import("./replay/recording");
  const { replayAll } = await import("./replay/replay");
  const { Meter } = await import("./gas/meter");
  const { createWorld } = await import("./gas/world");
  const { measureOperations } = await import("./gas/operations");
  const { measurePeers } = await import("./gas/peers");
  const report = await import("./gas/report");
  const { costsOf } = await import("./gas/costs");
  const { gasChart } = await import("./gas/chart");

  const recorded = startRecording(hre.network.provider);
  const traced = breakdown ? report.TRACED : [];
  const meter = new Meter(recorded, (what) => console.error(`measuring ${what}`), traced);
  const world = await createWorld();
  meter.progress("peers");
  await measurePeers(world, meter);
  await measureOperations(world, meter);
  const replays = await replayAll(recorded, (what) => console.error(what));

  const costs = costsOf(meter.measured, replays);
  const rows = report.rowsOf(costs);
  const growth = report.growthOf(costs);
  if (breakdown) {
    const spending = report.spendingOf(meter.breakdowns, costs);
    output.result(spending, report.spendingTable(spending));
  } else {
    output.result(rows, report.tables(rows, growth));
  }
  await mkdir(out, { recursive: true });
  await writeFile(path.join(out, "gas.svg"), gasChart(rows));
  await writeFile(path.join(out, "growth.csv"), report.growthCsv(growth));

  if (update) await writeFile(SNAPSHOT, report.snapshotText(report.snapshotOf(rows)));
  if (!check) return 0;

  const found = report.regressions(rows, JSON.parse(await readFile(SNAPSHOT, "utf8")) as Snapshot);
  if (found.length === 0) return 0;
  throw new Error([...found, "If this is meant to be, run with --update and commit the snapshot."].join("\n"));
}

main(
  newCommand({
    description: `Measures on the really deployed system what every operation costs that a user pays for, and in the same run
what others have published. Records every transaction, and replays all of them in another EVM: under Osaka's rules, where
each must take the same gas to the unit, and under Amsterdam's.

--json prints an array of {id, gas, amsterdam, calldata, floor, peers: [{name, gas, amsterdam, quoted}], ratio}, or, with
--breakdown, of {id, gas, parts}.

Ends with 1 when the check fails or a replay differs, and with 2 when it is called wrongly.`,
    examples: ["npm run bench:gas", "npm run bench:gas -- --check"],
  })
    .name("npm run bench:gas --")
    .option(
      "--breakdown",
      "print instead what the gas of seven operations is spent on, opcode by opcode, read off their traces",
      false,
    )
    .option(
      "--check",
      "fail when gas, gas under Amsterdam or bytes of calldata are above the committed snapshot's, naming each",
      false,
    )
    .option("--update", "write the snapshot", false)
    .option("--out <DIR>", "where gas.svg and growth.csv are written", "bench-out")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
