import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import fc from "fast-check";

import { stepsUpTo } from "./arbitraries";
import { fail, shrink } from "./shrink";
import type { Stage } from "./starts";
import { writeScript, type Script, type ModelStep } from "./steps";

/** Steps of a sequence at the most. */
export const MAX_LENGTH = 60;

/** How many random sequences are lived, and from which seed. */
export interface Exploration {
  seed: number;
  sequences: number;
  length?: number;
  /** Milliseconds for making a counterexample smaller. */
  shrinkFor: number;
}

/** A sequence, shrunk, at whose last step model and system part. */
export interface Counterexample {
  script: Script;
  /** The commands of the sequence, and what differs after the last. */
  text: string;
}

/**
 * Lives random sequences from a start.
 * @returns undefined when model and system agree
 */
export async function explore(
  stage: Stage,
  { seed, sequences, length = MAX_LENGTH, shrinkFor }: Exploration,
): Promise<Counterexample | undefined> {
  const property = fc.asyncProperty(stepsUpTo(length), (steps) => stage.live(steps));
  const found = await fc.check(property, { seed, numRuns: sequences, endOnFailure: true });
  if (!found.failed) return undefined;

  const [drawn] = found.counterexample as [ModelStep[]];
  const failure = await fail(stage, drawn);
  if (failure === undefined) {
    throw new Error("What failed does not fail again", { cause: found.errorInstance });
  }
  const { steps, disagreement } = await shrink(stage, failure, Date.now() + shrinkFor);
  return { script: { start: stage.name, steps }, text: disagreement.message };
}

/** Writes a counterexample's script, and resolves to the file. */
export async function keep({ script }: Counterexample, directory: string, seed: number): Promise<string> {
  await mkdir(directory, { recursive: true });
  const file = path.join(directory, `counterexample-${script.start}-${seed}.json`);
  await writeFile(file, `${writeScript(script)}\n`);
  return file;
}
