import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

import { TuringFogError } from "@turingfog/sdk";

/** A question that nobody is there to answer. */
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
 * Asks for a secret. What is typed is shown nowhere.
 * @param variable the environment variable that answers where there is no terminal
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
