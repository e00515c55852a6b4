import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { build } from "esbuild";

const ROOT = path.join(__dirname, "../../..");

/** The last commit whose library held receipts as objects, in OpenZeppelin's tree. */
export const FORMER_COMMIT = "a7eb110";

const run = promisify(execFile);

/** The programs that are measured, in a temporary folder. */
export interface Builds {
  directory: string;
  /** Runs one task in a process of its own; see worker.ts. */
  worker: string;
  remove(): Promise<void>;
}

/** Builds the worker with the SDK of this checkout, and beside it the library of the former commit. */
export async function prepareBuilds(): Promise<Builds> {
  const directory = await mkdtemp(path.join(tmpdir(), "bench-receipts-"));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    await symlink(path.join(ROOT, "node_modules"), path.join(directory, "node_modules"));
    await checkOutFormer(directory);
    // As in a bundled program: of the SDK what is used, and packages as they are published
    const worker = path.join(directory, "worker.js");
    await bundle(path.join(__dirname, "worker.ts"), worker, ["hash-wasm", "@openzeppelin/merkle-tree"]);
    await bundle(path.join(directory, "src/receipts.ts"), path.join(directory, "former.js"), [
      "ethers",
      "@openzeppelin/*",
    ]);
    return { directory, worker, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function checkOutFormer(directory: string): Promise<void> {
  const archive = path.join(directory, "former.tar");
  try {
    await run("git", ["archive", `--output=${archive}`, FORMER_COMMIT, "src"], { cwd: ROOT });
  } catch (error) {
    throw new Error(
      `Commit ${FORMER_COMMIT} is missing from this clone, which may be shallow: run \`git fetch --unshallow\``,
      { cause: error },
    );
  }
  await run("tar", ["-xf", archive, "-C", directory]);
}

async function bundle(entry: string, outfile: string, external: string[]): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    external,
    absWorkingDir: ROOT,
    logLevel: "error",
  });
}
