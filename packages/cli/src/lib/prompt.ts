import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

import { TuringFogError } from "@turingfog/sdk";

/** Thrown when there is no terminal to answer a question. */
export class NoTerminalError extends TuringFogError {
  constructor(question: string, variable: string) {
    super(`There is no terminal to ask on ("${question.trim()}"): set ${variable}`);
  }
}

interface Terminal {
  input: NodeJS.ReadStream;
  output: NodeJS.WritableStream;
}

/**
 * Asks for a secret, and shows nothing of what is typed.
 * @param variable environment variable to set if there is no terminal, for the error
 * @throws NoTerminalError
 */
export async function askSecret(
  question: string,
  variable: string,
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Promise<string> {
  if (!input.isTTY) throw new NoTerminalError(question, variable);

  output.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const line = createInterface({ input, output: nowhere, terminal: true });
  try {
    return await line.question("");
  } finally {
    line.close();
    output.write("\n");
  }
}
