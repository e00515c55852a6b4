import { mkdir, open, readFile, rename } from "node:fs/promises";
import path from "node:path";

import { TuringFogError } from "../errors.js";
import { redact } from "./secrets.js";

/** A path that cannot be read. */
export class UnreadablePathError extends TuringFogError {
  constructor(
    readonly path: string,
    reason: string,
    options: ErrorOptions,
  ) {
    super(`${path} ${reason}`, options);
  }
}

/** Reasons for which a path cannot be read, by the system's code. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "is not there: neither a file nor a folder has that name"],
  ["EISDIR", "is a folder, not a file"],
  ["ENOTDIR", "is a file, not a folder"],
  ["EACCES", "may not be read by this user"],
]);

/** Awaits what is read from a path. @throws UnreadablePathError in place of the system's code */
export async function readingOf<T>(file: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    const reason = REASONS.get((error as NodeJS.ErrnoException).code ?? "");
    if (reason === undefined) throw error;
    throw new UnreadablePathError(file, reason, { cause: error });
  }
}

/**
 * Writes a file so that either the old or the new content is there at any moment, even if the machine stops. In a text,
 * puts the names of secrets in their place, as {@link redact} does.
 */
export async function writeAtomically(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, "w");
  try {
    await handle.writeFile(typeof content === "string" ? redact(content) : content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

/** Parses the JSON of a file; undefined if there is no such file. */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as unknown;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
