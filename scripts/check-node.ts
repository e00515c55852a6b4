import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { finished } from "node:stream/promises";

import { ends, main, newCommand, type Output, outputOf, table, UsageError } from "@turingfog/cli";

import { environmentOf } from "./node/environment";
import { NODE_PACKAGE, releasesOf } from "./node/releases";

const ROOT = path.join(__dirname, "..");

/** Releases that users run, in the newest patch of each. */
const VERSIONS = ["22.23.5", "24.22.3"];

/** The commands of the README, after `npm ci`. */
const COMMANDS = { demo: ["run", "demo"], test: ["test"] };

type CommandName = keyof typeof COMMANDS;

const HEARTBEAT = 60_000;
const SHOWN_LINES = 30;

interface Step {
  node: string;
  command: string;
  passed: boolean;
  seconds: number;
}

interface Run {
  version: string;
  /** Temporary folder with the clone, its Node and the logs. */
  directory: string;
  env: NodeJS.ProcessEnv;
  output: Output;
}

async function checkVersion(version: string, names: readonly CommandName[], output: Output): Promise<Step[]> {
  const directory = await mkdtemp(path.join(tmpdir(), `turingfog-node-${version}-`));
  try {
    const nodeBin = path.join(directory, "node/node_modules", NODE_PACKAGE, "bin");
    const run: Run = { version, directory, env: environmentOf(nodeBin, process.env), output };
    const install = ["install", "--prefix", path.join(directory, "node"), `${NODE_PACKAGE}@${version}`];
    await need(execute({ ...run, env: process.env }, directory, "npm", install));
    await checkNode(run);
    const clone = path.join(directory, "clone");
    await need(execute(run, directory, "git", ["clone", "--quiet", ROOT, clone]));

    const steps = [await execute(run, clone, "npm", ["ci"])];
    if (!steps[0].passed) return steps;
    for (const name of names) steps.push(await execute(run, clone, "npm", COMMANDS[name]));
    return steps;
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Checks that npm runs under the version, as do the commands that it starts. */
async function checkNode({ version, env, directory, output }: Run): Promise<void> {
  const found = JSON.parse(await printed("npm", ["version", "--json"], directory, env)) as {
    npm: string;
    node: string;
  };
  if (found.node !== version) throw new Error(`npm runs under Node ${found.node}, expected ${version}`);
  output.say(`${elapsed()}  node ${version}: npm ${found.npm} runs under it`);
}

async function printed(file: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(file, args, { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(child, "close");
  return Buffer.concat(chunks).toString();
}

/** Runs a command to its end, says how it goes, and shows the end of its output if it fails. */
async function execute(run: Run, cwd: string, file: string, args: readonly string[]): Promise<Step> {
  const command = [file, ...args.filter((arg) => !path.isAbsolute(arg))].join(" ");
  const say = (text: string) => run.output.say(`${elapsed()}  node ${run.version}: ${command}${text}`);
  const log = path.join(run.directory, "log");
  const stream = createWriteStream(log);
  const start = Date.now();

  say("");
  const heartbeat = setInterval(() => say(" still runs"), HEARTBEAT);
  const child = spawn(file, args, { cwd, env: run.env, stdio: ["ignore", "pipe", "pipe"] });
  for (const each of [child.stdout, child.stderr]) each.pipe(stream, { end: false });
  const [code] = (await once(child, "close").finally(() => clearInterval(heartbeat))) as [number | null];
  await finished(stream.end());

  const seconds = Math.round((Date.now() - start) / 1_000);
  say(code === 0 ? ` passed in ${seconds} s` : ` ended with ${code} after ${seconds} s:\n${await lastLines(log)}`);
  return { node: run.version, command, passed: code === 0, seconds };
}

async function need(step: Promise<Step>): Promise<void> {
  const { command, passed } = await step;
  if (!passed) throw new Error(`${command} failed`);
}

async function lastLines(file: string): Promise<string> {
  return (await readFile(file, "utf8")).trimEnd().split("\n").slice(-SHOWN_LINES).join("\n");
}

/** Minutes and seconds since this command started. */
function elapsed(): string {
  const seconds = Math.floor(process.uptime());
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function namesIn(only: string | undefined): CommandName[] {
  if (only === undefined) return ["demo", "test"];
  if (only === "demo" || only === "test") return [only];
  throw new UsageError(`--only is ${only}, must be demo or test`);
}

async function run(values: { node?: string[]; only?: string }, output: Output): Promise<number> {
  const [names, versions] = [namesIn(values.only), releasesOf(values.node, VERSIONS)];

  const steps: Step[] = [];
  for (const version of versions) steps.push(...(await checkVersion(version, names, output)));
  const rows = steps.map((each) => [each.node, each.command, each.passed ? "passed" : "FAILED", `${each.seconds} s`]);
  output.result(steps, table([["node", "command", "result", "time"], ...rows]));
  return steps.every(({ passed }) => passed) ? 0 : 1;
}

main(
  newCommand({
    description: `Proves that a fresh clone of HEAD installs, and that its demo and its tests pass, on other releases of Node.

Takes each Node out of npm's package ${NODE_PACKAGE}, and has npm itself run under it. What is not committed is not
part of the clone. Ends with 1 when a command failed, and with 2 when it is called wrongly.`,
    examples: ["npm run check:node -- --only demo"],
  })
    .name("npm run check:node --")
    .option("--node <VERSION...>", `may be given more than once; ${VERSIONS.join(" and ")}, unless given`)
    .option("--only <NAME>", "demo or test: `npm ci && npm run demo` or `npm ci && npm test` alone")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
