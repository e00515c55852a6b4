import { fork, type ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";

import { HARDHAT_NETWORK_NAME } from "hardhat/plugins";

import { emptyTally, type Tally } from "../test/model/tally";
import { ends, main, newCommand, type Output, outputOf, wholeNumber } from "@turingfog/cli";

/**
 * The chain keeps a trace of each step of the machine until JavaScript's collector comes by, tens of megabytes a command.
 * Its allocator is to use such memory again instead of giving it back and having the kernel clear it each time.
 */
const KEEP_MEMORY = { MIMALLOC_PURGE_DELAY: "-1" };

interface Values {
  commands: string;
  workers: string;
  seed: string;
  out: string;
  replay?: string;
}

/** A message of a worker: its progress, and at last its result. */
export interface ModelReport {
  tally: Tally;
  sequences: number;
  counterexample?: { file: string; text: string };
}

async function explore(values: Values, output: Output): Promise<number> {
  const commands = wholeNumber("commands", values.commands, 1);
  const workers = wholeNumber("workers", values.workers, 1);
  const seed = wholeNumber("seed", values.seed, 0);
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1_000);
  output.say(`${commands} commands by ${workers} processes, seed ${seed}`);

  const reports = Array.from({ length: workers }, (): ModelReport => ({ tally: emptyTally(), sequences: 0 }));
  const timer = setInterval(() => {
    const done = reports.reduce((total, { tally }) => total + tally.commands, 0);
    output.say(`${seconds()} s: ${done} commands, ${Math.round(done / seconds())} a second`);
  }, 15_000);
  const children: ChildProcess[] = [];
  const codes = await Promise.all(
    Array.from({ length: workers }, (_, i) => {
      const args = [String(seed + i), String(Math.ceil(commands / workers)), values.out];
      const child = fork(path.join(__dirname, "model/worker.ts"), args, {
        execArgv: ["-r", "ts-node/register/transpile-only"],
        env: { ...process.env, HARDHAT_NETWORK: HARDHAT_NETWORK_NAME, ...KEEP_MEMORY },
      });
      children.push(child);
      child.on("message", (report) => {
        reports[i] = report as ModelReport;
        // the first counterexample is enough
        if (reports[i].counterexample !== undefined) children.forEach((each) => each.kill());
      });
      return new Promise<number | null>((resolve) => child.on("exit", resolve));
    }),
  );
  clearInterval(timer);

  const counterexample = reports.find((report) => report.counterexample !== undefined)?.counterexample;
  const isComplete = counterexample === undefined && codes.every((code) => code === 0);
  const summary = { ...sumUp(reports), workers, seed, seconds: seconds(), agrees: isComplete, counterexample };
  const { commands: done, refused, compared, sequences } = summary;
  const text = `${done} commands (${refused} refused) in ${sequences} sequences, ${compared} values compared`;
  if (counterexample !== undefined) {
    const again = `npm run test:model -- --replay ${counterexample.file}`;
    output.result(summary, `${text}\n\n${counterexample.text}\n\nAgain:\n${again}`);
    return 1;
  }
  if (!isComplete) throw new Error(`Workers ended with ${codes.join(", ")}`);
  output.result(summary, `${text}: all equal`);
  return 0;
}

function sumUp(reports: readonly ModelReport[]) {
  const add = (key: "outcomes" | "events") => {
    const counts: Record<string, number> = {};
    for (const { tally } of reports) {
      for (const [name, count] of Object.entries(tally[key])) counts[name] = (counts[name] ?? 0) + count;
    }
    return Object.fromEntries(Object.entries(counts).sort());
  };
  const total = (value: (report: ModelReport) => number) => reports.reduce((all, report) => all + value(report), 0);
  return {
    commands: total(({ tally }) => tally.commands),
    refused: total(({ tally }) => tally.refused),
    compared: total(({ tally }) => tally.compared),
    sequences: total(({ sequences }) => sequences),
    outcomes: add("outcomes"),
    events: add("events"),
  };
}

async function replay(file: string, output: Output): Promise<number> {
  // Hardhat takes its network from here when it is first imported
  process.env.HARDHAT_NETWORK = HARDHAT_NETWORK_NAME;
  const { Disagreement } = await import("../test/model/run");
  const { Stage } = await import("../test/model/starts");
  const { readScript } = await import("../test/model/steps");
  const { System } = await import("../test/model/system");

  const { start, steps } = readScript(await readFile(file, "utf8"));
  const stages = await Stage.reach(await System.deploy(), start, emptyTally());
  try {
    await stages[stages.length - 1].live(steps);
  } catch (error) {
    if (!(error instanceof Disagreement)) throw error;
    output.result({ agrees: false, disagreement: error.message }, error.message);
    return 1;
  }
  output.result({ agrees: true, steps: steps.length }, `Model and system agree after each of ${steps.length} steps`);
  return 0;
}

main(
  newCommand({
    description: `Lives random sequences of commands with the reference model and with the really deployed system, in process,
and compares every balance, every view, every event and every revert after each command.

Ends with 0 when model and system agree, with 1 at a counterexample, and with 2 when it is called wrongly.`,
    examples: ["npm run test:model -- --commands 1000 --seed 7", "npm run test:model -- --replay FILE"],
  })
    .name("npm run test:model --")
    .option("--commands <N>", "how many commands, in all", "200000")
    .option("--workers <N>", "how many processes", "2")
    .option(
      "--seed <N>",
      "of the sequences; the same seed and number of workers make the same ones; a new one, unless given",
      String(Date.now() % 2 ** 31),
    )
    .option("--out <DIR>", "where counterexamples are put", "cache/model")
    .option("--replay <FILE>", "live one sequence, as a counterexample lists it")
    .action(async (values) =>
      ends(
        await (values.replay === undefined
          ? explore(values, outputOf(values))
          : replay(values.replay, outputOf(values))),
      ),
    ),
);
