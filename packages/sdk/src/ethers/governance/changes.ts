/** A change by an action, in words: a value before and after it. */
export interface Change {
  what: string;
  from: string;
  to: string;
}

/** Renders changes as the lines of a diff. Leaves out values that stay as they are. */
export function diff(changes: readonly Change[]): string {
  return changes
    .filter(({ from, to }) => from !== to)
    .flatMap(({ what, from, to }) => [what, `  - ${from}`, `  + ${to}`])
    .join("\n");
}

/** Returns the changes of a list: one for each member that is added or removed. */
export function listChanges(what: string, from: readonly string[], to: readonly string[]): Change[] {
  const gone = from.filter((each) => !to.includes(each)).map((each) => ({ what, from: each, to: NONE }));
  const come = to.filter((each) => !from.includes(each)).map((each) => ({ what, from: NONE, to: each }));
  return [...gone, ...come];
}

/** Text that stands for a missing value. */
export const NONE = "none";
