/** What can happen to a network, which it must survive. */
export const LINES = {
  killed: "a process is killed at any instruction, or started with an old store",
  signer: "one signer of four is gone, late, or lies",
  signers: "two signers are gone",
  node: "a node contradicts itself, replays, backdates, is too fast, sells its time twice, withholds a result",
  guardian: "a stolen quorum signs a false root, and the guardian freezes",
  rpc: "a node of the chain is gone, refuses, is slow, behind, on a fork, empty, or has dropped its logs",
  reorganisation: "the chain is reorganised",
  machine: "a disk is full, a clock is off by minutes",
} as const;

export type Line = keyof typeof LINES;

/** Something that was done, and what was seen to hold. */
export interface Witness {
  line: Line;
  did: string;
  held: string;
}

/** Returns each line with its witnesses, as lines of text. */
export function tableOf(witnesses: readonly Witness[]): string[] {
  return (Object.keys(LINES) as Line[]).flatMap((line) => {
    const own = witnesses.filter((each) => each.line === line);
    const width = Math.max(0, ...own.map(({ did }) => did.length));
    const rows = own.map(({ did, held }) => `  ${did.padEnd(width)}  ${held}`);
    return [LINES[line], ...(rows.length === 0 ? ["  was not shown"] : rows)];
  });
}

/** Returns the lines of which nothing was shown. */
export function unshown(witnesses: readonly Witness[]): string[] {
  const shown = new Set(witnesses.map(({ line }) => line));
  return (Object.keys(LINES) as Line[]).filter((line) => !shown.has(line)).map((line) => LINES[line]);
}
