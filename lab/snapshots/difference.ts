/** A contract's difference from its snapshot. */
export interface Difference {
  contract: string;
  /** Lines that are in the snapshot alone. */
  gone: string[];
  /** Lines that the contract alone has. */
  come: string[];
}

/** Every contract that differs, is new or is gone, line by line; how columns are aligned makes no difference. */
export function differences(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): Difference[] {
  return [...new Set([...before.keys(), ...now.keys()])].sort().flatMap((contract) => {
    const [old, fresh] = [before, now].map((snapshots) => lines(snapshots.get(contract) ?? ""));
    const gone = old.filter((line) => !fresh.includes(line));
    const come = fresh.filter((line) => !old.includes(line));
    return gone.length + come.length === 0 ? [] : [{ contract, gone, come }];
  });
}

const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim().replace(/ {2,}/g, "  "))
    .filter((line) => line !== "");

export function describe({ contract, gone, come }: Difference): string {
  return [contract, ...gone.map((line) => `  - ${line}`), ...come.map((line) => `  + ${line}`)].join("\n");
}
