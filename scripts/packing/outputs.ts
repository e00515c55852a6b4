import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";

/**
 * Copies the address books of public chains, and nothing else that a deployment leaves beside them. Chains without an id
 * of their own are local.
 * @throws Error if a book says another chain than its name
 */
export async function copyAddressBooks(from: string, to: string): Promise<void> {
  // The build calls this once the SDK can be loaded, not before.
  const { CHAINS } = await import("@turingfog/sdk");

  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  for (const [name, { chainId }] of Object.entries(CHAINS)) {
    const book = path.join(from, `${name}.json`);
    if (chainId === undefined || !existsSync(book)) continue;
    const found = (JSON.parse(await readFile(book, "utf8")) as { chainId: number }).chainId;
    if (found !== chainId) throw new Error(`${book} is of chain ${found}, expected ${chainId}`);
    await cp(book, path.join(to, `${name}.json`));
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
