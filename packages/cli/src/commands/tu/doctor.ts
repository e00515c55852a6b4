import { spawnSync } from "node:child_process";

import { diagnose, formatDiagnosis } from "@turingfog/sdk";

import { defineCommand } from "../../lib/command.js";

const USAGE = `Looks at this machine and says how to rate its cards: driver, CUDA, TensorFlow, and what to run.

  turingfog tu doctor [--json]

  --json   print JSON alone
  --help   print this

Asks nvidia-smi and python3, and changes nothing. Ends with 1 if something is in the way.`;

const TIMEOUT_MS = 60_000;

/** Runs a program and returns its output; undefined if there is none, or it fails or hangs. */
function probe(program: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8", timeout: TIMEOUT_MS });
  return status === 0 ? stdout : undefined;
}

export const command = defineCommand({
  usage: USAGE,
  options: {},
  required: [],
  async run(_values, output) {
    const diagnosis = diagnose(probe);
    output.result(diagnosis, formatDiagnosis(diagnosis));
    return [diagnosis, ...diagnosis.cards].every(({ problems }) => problems.length === 0) ? 0 : 1;
  },
});
