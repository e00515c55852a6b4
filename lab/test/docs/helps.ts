import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

import { newCommand } from "@turingfog/cli";
import hre from "hardhat";

import manifest from "../../../package.json";
import { TURINGFOG } from "../../../test/helpers/otherChain";
import { ROOT } from "./pages";

const SCRIPTS: Record<string, string | undefined> = manifest.scripts;

const COMMON_OPTIONS = newCommand({ description: "", examples: [] }).helpInformation();

/** Compares command lines with the help of the programs that they call. */
export class Helps {
  private readonly asked = new Map<string, string>();

  /** Tells whether a help of `turingfog` that was asked for has an option, or the source of a script. */
  knows(option: string): boolean {
    const sources = Object.keys(SCRIPTS).flatMap((name) => sourceOf(name) ?? []);
    return [...this.asked.values(), ...sources].some((help) => has(help, option));
  }

  /** Says what is wrong with a command line, if anything is. */
  faultOf([program, first, ...rest]: readonly string[]): string | undefined {
    if (program === "turingfog") return this.faultOfTuringfog([first, ...rest]);
    if (program === "npx" && first === "turingfog") return this.faultOfTuringfog(rest);
    if (program === "npx") return faultOfHardhat([first, ...rest]);
    if (program === "npm" && first === "run") return this.faultOfScript(rest.filter((word) => word !== "--silent"));
    return undefined;
  }

  /** Each word must be in the help of the words before it, up to the first that only the user can know. */
  private faultOfTuringfog(args: readonly string[]): string | undefined {
    const commands: string[] = [];
    for (const word of args) {
      if (!/^[a-z][a-z-]*$/.test(word)) break;
      if (!has(this.helpOf(commands), word)) return `no ${word} in the help of turingfog ${commands.join(" ")}`.trim();
      commands.push(word);
    }
    // what stands after -- is another program's
    const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
    return faultOfOptions(own, this.helpOf(commands), `turingfog ${commands.join(" ")}`);
  }

  /** A script passes its arguments to its last program. */
  private faultOfScript([name, ...args]: readonly string[]): string | undefined {
    const last = lastOf(name);
    if (last === undefined) return `no script ${name} in package.json`;
    if (args.length === 0) return undefined;
    if (args[0] !== "--") return `no -- before ${args[0]}`;
    if (last[0] === "turingfog") return this.faultOfTuringfog([...last.slice(1), ...args.slice(1)]);
    const source = sourceOf(name);
    return source === undefined ? `${last[0]} takes no arguments here` : faultOfOptions(args, source, name);
  }

  /** @param commands of `turingfog` */
  private helpOf(commands: readonly string[]): string {
    const key = commands.join(" ");
    const known = this.asked.get(key);
    if (known !== undefined) return known;
    const { status, stdout, stderr } = spawnSync(process.execPath, [TURINGFOG, ...commands, "--help"], {
      cwd: ROOT,
      encoding: "utf8",
      env: { ...process.env, HARDHAT_NETWORK: undefined },
    });
    if (status !== 0) throw new Error(`turingfog ${key} --help ended with ${status}, must end with 0: ${stderr}`);
    this.asked.set(key, stdout);
    return stdout;
  }
}

/** Returns what a script of package.json runs last. */
function lastOf(name: string): string[] | undefined {
  return SCRIPTS[name]?.split(" && ").at(-1)?.split(" ");
}

/** Returns the TypeScript that a script runs, if it does, for its options stand in it, and the options of all commands. */
function sourceOf(name: string): string | undefined {
  const last = lastOf(name);
  if (last?.[0] !== "ts-node") return undefined;
  const source = readFileSync(path.join(ROOT, last.at(-1) as string), "utf8");
  return source.includes("newCommand(") ? source + COMMON_OPTIONS : source;
}

function faultOfOptions(args: readonly string[], help: string, program: string): string | undefined {
  const unknown = optionsIn(args.join(" ")).filter((option) => !has(help, option));
  return unknown.length === 0 ? undefined : `no ${unknown.join(", ")} in the help of ${program}`;
}

/** Returns the long options in a text. */
export function optionsIn(text: string): string[] {
  return Array.from(text.matchAll(/(?<![\w-])--[a-z][\w.-]*/g), ([option]) => option);
}

function has(help: string, word: string): boolean {
  return help.split(/[^\w.-]+/).includes(word);
}

function faultOfHardhat([program, ...args]: readonly string[]): string | undefined {
  if (program !== "hardhat") return `${program} is no program of the repository`;
  const lost = args.filter((arg) => arg.endsWith(".ts") && !existsSync(path.join(ROOT, arg)));
  if (lost.length > 0) return `no ${lost.join(", ")}`;
  const [task] = args.filter((arg, i) => !arg.startsWith("-") && args[i - 1] !== "--config");
  return task === undefined || task in hre.tasks || task in hre.scopes ? undefined : `Hardhat has no task ${task}`;
}
