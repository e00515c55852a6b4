import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";

import {
  Random,
  deriveSeed,
  initialWeights,
  type Dataset,
  type Layer,
  type Model,
  type TrainingPlan,
} from "@turingfog/training";
import fc from "fast-check";

export const SEED = `0x${"11".repeat(32)}`;

/** Has every kind of layer, and channels that do not fill their vectors. */
export const SMALL: Model = {
  height: 9,
  width: 8,
  channels: 2,
  layers: [
    { kind: "convolution", channels: 6, kernel: 3, stride: 1, activation: "relu" },
    { kind: "maxPooling", kernel: 3, stride: 2 },
    { kind: "convolution", channels: 5, kernel: 2, stride: 1, activation: "none" },
    { kind: "dense", channels: 9, activation: "relu" },
    { kind: "dense", channels: 3, activation: "none" },
  ],
};

export function planOf(model: Model, changes: Partial<TrainingPlan> = {}): TrainingPlan {
  const numbers = { rounds: 10, steps: 4, batch: 8, learningRate: 0.05, momentum: 0.9, trim: 1 };
  return { model, seed: SEED, transfer: "float32", ...numbers, ...changes };
}

/** Makes images of noise, a third of whose bytes are zero. */
export function noise({ height, width, channels, layers }: Model, count: number, seed = SEED): Dataset {
  const random = new Random(deriveSeed(seed, "noise"));
  const last = layers[layers.length - 1] as { channels: number };
  return {
    images: Uint8Array.from({ length: count * height * width * channels }, () => Math.max(0, random.below(384) - 128)),
    labels: Uint8Array.from({ length: count }, () => random.below(last.channels)),
  };
}

/** Returns weights as training might leave them, with biases other than zero. */
export function someWeights(model: Model, seed = SEED): Float32Array {
  const random = new Random(deriveSeed(seed, "biases"));
  return initialWeights(model, seed).map((weight) => (weight === 0 ? random.signed() / 4 : weight));
}

/**
 * Returns the part of a data set whose indices leave `index` when divided by `count`. Of four parts of digits, whose classes
 * come in turn, two have the even and two the odd ones alone.
 */
export function part({ images, labels }: Dataset, index: number, count: number): Dataset {
  const size = images.length / labels.length;
  const chosen = [...labels.keys()].filter((i) => i % count === index);
  return {
    images: Uint8Array.from(chosen.flatMap((i) => [...images.subarray(i * size, (i + 1) * size)])),
    labels: Uint8Array.from(chosen, (i) => labels[i]),
  };
}

const side = fc.integer({ min: 1, max: 11 });
const channels = fc.integer({ min: 1, max: 21 });
const activation = fc.constantFrom<"relu" | "none">("relu", "none");

/** Models of up to four layers whose kernels fit, whatever their sizes. */
export const models: fc.Arbitrary<Model> = fc
  .record({
    height: side,
    width: side,
    channels: fc.integer({ min: 1, max: 6 }),
    sizes: fc.array(
      fc.record({
        isPooling: fc.boolean(),
        channels,
        kernel: fc.integer({ min: 1, max: 5 }),
        stride: fc.integer({ min: 1, max: 4 }),
        activation,
      }),
      { maxLength: 3 },
    ),
    classes: fc.integer({ min: 2, max: 19 }),
  })
  .map(({ height, width, channels: depth, sizes, classes }) => {
    const layers: Layer[] = [];
    let [h, w] = [height, width];
    for (const size of sizes) {
      const kernel = Math.min(size.kernel, h, w);
      const { stride } = size;
      if (size.isPooling && layers.length > 0) layers.push({ kind: "maxPooling", kernel, stride });
      else layers.push({ kind: "convolution", channels: size.channels, kernel, stride, activation: size.activation });
      [h, w] = [h, w].map((length) => Math.floor((length - kernel) / stride) + 1);
    }
    layers.push({ kind: "dense", channels: classes, activation: "none" });
    return { height, width, channels: depth, layers };
  });

/** Returns an IDX file of bytes. */
export function idx(sides: readonly number[], values: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4 + 4 * sides.length);
  header.set([0, 0, 8, sides.length]);
  sides.forEach((side, i) => header.writeUInt32BE(side, 4 + 4 * i));
  return Buffer.concat([header, values]);
}

/** Writes a folder of data as MNIST has them: labels packed, images not. */
export async function writeData(folder: string, { height, width, channels }: Model, train: Dataset, test: Dataset) {
  await mkdir(folder, { recursive: true });
  const sides = channels === 1 ? [height, width] : [height, width, channels];
  for (const [part, { images, labels }] of Object.entries({ train, t10k: test })) {
    const name = path.join(folder, `${part}-images-idx${1 + sides.length}-ubyte`);
    await writeFile(name, idx([labels.length, ...sides], images));
    await writeFile(path.join(folder, `${part}-labels-idx1-ubyte.gz`), gzipSync(idx([labels.length], labels)));
  }
}
