import { parseArgs, type ParseArgsConfig } from "node:util";

import { toJson } from "../../src/deployment/files";
import { redact } from "../../src/deployment/secrets";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** The options that every command has. */
const COMMON = {
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const satisfies Options;

type Values<O extends Options> = ReturnType<typeof parseArgs<{ options: O & typeof COMMON }>>["values"];

/** A command's values, with those it requires. */
export type Given<O extends Options, R extends keyof O> = Values<O> & {
  [K in R & keyof Values<O>]-?: NonNullable<Values<O>[K]>;
};

/** Where a command tells what it does: lines for people, or one JSON document for programs. */
export interface Output {
  readonly json: boolean;
  /** A line for people as the command goes; it goes to stderr when stdout is for JSON. */
  say(line: string): void;
  /** The result, once: as text, or as JSON, in which amounts are decimal strings. */
  result(document: unknown, text: string): void;
}

/** A command line: what it takes, and what it does. */
export interface Command<O extends Options, R extends keyof O> {
  usage: string;
  options: O;
  /** The options without which it does nothing. */
  required: readonly R[];
  /** Resolves to the exit code; 0 when it resolves to nothing. */
  run(values: Given<O, R>, output: Output): Promise<number | void>;
}

/** A command was called wrongly. */
export class UsageError extends Error {}

/**
 * Runs a command on the arguments of the process. It ends with the command's own exit code, with 1 and one line on stderr
 * when it fails, and with 2 when it is called wrongly. No key and no RPC URL can be in what an error says.
 */
export function main<O extends Options, R extends keyof O & string>(command: Command<O, R>): void {
  runCommand(command).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      console.error(redact(error instanceof Error ? error.message : String(error)));
      process.exitCode = error instanceof UsageError ? 2 : 1;
    },
  );
}

async function runCommand<O extends Options, R extends keyof O & string>(command: Command<O, R>): Promise<number> {
  const given = parse({ ...command.options, ...COMMON });
  if (given.help === true) {
    console.log(command.usage);
    return 0;
  }
  for (const name of command.required) {
    if (given[name] === undefined) throw new UsageError(`--${name} is missing; see --help`);
  }
  const code = await command.run(given as Given<O, R>, outputOf(given.json === true));
  return code ?? 0;
}

function parse(options: Options): Record<string, unknown> {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}; see --help`);
  }
}

/**
 * An option's value as a whole number from `minimum` to 2³¹ − 1.
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
    say: (line) => (json ? console.error(redact(line)) : console.log(redact(line))),
    result: (document, text) => console.log(redact(json ? toJson(document) : text)),
  };
}

/** Rows in aligned columns, each line behind two spaces. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)), []);
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i])).join("  ")}`.trimEnd()).join("\n");
}
