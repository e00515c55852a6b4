import REQUIREMENTS from "../../test/adversaries/requirements.json";

/** What went wrong in protocols of this kind, as a requirement. */
export interface Requirement {
  /** Stands in the title of each test that fails when the requirement is not met, as in [T26]. */
  id: string;
  requirement: string;
}

export type State = "passed" | "failed" | "not run";

/** What became of a test. */
export interface Outcome {
  file: string;
  title: string;
  state: State;
}

/** A requirement, with what became of its tests. */
export interface Result extends Requirement {
  tests: Outcome[];
}

const TAG = /\[T(\d+[a-z]?)\]/g;

/** Returns the ids of the requirements that a title is tagged with. */
export function tagsOf(title: string): string[] {
  return [...title.matchAll(TAG)].map(([, id]) => id);
}

/**
 * Joins each requirement with its tests.
 *
 * @throws if a test has the tag of a requirement that does not exist
 */
export function judge(outcomes: readonly Outcome[], requirements: readonly Requirement[] = REQUIREMENTS): Result[] {
  const known = new Set(requirements.map(({ id }) => id));
  for (const { file, title } of outcomes) {
    const unknown = tagsOf(title).find((id) => !known.has(id));
    if (unknown === undefined) continue;
    throw new Error(
      `The tag [T${unknown}] is of no requirement in test/adversaries/requirements.json: ${file}: ${title}`,
    );
  }
  return requirements.map((each) => ({
    ...each,
    tests: outcomes.filter(({ title }) => tagsOf(title).includes(each.id)),
  }));
}

/** Checks that at least one test holds a requirement, and that all of its tests have passed. */
export function isHeld({ tests }: Result): boolean {
  return tests.length > 0 && tests.every(({ state }) => state === "passed");
}
