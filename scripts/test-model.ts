import { fork, type ChildProcess } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";

import { HARDHAT_NETWORK_NAME } from "hardhat/plugins";

import { emptyTally, type Tally } from "../test/model/tally";

const USAGE = `Lives random sequences of commands with the reference model and with the really deployed system, in process, and
compares every balance, every view, every event and every revert after each command.

  npm run test:model -- [--commands N] [--workers N] [--seed N] [--out FILE]
  npm run test:model -- --replay FILE

  --commands N  how many commands, in all (default 200000)
  --workers N   how many processes (default 2)
  --seed N      of the sequences; the same seed and number of workers make the same ones (default: a new one)
  --out FILE    the summary, as JSON (default cache/model/summary.json); counterexamples are put beside it
  --replay FILE live one sequence, as a counterexample lists it
  --help        print this

Ends with 0 when model and system agree, with 1 at a counterexample, and with 2 when it is called wrongly.`;

/**
 * The chain keeps a trace of each step of the machine until JavaScript's collector comes by, tens of megabytes a command.
 * Its allocator is to use such memory again instead of giving it back and having the kernel clear it each time.
 */
const KEEP_MEMORY = { MIMALLOC_PURGE_DELAY: "-1" };

interface Options {
  commands: number;
  workers: number;
  seed: number;
  out: string;
  replay: string | undefined;
}

/** What a worker sends: how far it is, and at last how it ended. */
export interface Report {
  tally: Tally;
  sequences: number;
  counterexample?: { file: string; text: string };
}

/** Undefined when only help was asked for. */
function readOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      commands: { type: "string", default: "200000" },
      workers: { type: "string", default: "2" },
      seed: { type: "string", default: process.env.SEED ?? String(Date.now() % 2 ** 31) },
      out: { type: "string", default: "cache/model/summary.json" },
      replay: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const number = (name: "commands" | "workers" | "seed", minimum: number): number => {
    const value = /^\d{1,10}$/.test(values[name]) ? Number(values[name]) : NaN;
    if (!(value >= minimum && value < 2 ** 31)) {
      throw new Error(`--${name} is ${values[name]}, must be a whole number from ${minimum} to ${2 ** 31 - 1}`);
    }
    return value;
  };
  const { out, replay } = values;
  return { commands: number("commands", 1), workers: number("workers", 1), seed: number("seed", 0), out, replay };
}

async function explore({ commands, workers, seed, out }: Options): Promise<number> {
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1_000);
  console.log(`${commands} commands by ${workers} processes, seed ${seed}`);

  const reports = Array.from({ length: workers }, (): Report => ({ tally: emptyTally(), sequences: 0 }));
  const timer = setInterval(() => {
    const done = reports.reduce((total, { tally }) => total + tally.commands, 0);
    console.log(`${seconds()} s: ${done} commands, ${Math.round(done / seconds())} a second`);
  }, 15_000);
  const children: ChildProcess[] = [];
  const codes = await Promise.all(
    Array.from({ length: workers }, (_, i) => {
      const args = [String(seed + i), String(Math.ceil(commands / workers)), path.dirname(out)];
      const child = fork(path.join(__dirname, "model/worker.ts"), args, {
        execArgv: ["-r", "ts-node/register/transpile-only"],
        env: { ...process.env, HARDHAT_NETWORK: HARDHAT_NETWORK_NAME, ...KEEP_MEMORY },
      });
      children.push(child);
      child.on("message", (report) => {
        reports[i] = report as Report;
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
  await mkdir(path.dirname(out), { recursive: true });
  await writeFile(out, `${JSON.stringify(summary, null, 2)}\n`);
  if (counterexample !== undefined) {
    console.log(`\n${counterexample.text}\n\nAgain:`);
    console.log(`npm run test:model -- --replay ${counterexample.file}`);
    return 1;
  }
  if (!isComplete) throw new Error(`Workers ended with ${codes.join(", ")}`);
  const { commands: done, refused, compared, sequences } = summary;
  console.log(
    `${done} commands (${refused} refused) in ${sequences} sequences, ${compared} values compared: all equal`,
  );
  return 0;
}

function sumUp(reports: readonly Report[]) {
  const add = (key: "outcomes" | "events") => {
    const counts: Record<string, number> = {};
    for (const { tally } of reports) {
      for (const [name, count] of Object.entries(tally[key])) counts[name] = (counts[name] ?? 0) + count;
    }
    return Object.fromEntries(Object.entries(counts).sort());
  };
  const total = (value: (report: Report) => number) => reports.reduce((all, report) => all + value(report), 0);
  return {
    commands: total(({ tally }) => tally.commands),
    refused: total(({ tally }) => tally.refused),
    compared: total(({ tally }) => tally.compared),
    sequences: total(({ sequences }) => sequences),
    outcomes: add("outcomes"),
    events: add("events"),
  };
}

async function replay(file: string): Promise<number> {
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
    console.log(error.message);
    return 1;
  }
  console.log(`Model and system agree after each of ${steps.length} steps`);
  return 0;
}

async function main(args: string[]): Promise<number> {
  let options: Options | undefined;
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  return options.replay === undefined ? explore(options) : replay(options.replay);
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
