import { spawnSync } from "node:child_process";

import { diagnose, formatDiagnosis, type Probed, PROBED_PROGRAMS } from "@turingfog/sdk";

import { defineCommand } from "../../lib/command.js";

const USAGE = `Looks at this machine and says how to rate its cards: driver, CUDA, TensorFlow, and what to run.

  turingfog tu doctor [--json]

  --json   print JSON alone
  --help   print this

Asks ${PROBED_PROGRAMS.join(", ")}, each for 20 seconds at most, and changes nothing. Ends with 1 if something is in
the way.`;

const TIMEOUT_MS = 20_000;

/** A diagnosis that takes longer than this says on standard error what it waits for. */
const PATIENCE_MS = 3_000;

/** Returns a probe that runs a program and kills one that hangs, as a driver in trouble lets it ignore less. */
export function probeSince(
  start: number,
  timeout = TIMEOUT_MS,
): (program: string, args: readonly string[]) => Probed | undefined {
  return (program, args) => {
    if (Date.now() - start > PATIENCE_MS) console.error(`Still looking: asking ${program}`);
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      encoding: "utf8",
      timeout,
      killSignal: "SIGKILL",
    });
    if (error !== undefined && (error as NodeJS.ErrnoException).code !== "ETIMEDOUT") return undefined;
    return { status, output: stdout, errors: stderr };
  };
}

export const command = defineCommand({
  usage: USAGE,
  options: {},
  required: [],
  async run(_values, output) {
    const diagnosis = diagnose(probeSince(Date.now()));
    output.result(diagnosis, formatDiagnosis(diagnosis));
    return [diagnosis, ...diagnosis.cards].every(({ problems }) => problems.length === 0) ? 0 : 1;
  },
});
