import { readFile } from "node:fs/promises";
import path from "node:path";

/** Repository, whose lock and `node_modules` stand for what npm installs. */
export const ROOT = path.join(__dirname, "../..");

type Ranges = Record<string, string>;

/** Entry of a package in `package-lock.json`. */
interface LockedPackage {
  /** Set for a workspace, whose folder is then `resolved`. */
  link?: boolean;
  resolved?: string;
  dependencies?: Ranges;
  optionalDependencies?: Ranges;
  peerDependencies?: Ranges;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

/** Packages of a lock, by their folder below the root. */
export type LockedPackages = Record<string, LockedPackage>;

export async function readLock(): Promise<LockedPackages> {
  const lock = await readFile(path.join(ROOT, "package-lock.json"), "utf8");
  return (JSON.parse(lock) as { packages: LockedPackages }).packages;
}

/**
 * Returns the folders of a package and of all that npm installs with it, nearest first: dependencies, optional ones, and
 * peers that are not optional, each in the version that the lock has for it.
 * @throws Error if the lock lacks one that is not optional
 */
export function closureOf(packages: LockedPackages, folder: string): string[] {
  const folders = new Set([folder]);
  // Grows while it is walked, which makes the walk breadth first.
  for (const from of folders) {
    const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = packages[from];
    const isOptional = (name: string) =>
      optionalDependencies?.[name] !== undefined || peerDependenciesMeta?.[name]?.optional === true;
    const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
    for (const name of names) {
      if (peerDependenciesMeta?.[name]?.optional === true) continue;
      const found = resolve(packages, from, name);
      if (found !== undefined) folders.add(found);
      else if (!isOptional(name)) throw new Error(`package-lock.json has no ${name}, which ${from} depends on`);
    }
  }
  return [...folders];
}

/** Returns the folder that Node finds a package in from another's, looking upwards from there. */
function resolve(packages: LockedPackages, from: string, name: string): string | undefined {
  for (let at = from; ; at = path.dirname(at)) {
    const folder = path.posix.join(at, "node_modules", name);
    const found = packages[folder];
    if (found !== undefined) return found.link === true ? found.resolved : folder;
    if (at === ".") return undefined;
  }
}

/** Returns the name of the package in a folder of `node_modules`. */
export function nameOf(folder: string): string {
  return folder.split("node_modules/").at(-1) as string;
}
