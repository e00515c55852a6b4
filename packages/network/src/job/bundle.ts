import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";

import {
  type BundleFile,
  InvalidBundleError,
  type Job,
  JOB,
  JOB_FILE,
  MAX_ENTRIES,
  readBundle,
  writeBundle,
} from "@turingfog/sdk/wire";
import { IrregularFileError, readRegular } from "../runtime/index.js";
import { type AgeKey, decryptFile, encryptToFile, newAgeKey, type Sealed } from "./age.js";

/** A bundle on the disk, and the key that opens it. */
export interface SealedBundle extends Sealed {
  key: AgeKey;
}

/** Thrown when a folder has something that no bundle may have. */
export class UnsendableFileError extends IrregularFileError {}

/**
 * Reads the files of a folder and of all folders in it, by their paths in it with `/` in between, in ascending order.
 * @param maxBytes of all files together
 * @throws UnsendableFileError on a link, a device or too many files: nothing is followed or left out silently
 * @throws IrregularFileError on what has become one meanwhile, or files above the limit
 */
export async function readFolder(folder: string, maxBytes = Infinity): Promise<BundleFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files: string[] = [];
  for (const entry of entries) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isDirectory()) continue;
    if (!entry.isFile()) throw new UnsendableFileError(file, "is neither a file nor a folder");
    files.push(file);
  }
  if (files.length >= MAX_ENTRIES) {
    throw new UnsendableFileError(
      folder,
      `has ${files.length} files, a bundle takes ${MAX_ENTRIES - 1} beside its job`,
    );
  }
  const names = files.map((file) => path.relative(folder, file));
  const ascending = names
    .map((name) => ({ name, path: name.split(path.sep).join("/") }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  let left = maxBytes;
  const read: BundleFile[] = [];
  for (const each of ascending) {
    const content = await readRegular(folder, each.name, left);
    left -= content.length;
    read.push({ path: each.path, content });
  }
  return read;
}

/**
 * Writes a bundle, encrypted to a key that is drawn for it. The hash is the `jobHash` of the order to open.
 * @param file must not exist yet
 * @throws InvalidMessageError, InvalidBundleError
 */
export async function sealBundle(job: Job, files: readonly BundleFile[], file: string): Promise<SealedBundle> {
  const chunks = writeBundle(job, files);
  const key = await newAgeKey();
  return { ...(await encryptToFile(key.recipient, chunks, file)), key };
}

/**
 * Writes a result: a bundle that begins with its order's `job.json`, encrypted to whom the job names.
 * @param file must not exist yet
 */
export async function sealResult(job: Job, files: readonly BundleFile[], file: string): Promise<Sealed> {
  return encryptToFile(job.resultTo, writeBundle(job, files), file);
}

/**
 * Decrypts a bundle or a result and unpacks it in a folder of its own, which only this user can enter. If it is refused,
 * nothing of it stays.
 * @param folder must not exist yet
 * @param maxBytes of all files together
 * @throws UndecipherableError, InvalidBundleError, BundleTooLargeError, InvalidMessageError
 */
export async function unpackBundle(file: string, identity: string, folder: string, maxBytes: number): Promise<Job> {
  await mkdir(folder, { mode: 0o700 });
  try {
    let job: Job | undefined;
    const chunks = decryptFile(identity, file, path.basename(file));
    for await (const entry of readBundle(chunks, maxBytes)) {
      const target = path.join(folder, ...entry.path.split("/"));
      await mkdir(entry.isDirectory ? target : path.dirname(target), { recursive: true, mode: 0o700 });
      if (!entry.isDirectory) await writeNew(target, entry.content);
      if (entry.path === JOB_FILE) job = JOB.decode(await readFile(target));
    }
    if (job === undefined) throw new InvalidBundleError(1, `is missing, expected ${JOB_FILE}`);
    return job;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function writeNew(file: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    for await (const chunk of content) await handle.writeFile(chunk);
  } finally {
    await handle.close();
  }
}
