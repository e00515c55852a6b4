/** What an action changes, in words: a value before and after it. */
export interface Change {
  what: string;
  from: string;
  to: string;
}

/** The lines of a diff; nothing for what stays as it is. */
export function diff(changes: readonly Change[]): string {
  return changes
    .filter(({ from, to }) => from !== to)
    .flatMap(({ what, from, to }) => [what, `  - ${from}`, `  + ${to}`])
    .join("\n");
}

/** A change of a list: one for each member that comes or goes. */
export function listChanges(what: string, from: readonly string[], to: readonly string[]): Change[] {
  const gone = from.filter((each) => !to.includes(each)).map((each) => ({ what, from: each, to: NONE }));
  const come = to.filter((each) => !from.includes(each)).map((each) => ({ what, from: NONE, to: each }));
  return [...gone, ...come];
}

/** Stands where there is no value. */
export const NONE = "none";
