import { runCommand, UsageError, type AnyCommand } from "./lib/command.js";

/** A command that is loaded when it is called, with one line that says what it does. */
interface Entry {
  summary: string;
  load(): Promise<{ command: AnyCommand }>;
}

type Commands = Record<string, Entry | Record<string, Entry>>;

const COMMANDS: Commands = {
  deploy: {
    plan: { summary: "show what a deployment would do and cost", load: () => import("./commands/deploy/plan.js") },
    run: { summary: "deploy, or resume an interrupted deployment", load: () => import("./commands/deploy/run.js") },
    status: {
      summary: "show what is deployed, missing or different",
      load: () => import("./commands/deploy/status.js"),
    },
    verify: {
      summary: "compare code and roles with the build and the parameters",
      load: () => import("./commands/deploy/verify.js"),
    },
    accept: {
      summary: "compare a whole deployment with its parameters",
      load: () => import("./commands/deploy/accept.js"),
    },
  },
  govern: {
    summary: "build, schedule, execute, cancel and list operations",
    load: () => import("./commands/govern.js"),
  },
  guard: { summary: "veto a root or a rating, revoke a node, freeze, thaw", load: () => import("./commands/guard.js") },
  keystore: { summary: "write an encrypted keystore", load: () => import("./commands/keystore.js") },
  tu: {
    doctor: {
      summary: "look at this machine and say how to rate its cards",
      load: () => import("./commands/tu/doctor.js"),
    },
    rate: { summary: "rate a GPU in TU per day by its benchmark logs", load: () => import("./commands/tu/rate.js") },
    attest: {
      summary: "sign and submit a rating, or a node's attestation",
      load: () => import("./commands/tu/attest.js"),
    },
    survey: {
      summary: "read a folder of logs and count what became of them",
      load: () => import("./commands/tu/survey.js"),
    },
  },
};

/**
 * Runs the command that the arguments name, as ["deploy", "plan", "--network", "sepolia"], and resolves to its exit
 * code.
 * @throws UsageError, and the errors of the command
 */
export async function turingfog([noun, ...rest]: readonly string[]): Promise<number> {
  if (noun === undefined || noun === "--help") return help("turingfog", COMMANDS);
  const entry = Object.hasOwn(COMMANDS, noun) ? COMMANDS[noun] : undefined;
  if (entry === undefined) throw unknown(noun, COMMANDS, "turingfog");
  if (isEntry(entry)) return runCommand((await entry.load()).command, rest);

  const [verb, ...args] = rest;
  if (verb === undefined || verb === "--help") return help(`turingfog ${noun}`, entry);
  if (!Object.hasOwn(entry, verb)) throw unknown(verb, entry, `turingfog ${noun}`);
  return runCommand((await entry[verb].load()).command, args);
}

function isEntry(entry: Commands[string]): entry is Entry {
  return typeof entry.load === "function";
}

function unknown(word: string, commands: Commands, prefix: string): UsageError {
  const known = Object.keys(commands).join(", ");
  return new UsageError(`Unknown command '${word}': expected one of ${known}; see ${prefix} --help`);
}

const NODES = [
  "A command that reads a chain asks the node at NAME_RPC_URL, and ends with 1 if that fails or is silent for",
  "TURINGFOG_RPC_TIMEOUT seconds (default 20). What is known of each chain is in docs/networks.md.",
];

function help(prefix: string, commands: Commands): number {
  const rows = Object.entries(commands).flatMap(([name, entry]) =>
    isEntry(entry)
      ? [[`${prefix} ${name}`, entry.summary]]
      : Object.entries(entry).map(([verb, { summary }]) => [`${prefix} ${name} ${verb}`, summary]),
  );
  const width = Math.max(...rows.map(([command]) => command.length));
  const lines = rows.map(([command, summary]) => `  ${command.padEnd(width)}  ${summary}`);
  console.log(
    [`TuringFog's command line`, "", ...lines, "", ...NODES, "", "See the --help of each command."].join("\n"),
  );
  return 0;
}
