import { readFile } from "node:fs/promises";
import path from "node:path";
import { gunzipSync } from "node:zlib";

import { UnreadablePathError } from "@turingfog/sdk/node";
import { concat, sha256 } from "ethers";

import type { Dataset } from "../dataset";
import { IdxError, readIdx, type IdxFile } from "../idx";
import type { Model } from "../plan";

/** The most bytes of a packed file's content: a small file could fill the memory otherwise. */
const MAX_UNPACKED = 1_073_741_824;

/** A data set to learn from, and one to measure by. */
export interface Data {
  /** Where they were read, as an absolute path. */
  folder: string;
  train: Dataset;
  test: Dataset;
  /** Of each image. */
  size: Pick<Model, "height" | "width" | "channels">;
  /** SHA-256 of all images and labels. */
  hash: string;
}

/**
 * Reads a folder with four IDX files, named as those of MNIST: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
 * `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each also with `.gz`. Images with channels are `idx4`.
 * @throws UnreadablePathError, IdxError
 */
export async function readData(folder: string): Promise<Data> {
  const [train, test] = [await readPart(folder, "train"), await readPart(folder, "t10k")];
  if (train.sides.join() !== test.sides.join()) {
    throw new IdxError(
      `${folder} has images of ${train.sides.join(" × ")} and of ${test.sides.join(" × ")}, expected one size`,
    );
  }
  const [height, width, channels = 1] = train.sides;
  const all = [train.dataset, test.dataset].flatMap(({ images, labels }) => [images, labels]);
  return {
    folder: path.resolve(folder),
    train: train.dataset,
    test: test.dataset,
    size: { height, width, channels },
    hash: sha256(concat(all)),
  };
}

async function readPart(folder: string, part: string): Promise<{ dataset: Dataset; sides: number[] }> {
  const images = await readFirst(folder, [`${part}-images-idx3-ubyte`, `${part}-images-idx4-ubyte`]);
  const labels = await readFirst(folder, [`${part}-labels-idx1-ubyte`]);
  const [count, ...sides] = images.sides;
  if (labels.sides.length !== 1 || labels.sides[0] !== count || sides.length < 2 || sides.length > 3) {
    const found = `${images.sides.join(" × ")} images and ${labels.sides.join(" × ")} labels`;
    throw new IdxError(`${folder}, ${part}: has ${found}, expected a label for each image of rows and columns`);
  }
  return { dataset: { images: images.values, labels: labels.values }, sides };
}

/** Reads the first file that is there, packed or not. */
async function readFirst(folder: string, names: readonly string[]): Promise<IdxFile> {
  for (const name of names.flatMap((each) => [each, `${each}.gz`])) {
    const file = path.join(folder, name);
    try {
      const bytes = await readFile(file);
      return readIdx(name.endsWith(".gz") ? gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED }) : bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") continue;
      throw error instanceof IdxError ? new IdxError(`${file}: ${error.message}`) : error;
    }
  }
  throw new UnreadablePathError(path.join(folder, names[0]), "is not there, neither as it is nor with .gz", {});
}
