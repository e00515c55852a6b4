import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

import { ends, main, newCommand, type Output, outputOf, table, UsageError, wholeNumber } from "@turingfog/cli";

import { OtherChain } from "../../test/helpers/otherChain";

const ROOT = path.join(__dirname, "../..");
const PLAN = "--network localhost --parameters deploy/parameters/local.json5";

/** A command line of now and the one of then, with the part of the CPU time of then that it may take. */
interface Comparison {
  name: string;
  now: string;
  then: string;
  limit: number;
}

const COMPARISONS: readonly Comparison[] = [
  {
    name: "help",
    now: "node_modules/.bin/turingfog guard --help",
    then: "npm run guard -- --help",
    limit: 1 / 10,
  },
  {
    name: "plan",
    now: `node_modules/.bin/turingfog deploy plan ${PLAN}`,
    then: `npm run plan -- ${PLAN}`,
    limit: 1 / 3,
  },
];

interface Measured {
  name: string;
  /** Median CPU seconds, and their ratio. */
  now: number;
  then: number;
  ratio: number;
  limit: number;
  kept: boolean;
}

/** Returns the CPU seconds of a command line with all its processes. */
async function cpuSeconds(line: string, cwd: string, url: string): Promise<number> {
  const script = `TIMEFORMAT='%U %S'; { time { ${line} >/dev/null 2>&1; }; } 2>&1`;
  const env = { ...process.env, HARDHAT_NETWORK: undefined, LOCALHOST_RPC_URL: url };
  const { stdout } = await promisify(execFile)("bash", ["-c", script], { cwd, env }).catch((cause: unknown) => {
    throw new Error(`"${line}" failed in ${cwd}: run it there to see why`, { cause });
  });
  const [user, system] = stdout.trim().split(" ").map(Number);
  return user + system;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function run(values: { base: string; rounds: string }, output: Output): Promise<number> {
  const rounds = wholeNumber("rounds", values.rounds, 1);
  if (!existsSync(path.join(values.base, "node_modules/.bin/hardhat"))) {
    throw new UsageError(`--base is ${values.base}, must be a checkout of a7eb110 after npm ci and npm run compile`);
  }
  output.doing("Starting a node");
  const chain = await OtherChain.start();
  try {
    const measured: Measured[] = [];
    for (const each of COMPARISONS) measured.push(await compare(each, values.base, rounds, chain.url, output));
    const rows = measured.map(({ name, now, then, ratio, limit, kept }) => [
      name,
      `${now.toFixed(2)} s`,
      `${then.toFixed(2)} s`,
      ratio.toFixed(3),
      `${kept ? "within" : "ABOVE"} ${limit.toFixed(3)}`,
    ]);
    output.result(measured, table([["", "now", "then", "ratio", "limit"], ...rows]));
    return measured.every(({ kept }) => kept) ? 0 : 1;
  } finally {
    await chain.stop();
  }
}

async function compare(
  { name, now, then, limit }: Comparison,
  base: string,
  rounds: number,
  url: string,
  output: Output,
): Promise<Measured> {
  const [nows, thens]: [number[], number[]] = [[], []];
  for (let round = 1; round <= rounds; ++round) {
    output.doing(`Running ${name}, round ${round} of ${rounds}`);
    nows.push(await cpuSeconds(now, ROOT, url));
    thens.push(await cpuSeconds(then, base, url));
  }
  const [present, past] = [median(nows), median(thens)];
  const ratio = present / past;
  return { name, now: present, then: past, ratio, limit, kept: ratio <= limit };
}

main(
  newCommand({
    description: `Compares the CPU time of the command line with that of commit a7eb110, in turns and in one run.

"help" is turingfog guard --help, "plan" is turingfog deploy plan against a running Hardhat node, each beside the npm script
that did the same. Times are of all processes, medians of the rounds. Ends with 1 if a part is above its limit.

--json prints an array of {name, now, then, ratio, limit, kept}.`,
    examples: ["npm run bench:cli -- --base ../a7eb110"],
  })
    .name("npm run bench:cli --")
    .requiredOption("--base <DIR>", "a checkout of a7eb110, installed and compiled")
    .option("--rounds <N>", "how often each command line runs", "3")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
