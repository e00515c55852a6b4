import { UsageError } from "./command.js";

/** Reads the values of --slot. @throws UsageError */
export function slotsOf(given: readonly string[]): Record<string, string> {
  const pairs = given.map((each) => {
    const [, name, value] = /^([^=]+)=([^]*)$/.exec(each) ?? [];
    if (name === undefined) throw new UsageError(`--slot is ${each}, must be NAME=VALUE`);
    return [name, value] as const;
  });
  return Object.fromEntries(pairs);
}
