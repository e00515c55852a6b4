import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

import { TuringFogError } from "@turingfog/sdk";

import { activity } from "./activity.js";

/** Thrown when there is no terminal to answer a question. */
export class NoTerminalError extends TuringFogError {
  constructor(question: string, variable: string) {
    super(`There is no terminal to ask on ("${question.trim()}"): set ${variable}`);
  }
}

/** Thrown when the terminal was closed instead of an answer. */
export class NoAnswerError extends TuringFogError {
  constructor(question: string) {
    super(`There is no answer to "${question.trim()}": run the same command again`);
  }
}

/** Terminal on which people answer. */
export interface Terminal {
  input: NodeJS.ReadableStream & { isTTY?: boolean };
  output: NodeJS.WritableStream;
}

/** Terminal of this process. Questions go to stderr, because stdout may be for JSON. */
export const TERMINAL: Terminal = { input: process.stdin, output: process.stderr };

/**
 * Asks for a secret, and shows nothing of what is typed.
 * @param variable environment variable to set if there is no terminal, for the error
 * @throws NoTerminalError, NoAnswerError
 */
export async function askSecret(question: string, variable: string, terminal = TERMINAL): Promise<string> {
  const { input, output } = terminal;
  if (input.isTTY !== true) throw new NoTerminalError(question, variable);

  output.write(question);
  try {
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    return await ask(question, { input, output: nowhere });
  } finally {
    output.write("\n");
  }
}

/**
 * Asks a question and returns the line that is typed.
 * @throws NoAnswerError if the terminal is closed, as by Ctrl+C
 */
export async function ask(question: string, { input, output }: Terminal): Promise<string> {
  activity.end();
  const lines = createInterface({ input, output, terminal: true });
  const closed = once(lines, "close").then(() => undefined);
  try {
    const answer = await Promise.race([lines.question(question), closed]);
    if (answer === undefined) throw new NoAnswerError(question);
    return answer;
  } finally {
    lines.close();
  }
}
