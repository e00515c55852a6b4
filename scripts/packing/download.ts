import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { closureOf, readLock, ROOT } from "./closure";
import { pack, type Tarball } from "./pack";

/** Packages that npm downloads for a consumer, the largest first. */
export interface Download {
  /** Bytes of all tarballs. */
  size: number;
  /** Bytes of all files in them. */
  unpackedSize: number;
  tarballs: Tarball[];
}

/**
 * Measures the download of a package with all that npm installs with it. Every package of the closure is packed again
 * from where it is installed, which needs no network; one that is installed in several places is downloaded once.
 * @param folder below the root, as `packages/sdk`
 */
export async function measureDownload(folder: string): Promise<Download> {
  const closure = closureOf(await readLock(), folder).map((each) => path.join(ROOT, each));
  const directory = await mkdtemp(path.join(tmpdir(), "turingfog-download-"));
  try {
    const packed = await pack(closure, directory);
    const once = new Map(packed.map((tarball) => [`${tarball.name}@${tarball.version}`, tarball]));
    const tarballs = [...once.values()].sort((a, b) => b.size - a.size);
    const sum = (sizeOf: (tarball: Tarball) => number) => tarballs.reduce((total, each) => total + sizeOf(each), 0);
    return { size: sum(({ size }) => size), unpackedSize: sum(({ unpackedSize }) => unpackedSize), tarballs };
  } finally {
    await rm(directory, { recursive: true });
  }
}
