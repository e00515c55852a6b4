import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Copies the committed address books of public chains, as they were committed, and nothing else that a deployment leaves
 * in their folder: a book that nobody has committed is of someone's trial. Chains without an id of their own are local.
 * Copies none outside a repository.
 * @throws Error if a book says another chain than its name
 */
export async function copyAddressBooks(from: string, to: string): Promise<void> {
  // The build calls this once the SDK can be loaded, not before.
  const { CHAINS } = await import("@turingfog/sdk");

  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  for (const [name, { chainId }] of Object.entries(CHAINS)) {
    const file = `${name}.json`;
    const book = chainId === undefined ? undefined : await committed(from, file);
    if (book === undefined) continue;
    const found = (JSON.parse(book) as { chainId: number }).chainId;
    if (found !== chainId) throw new Error(`${path.join(from, file)} is of chain ${found}, expected ${chainId}`);
    await writeFile(path.join(to, file), book);
  }
}

/** Returns the text of a file as it was committed last; undefined if it was not, or outside a repository. */
async function committed(folder: string, file: string): Promise<string | undefined> {
  try {
    return (await run("git", ["show", `HEAD:./${file}`], { cwd: folder, maxBuffer: 2 ** 26 })).stdout;
  } catch {
    return undefined;
  }
}

/** Removes modules from compiled output whose sources are gone, because the compiler leaves them and npm packs them. */
export async function removeOrphans(sources: string, output: string): Promise<void> {
  for (const file of await readdir(output, { recursive: true })) {
    const [, module] = /^(.*?)(?:\.d\.ts|\.js)$/.exec(file) ?? [];
    const isOrphan = module !== undefined && !existsSync(path.join(sources, `${module}.ts`));
    if (isOrphan) await rm(path.join(output, file));
  }
}
