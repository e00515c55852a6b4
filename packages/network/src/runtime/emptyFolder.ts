import { mkdir, readdir } from "node:fs/promises";

import { TuringFogError } from "@turingfog/sdk";

/** Thrown when there is something where a role's files are to be. */
export class FolderInUseError extends TuringFogError {
  constructor(readonly folder: string) {
    super(`${folder} is not empty, and nothing in it is overwritten: choose another folder`);
  }
}

/**
 * Makes a folder that its owner alone can enter, unless there is an empty one.
 * @throws FolderInUseError
 */
export async function makeEmptyFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length > 0) throw new FolderInUseError(folder);
}
