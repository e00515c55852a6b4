import { inspect, parseArgs, type ParseArgsConfig } from "node:util";

import { IN_PROCESS, rpcVariable } from "@turingfog/operator";
import { PrecisionError, toJson, UnknownChainError } from "@turingfog/sdk";
import { NodeError, UnreadableAnswerError } from "@turingfog/sdk/ethers";
import { redact } from "@turingfog/sdk/node";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** Options of every command. */
const COMMON = {
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const satisfies Options;

type Values<O extends Options> = ReturnType<typeof parseArgs<{ options: O & typeof COMMON }>>["values"];

/** Values of a command's options, of which the required ones are always defined. */
export type Given<O extends Options, R extends keyof O> = Values<O> & {
  [K in R & keyof Values<O>]-?: NonNullable<Values<O>[K]>;
};

/** Output of a command: lines for people, or one JSON document for programs. */
export interface Output {
  readonly json: boolean;
  /** Prints a line for people while the command runs; to stderr if stdout is for JSON. */
  say(line: string): void;
  /** Prints a line about how far the command is, to stderr. */
  note(line: string): void;
  /** Prints the result, once: as text, or as JSON with amounts as decimal strings. */
  result(document: unknown, text: string): void;
}

/** A command: its usage text, its arguments and its work. */
export interface Command<O extends Options, R extends keyof O> {
  usage: string;
  options: O;
  /** Options that must be given. */
  required: readonly R[];
  /** Most words that may stand before the options; 0 if left out. */
  words?: number;
  /** Runs the command. Resolves to the exit code, or to nothing for 0. */
  run(values: Given<O, R>, output: Output, words: readonly string[]): Promise<number | void>;
}

/** A command of any options, for a table of commands. */
export type AnyCommand = Command<Options, string>;

/** Declares a command, so that its options and `run` agree. */
export function defineCommand<O extends Options, R extends keyof O & string>(command: Command<O, R>): AnyCommand {
  return command as unknown as AnyCommand;
}

/** Thrown when a command is called wrongly. */
export class UsageError extends Error {}

/** Runs a command on the arguments of the process; see {@link exitWith}. */
export function main<O extends Options, R extends keyof O & string>(command: Command<O, R>): void {
  exitWith(runCommand(defineCommand(command), process.argv.slice(2)));
}

/**
 * Sets the exit code of the process to that of a command. The code is 1, with one line on stderr, if the command fails,
 * and 2 if it is called wrongly. Redacts keys and RPC URLs from the error, and from one that nobody catches, which is
 * printed with its stack and its causes.
 */
export function exitWith(running: Promise<number>): void {
  process.on("uncaughtException", (error: unknown) => {
    console.error(redact(inspect(error)));
    process.exit(1);
  });
  running.then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      console.error(redact(error instanceof Error ? error.message : String(error)));
      process.exitCode = isUsage(error) ? 2 : 1;
    },
  );
}

/** Tells whether an error is the caller's: a word or an option that no run of the command could take. */
function isUsage(error: unknown): boolean {
  return [UsageError, UnknownChainError, PrecisionError].some((type) => error instanceof type);
}

/**
 * Runs a command and resolves to its exit code.
 * @throws UsageError, and the errors of the command
 */
export async function runCommand(command: AnyCommand, args: readonly string[]): Promise<number> {
  const first = args.findIndex((arg) => arg.startsWith("-"));
  const words = first === -1 ? args : args.slice(0, first);
  const given = parse({ ...command.options, ...COMMON }, args.slice(words.length));
  if (given.help === true) {
    console.log(command.usage);
    return 0;
  }
  const most = command.words ?? 0;
  if (words.length > most) throw new UsageError(`Unexpected argument '${words[most]}'; see --help`);
  for (const name of command.required) {
    if (given[name] === undefined) throw new UsageError(`--${name} is missing; see --help`);
  }
  try {
    return (await command.run(given as Given<Options, string>, outputOf(given.json === true), words)) ?? 0;
  } catch (error) {
    throw withNodeNamed(UnreadableAnswerError.from(error) ?? error, given.network);
  }
}

/** Returns an error that names the node of a network, if it blames one. */
function withNodeNamed(error: unknown, network: unknown): unknown {
  const isNamed = typeof network === "string" && network !== IN_PROCESS;
  return error instanceof NodeError && isNamed ? error.of(network, rpcVariable(network)) : error;
}

function parse(options: Options, args: string[]): Record<string, unknown> {
  try {
    return parseArgs({ options, args }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}; see --help`);
  }
}

/**
 * Reads an option's value as a whole number from `minimum` to 2³¹ − 1.
 * @throws UsageError
 */
export function wholeNumber(name: string, text: string, minimum: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (value >= minimum && value < 2 ** 31) return value;
  throw new UsageError(`--${name} is ${text}, must be a whole number from ${minimum} to ${2 ** 31 - 1}`);
}

function outputOf(json: boolean): Output {
  return {
    json,
    note: (line) => console.error(redact(line)),
    say: (line) => (json ? console.error(redact(line)) : console.log(redact(line))),
    result: (document, text) => console.log(redact(json ? toJson(document) : text)),
  };
}

/** Aligns rows in columns. Indents each line by two spaces. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)), []);
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i])).join("  ")}`.trimEnd()).join("\n");
}
