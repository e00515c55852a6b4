import { statfs } from "node:fs/promises";

import { TuringFogError } from "@turingfog/sdk";

/** The least share of a disk that must be free before anything is signed. */
export const LEAST_FREE = 0.1;

/** Thrown when a disk is too full to promise anything. */
export class DiskError extends TuringFogError {
  constructor(
    readonly path: string,
    readonly free: number,
    readonly least: number,
  ) {
    super(
      `The disk of ${path} is ${percent(free)} free, must be at least ${percent(least)}: make room, then it goes on by itself`,
    );
  }
}

/** Returns the share of a disk, from 0 to 1, that those without privileges can still fill. */
export async function freeShare(path: string): Promise<number> {
  const { bavail, bfree, blocks } = await statfs(path);
  const usable = blocks - bfree + bavail;
  return usable === 0 ? 1 : bavail / usable;
}

/**
 * Checks that a disk has room.
 * @throws DiskError
 */
export async function checkDisk(path: string, least = LEAST_FREE): Promise<void> {
  const free = await freeShare(path);
  if (free < least) throw new DiskError(path, free, least);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
