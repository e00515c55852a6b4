import { toJson } from "@turingfog/sdk";
import { redact } from "@turingfog/sdk/node";

import { activity } from "./activity.js";

/** Output of a command: lines for people, or one JSON document for programs. */
export interface Output {
  readonly json: boolean;
  /** Prints a line for people while the command runs; to stderr if stdout is for JSON. */
  say(line: string): void;
  /** Prints a line about how far the command is, to stderr. */
  note(line: string): void;
  /**
   * Says what the command does from now on. People see it on stderr with the time that it has taken, once it takes long.
   * @param detail how far it is
   */
  doing(what: string, detail?: string): void;
  /** Prints the result, once: as text, or as JSON with amounts as decimal strings. */
  result(document: unknown, text: string): void;
}

/** Returns the output of a command, by whether it was called with --json. */
export function outputOf({ json }: { json: boolean }): Output {
  return {
    json,
    note: (line) => console.error(redact(line)),
    say: (line) => (json ? console.error(redact(line)) : console.log(redact(line))),
    doing: (what, detail) => activity.begin(what, detail),
    result: (document, text) => {
      activity.end();
      console.log(redact(json ? toJson(document) : text));
    },
  };
}

/** Aligns rows in columns. Indents each line by two spaces. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)), []);
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i])).join("  ")}`.trimEnd()).join("\n");
}
