import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { keyOf, type Mutant, type MutantKey } from "./schemata";

const FILE = path.join(__dirname, "killers.json");

/** Which test to begin with, by {@link shortKeyOf} the mutant. Only a hint: that test is run, whatever stands here. */
export type Hints = ReadonlyMap<string, string>;

/** A mutant's key in the file of hints, in which whole keys would take ten times as much room. */
export function shortKeyOf(mutant: MutantKey): string {
  return createHash("sha256").update(keyOf(mutant)).digest("hex").slice(0, 8);
}

/** The hints as they are committed: of each test the mutants that it killed, with a space between them. */
export function parseHints(text: string): Hints {
  const tests = Object.entries(JSON.parse(text) as Record<string, string>);
  return new Map(tests.flatMap(([test, keys]) => keys.split(" ").map((key) => [key, test] as const)));
}

/** The reverse of {@link parseHints}, in an order that does not depend on the run. */
export function formatHints(killers: Iterable<readonly [Mutant, string]>): string {
  const keys = new Map<string, string[]>();
  for (const [mutant, test] of killers) keys.set(test, [...(keys.get(test) ?? []), shortKeyOf(mutant)]);
  const sorted = [...keys].sort(([a], [b]) => (a < b ? -1 : 1)).map(([test, own]) => [test, own.sort().join(" ")]);
  return `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`;
}

export async function readHints(): Promise<Hints> {
  return parseHints(await readFile(FILE, "utf8"));
}

export async function writeHints(killers: Iterable<readonly [Mutant, string]>): Promise<void> {
  await writeFile(FILE, formatHints(killers));
}
