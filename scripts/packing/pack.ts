import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Tarball as `npm pack` describes it; sizes in bytes. */
export interface Tarball {
  name: string;
  version: string;
  filename: string;
  size: number;
  unpackedSize: number;
}

/** Packs packages as npm publishes them, without their scripts and without network. */
export async function pack(folders: readonly string[], destination: string): Promise<Tarball[]> {
  const options = ["--json", "--ignore-scripts", "--offline", "--pack-destination", destination];
  const { stdout } = await run("npm", ["pack", ...options, ...folders.map((folder) => path.resolve(folder))], {
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(stdout) as Tarball[];
}

/** Unpacks a tarball of npm, whose files are all in one folder, into another. */
export async function unpack(tarball: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", folder, "--strip-components=1"]);
}
