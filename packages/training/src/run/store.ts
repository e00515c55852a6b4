import { readFile, stat } from "node:fs/promises";
import path from "node:path";

import { TuringFogError } from "@turingfog/sdk";
import { readingOf, writeAtomically } from "@turingfog/sdk/node";

import type { Model } from "../plan";
import { fromBytes, hashOf, toBytes, type Weights } from "../weights";

/** Thrown when a file has other weights than those whose hash is its name. */
export class WrongWeightsError extends TuringFogError {
  constructor(
    readonly file: string,
    readonly hash: string,
  ) {
    super(`${file} has weights with hash ${hash}, which its name does not say: it was changed or damaged`);
  }
}

/** A folder of weights and residuals, each in a file that has its hash as name. */
export class WeightsStore {
  constructor(
    private readonly folder: string,
    private readonly model: Model,
  ) {}

  /** Writes weights, and returns their hash. A file with a name of weights is whole, even if the machine stops. */
  async put(weights: Weights): Promise<string> {
    const hash = hashOf(weights);
    const file = this.fileOf(hash);
    if (!(await exists(file))) await writeAtomically(file, toBytes(weights));
    return hash;
  }

  /** @throws UnreadablePathError, WeightsError, WrongWeightsError */
  async get(hash: string): Promise<Weights> {
    const file = this.fileOf(hash);
    const weights = fromBytes(this.model, await readingOf(file, readFile(file)));
    const found = hashOf(weights);
    if (found !== hash) throw new WrongWeightsError(file, found);
    return weights;
  }

  /** Says whether weights are there. */
  has(hash: string): Promise<boolean> {
    return exists(this.fileOf(hash));
  }

  /** Returns the file of weights. */
  fileOf(hash: string): string {
    return path.join(this.folder, `${hash.slice(2)}.bin`);
  }
}

function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
