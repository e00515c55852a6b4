import { inspect } from "node:util";

import { Command, CommanderError, type CommandUnknownOpts, Help, type Option } from "@commander-js/extra-typings";

import { activity } from "./activity.js";

/** A command of any arguments and options, for a table of commands. */
export type AnyCommand = CommandUnknownOpts;

/** Thrown when a command is called wrongly. */
export class UsageError extends Error {}

/** Texts of a command's help. */
export interface HelpTexts {
  /** What the command does. Its paragraphs are separated by empty lines. */
  description: string;
  /** Command lines, without the prompt. */
  examples: readonly string[];
}

/** Returns a command that ends with 2, in the words of {@link UsageError}, if it is called wrongly. */
export function newCommand({ description, examples }: HelpTexts) {
  return newGroup({ description, examples }).option("--json", "print JSON alone", false);
}

/** Returns a command that only has other commands, as a noun has verbs. */
export function newGroup({ description, examples }: HelpTexts) {
  const command = new Command();
  return (
    command
      // a paragraph is wrapped to the width of the terminal
      .description(description.replace(/(?<!\n)\n(?!\n)/g, " "))
      .configureHelp({ commandUsage, optionDescription })
      .helpOption("--help", "print this")
      .helpCommand(false)
      .addHelpText("after", `\n${["Examples:", ...examples.map((line) => `  ${line}`)].join("\n")}`)
      .configureOutput({
        writeOut: (text) => console.log(text.trimEnd()),
        writeErr: (text) => console.error(text.trimEnd()),
        outputError: () => undefined,
      })
      .exitOverride((error) => {
        throw error.exitCode === 0 ? error : new UsageError(describeMisuse(error, command));
      })
      .on("beforeHelp", () => {
        // commander prints the help of a group for a word that is none of its commands
        const [word] = command.args;
        if (command.commands.length === 0 || word === undefined || word.startsWith("-")) return;
        command.error(`error: unknown command '${word}'`, { code: "commander.unknownCommand" });
      })
  );
}

const help = new Help();

/** Returns the usage line of a command, with the options that must be given. */
function commandUsage(command: AnyCommand): string {
  const required = command.options.filter(({ mandatory }) => mandatory).map(({ flags }) => flags);
  return [pathOf(command), ...required, command.usage()].join(" ");
}

/** Describes an option, without the default of one that is off. */
function optionDescription(option: Option): string {
  return option.defaultValue === false ? option.description : help.optionDescription(option);
}

/** Describes how a command was called wrongly, and what it expects. */
function describeMisuse({ code, message }: CommanderError, command: AnyCommand): string {
  const path = pathOf(command);
  const expected = `expected one of ${command.commands.map((each) => each.name()).join(", ")}; see ${path} --help`;
  const isIncomplete = code === "commander.unknownOption" && command.commands.length !== 0;
  if (code === "commander.help" || isIncomplete) return `A command is missing after ${path}: ${expected}`;
  const [first, ...more] = message.replace(/^error: /, "").split("\n");
  const sentence = first.charAt(0).toUpperCase() + first.slice(1).replace(/\.$/, "");
  if (code === "commander.unknownCommand") return `${sentence}: ${expected}`;
  return `${[sentence, ...more].join(" ")}; see ${path} --help`;
}

function pathOf(command: AnyCommand): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** Thrown by {@link ends}. */
class EndedError extends CommanderError {
  constructor(code: number) {
    super(code, "turingfog.ended", `ended with ${code}`);
  }
}

/** Ends a command's action with an exit code; 0 if there is none. */
export function ends(code: number | void): void {
  if (code !== undefined && code !== 0) throw new EndedError(code);
}

/** Runs a command on the arguments of the process; see {@link exitWith}. */
export function main(command: AnyCommand): void {
  exitWith(runCommand(command, process.argv.slice(2)));
}

/**
 * Sets the exit code of the process to that of a command. The code is 1, with one line on stderr, if the command fails,
 * and 2 if it is called wrongly. Redacts keys and RPC URLs from the error, and from one that nobody catches, which is
 * printed with its stack and its causes.
 */
export function exitWith(running: Promise<number>): void {
  const failure = () => import("./failure.js");
  process.on("uncaughtException", (error: unknown) => {
    void failure()
      .then(({ print }) => print(inspect(error)))
      .finally(() => process.exit(1));
  });
  running.then(
    (code) => {
      process.exitCode = code;
    },
    async (error: unknown) => {
      const { isMisuse, print } = await failure();
      print(error instanceof Error ? error.message : String(error));
      process.exitCode = error instanceof UsageError || isMisuse(error) ? 2 : 1;
    },
  );
}

/**
 * Runs a command and resolves to its exit code.
 * @throws UsageError, and the errors of the command
 */
export async function runCommand(command: AnyCommand, args: readonly string[]): Promise<number> {
  const options: { network?: unknown } = {};
  command.hook("preAction", (_, called) => void Object.assign(options, called.opts()));
  try {
    await command.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    const { explained } = await import("./failure.js");
    throw explained(error, options.network);
  } finally {
    activity.end();
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
