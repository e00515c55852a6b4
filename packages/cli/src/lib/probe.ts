import { spawnSync } from "node:child_process";

import type { Probe } from "@turingfog/sdk";

/** The longest that a program may take. */
const TIMEOUT_MS = 20_000;

/** After this long, standard error says which program is asked. */
const PATIENCE_MS = 3_000;

/**
 * Returns a probe that runs a program of the machine. One that takes too long is killed, as a driver in trouble makes
 * programs ignore a request to end.
 * @param start time at which the command began, in milliseconds
 */
export function probeSince(start: number, timeout = TIMEOUT_MS): Probe {
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
