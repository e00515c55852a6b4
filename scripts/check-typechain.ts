import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import hre from "hardhat";

/** Every file below a directory: path relative to it → content. */
async function filesBelow(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      files.map(async (file) => [file.slice(directory.length + 1), await readFile(file, "utf8")] as const),
    ),
  );
}

/** Compares the bindings in the tree with those that the contracts generate now, which go to a temporary directory. */
async function main(): Promise<void> {
  const standing = await filesBelow(join(hre.config.paths.root, hre.config.typechain.outDir));

  const directory = await mkdtemp(join(tmpdir(), "typechain-types-"));
  let fresh: Map<string, string>;
  try {
    hre.config.typechain.outDir = directory;
    await hre.run("typechain");
    fresh = await filesBelow(directory);
  } finally {
    await rm(directory, { recursive: true });
  }

  const stale = [...new Set([...standing.keys(), ...fresh.keys()])]
    .filter((file) => standing.get(file) !== fresh.get(file))
    .map((file) => `  ${file}: ${!standing.has(file) ? "missing" : !fresh.has(file) ? "no contract has it" : "stale"}`);
  if (stale.length > 0) {
    throw new Error(`typechain-types is not what the contracts generate; see \`npm run types\`\n${stale.join("\n")}`);
  }
  console.log(`typechain-types is what the contracts generate (${fresh.size} files)`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
