import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

const ORACLES = path.join(__dirname, "../../oracles");

/** What to do where they are missing. */
export const ORACLES_MISSING = "TensorFlow.js and ONNX Runtime are not installed: npm ci --prefix lab/oracles";

export function areOraclesInstalled(): boolean {
  return existsSync(path.join(ORACLES, "node_modules"));
}

/** Runs a program of `lab/oracles`, and returns what it answers to a request. */
export function ask(program: string, request: unknown): Promise<unknown> {
  return askNode([path.join(ORACLES, program)], request);
}

/** Runs Node, and returns what it answers on stdout to a request on stdin, both in JSON. */
export async function askNode(args: readonly string[], request: unknown): Promise<unknown> {
  const running = promisify(execFile)(process.execPath, args, { maxBuffer: 1e9 });
  running.child.stdin?.end(JSON.stringify(request));
  return JSON.parse((await running).stdout);
}
