import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";

import { ConfigError, readNodeConfig, runBenchmark } from "@turingfog/network";
import { BATCH_SIZES, BENCHMARKS, formatReport, type Network, NETWORKS, rate, reportToJson } from "@turingfog/sdk";
import { readMeasurements } from "@turingfog/sdk/node";

import { newCommand, UsageError } from "../../lib/command.js";
import { type Output, outputOf } from "../../lib/output.js";

export const command = newCommand({
  description: `Runs tf_cnn_benchmarks by your own command line, keeps its logs, and rates the GPU by them in TU a day.

The command stands after --, or in the node's configuration as benchmark. If it names {model}, it is run for each of the seven
networks that has no log yet, with {model}, {dataset} and {batch} filled in; otherwise it is run once. No shell reads it. It gets
no key of yours, and settings that keep training in single precision. turingfog tu doctor says what suits a card.

A network's ratio in the table is its TU a day; the rating is the mean of all seven. --json prints {logs, ratings}.`,
  examples: [
    "turingfog node benchmark --logs LOGS -- python3 -u tf_cnn_benchmarks.py --model={model} --data_name={dataset} --batch_size={batch} --num_gpus=1",
    "turingfog node benchmark --logs LOGS --config node/node.json5",
  ],
})
  .argument("[COMMAND...]", "the program and its arguments, after --")
  .option("--logs <DIR>", "folder for the logs; what is there stays and is rated too", "logs")
  .option("--config <FILE>", "configuration of a node, whose benchmark is run")
  .option("--name <NAME>", "name of the log of a command that does not name {model}", "benchmark")
  .option("--gpu <NAME>", "the card, if its driver tells only the chip")
  .action((words, values) => benchmark(words, values, outputOf(values)));

interface Values {
  logs: string;
  config?: string;
  name: string;
  gpu?: string;
}

/** A run that is to be done, and its log. */
interface Planned {
  what: string;
  command: string[];
  log: string;
}

async function benchmark(words: readonly string[], values: Values, output: Output): Promise<void> {
  const { command, env } = await commandOf(words, values.config);
  const planned = runsOf(command, values);
  await mkdir(values.logs, { recursive: true });
  const end = new AbortController();
  const stop = () => end.abort();
  process.once("SIGTERM", stop).once("SIGINT", stop);
  try {
    for (const { what, command: each, log } of planned) {
      output.say(`${what}: ${each.join(" ")}`);
      output.doing(what);
      const onLine = (line: string) => output.doing(what, line);
      await runBenchmark({ command: each, env, log, onLine, signal: end.signal });
      output.say(`Wrote ${log}`);
    }
  } finally {
    process.off("SIGTERM", stop).off("SIGINT", stop);
  }
  const reports = (await readMeasurements(values.logs, values.gpu)).map((measured) => rate(measured, true));
  const next = reports.some(({ isPartial }) => isPartial)
    ? "Next: run the networks that are missing"
    : `Next: turingfog node register --network NAME --log ${values.logs} --uri https://HOST/v1/document`;
  const logs = planned.map(({ log }) => log);
  output.result({ logs, ratings: reports.map(reportToJson) }, [...reports.map(formatReport), next].join("\n\n"));
}

async function commandOf(
  words: readonly string[],
  config: string | undefined,
): Promise<{ command: readonly string[]; env: Record<string, string> }> {
  if (config === undefined) {
    if (words.length === 0) throw new UsageError("The command is missing: give it after --, or --config; see --help");
    return { command: words, env: {} };
  }
  if (words.length > 0) throw new UsageError("Give the command after --, or --config, not both");
  const { benchmark: given } = await readNodeConfig(config);
  if (given === undefined) throw new ConfigError(config, "benchmark", "must have the command to run; got nothing");
  return { command: [given.command, ...given.args], env: given.env };
}

/** Returns the runs that are to be done: for each network without a log, or the one that is named. */
function runsOf(command: readonly string[], { logs, name }: Values): Planned[] {
  if (command.some((word) => word.includes("{model}"))) {
    const missing = NETWORKS.filter((network) => !existsSync(logOf(logs, network)));
    return missing.map((network) => ({
      what: `${network}, ${NETWORKS.indexOf(network) + 1} of ${NETWORKS.length}`,
      command: command.map((word) => filled(word, network)),
      log: logOf(logs, network),
    }));
  }
  const log = path.join(logs, `${path.basename(name)}.log`);
  if (existsSync(log))
    throw new UsageError(`${log} is there already: give the new log another --name, or move the old one`);
  return [{ what: `Benchmark ${name}`, command: [...command], log }];
}

function logOf(logs: string, network: Network): string {
  return path.join(logs, `${BENCHMARKS[network].model}.log`);
}

function filled(word: string, network: Network): string {
  const { model, dataset } = BENCHMARKS[network];
  const values: Record<string, string> = { model, dataset, batch: String(BATCH_SIZES[network]) };
  return word.replace(/\{(model|dataset|batch)\}/g, (_, key: string) => values[key]);
}
