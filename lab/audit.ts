import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { STEPS, type AuditStep } from "./audit/steps";
import { ends, main, newCommand, type Output, outputOf, table, UsageError } from "@turingfog/cli";

const NAMES = STEPS.short.map(({ name }) => name);

/** The outcome of a step. */
interface Verdict {
  name: string;
  passed: boolean;
  seconds: number;
  /** Its finding, in one line. */
  found: string;
  /** Its findings, one by one. */
  list: string[][];
}

/** Steps that run beside each other; each takes one core. */
const LANES = 2;

async function run(values: { full: boolean; only?: string[]; out: string }, output: Output): Promise<number> {
  const unknown = values.only?.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new UsageError(`--only is ${unknown}, must be one of ${NAMES.join(", ")}`);
  const directory = path.resolve(values.out);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });

  // so that no two of them compile the same at once
  const compiled = await npmRun(["compile"], {}, path.join(directory, "compile"));
  if (!compiled) throw new Error(`The contracts do not compile: see ${path.join(directory, "compile.log")}`);

  const steps = values.full ? STEPS.full : STEPS.short;
  const waiting = steps.filter(({ name }) => values.only?.includes(name) ?? true);
  const verdicts: Verdict[] = [];
  const work = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      output.say(`started ${step.name}`);
      const verdict = await prove(step, directory);
      output.say(`${verdict.passed ? "ok     " : "FAILED "} ${step.name}, ${verdict.seconds} s: ${verdict.found}`);
      verdicts.push(verdict);
    }
  };
  await Promise.all(Array.from({ length: LANES }, work));

  verdicts.sort((a, b) => NAMES.indexOf(a.name) - NAMES.indexOf(b.name));
  const passed = verdicts.every((verdict) => verdict.passed);
  const document = { passed, verdicts };
  writeFileSync(path.join(directory, "audit.json"), `${JSON.stringify(document, null, 2)}\n`);
  const rows = verdicts.map(({ name, passed, seconds, found }) => [
    passed ? "ok" : "FAILED",
    name,
    `${seconds} s`,
    found,
  ]);
  const lists = verdicts.filter(({ list }) => list.length > 0).map(({ name, list }) => `${name}\n${table(list)}`);
  output.result(document, ["", ...lists, table(rows), `Logs and results are in ${directory}`].join("\n\n"));
  return passed ? 0 : 1;
}

async function prove({ name, command, env, describe, list }: AuditStep, directory: string): Promise<Verdict> {
  const start = Date.now();
  const base = path.join(directory, name);
  const result = `${base}.json`;
  const withResult = (text: string) => text.replace("RESULT", result);
  const variables = Object.fromEntries(Object.entries(env ?? {}).map(([key, value]) => [key, withResult(value)]));
  const ended = await npmRun(command.map(withResult), variables, base);
  const seconds = Math.round((Date.now() - start) / 1_000);
  try {
    const text = readFileSync(result, "utf8");
    return { name, passed: ended, seconds, found: describe(text), list: list?.(text) ?? [] };
  } catch {
    return { name, passed: false, seconds, found: `it left no result: see ${base}.log`, list: [] };
  }
}

/** Runs a script of package.json: stdout into BASE.json unless it writes its result itself, all else into BASE.log. */
function npmRun(command: string[], env: Record<string, string>, base: string): Promise<boolean> {
  const writesItself = [...command, ...Object.values(env)].some((text) => text.includes(`${base}.json`));
  const log = createWriteStream(`${base}.log`);
  const out = writesItself ? log : createWriteStream(`${base}.json`);
  return new Promise((resolve, reject) => {
    const child = spawn("npm", ["run", "--silent", ...command], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.pipe(out, { end: !writesItself });
    child.stderr.pipe(log, { end: !writesItself });
    child.on("error", reject);
    child.on("close", (code) => {
      log.end(() => resolve(code === 0));
    });
  });
}

main(
  newCommand({
    description: `Runs every proof that this repository has, two at a time, and prints what each has found.

What each step proves, and what it does not, is in docs/assurance.md. Ends with 1 when one fails.`,
    examples: ["npm run audit", "npm run audit -- --only lint test"],
  })
    .name("npm run audit --")
    .option(
      "--full",
      "10 million calls of the stateful campaign and 200,000 commands of the model instead of as many as end within an " +
        "hour on two cores",
      false,
    )
    .option("--only <STEP...>", `${NAMES.join(", ")}; may be given more than once`)
    .option("--out <DIR>", "where the logs, the results and audit.json are written; emptied before", "audit-out")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
