import { sha256 } from "ethers";

import { WeightsError } from "./errors";
import { parametersOf, shapesOf, type Parameter } from "./model";
import type { Model } from "./plan";
import { deriveSeed, Random } from "./random";

/** All weights of a model in the canonical order of `parametersOf`. */
export type Weights = Float32Array;

/**
 * Returns the weights that a run begins with. Biases are zero; the others are uniform within ±√(6 / inputs) before a ReLU
 * (He and others, 2015), and within ±√(3 / inputs) otherwise.
 */
export function initialWeights(model: Model, seed: string): Weights {
  const random = new Random(deriveSeed(seed, "weights"));
  const shapes = shapesOf(model);
  const values: number[] = [];
  for (const { kind, kernelHeight, kernelWidth, channels, outChannels, relu } of shapes) {
    if (kind === "pooling") continue;
    const inputs = kernelHeight * kernelWidth * channels;
    const limit = Math.fround(Math.sqrt((relu ? 6 : 3) / inputs));
    for (let i = 0; i < inputs * outChannels; i++) values.push(random.signed() * limit);
    for (let i = 0; i < outChannels; i++) values.push(0);
  }
  return Float32Array.from(values);
}

/** Returns the canonical bytes of values: binary32, little-endian. */
export function toBytes(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setFloat32(4 * i, value, true));
  return bytes;
}

/**
 * Reads a model's weights from their canonical bytes.
 * @throws WeightsError
 */
export function fromBytes(model: Model, bytes: Uint8Array): Weights {
  const count = weightCount(model);
  if (bytes.length !== 4 * count) {
    throw new WeightsError("bytes", bytes.length, `${4 * count}: four for each of ${count} weights`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const weights = Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true));
  checkWeights(model, weights);
  return weights;
}

/** Returns the SHA-256 of the canonical bytes. */
export function hashOf(values: Float32Array): string {
  return sha256(toBytes(values));
}

/**
 * Checks that weights are a model's, and finite.
 * @throws WeightsError
 */
export function checkWeights(model: Model, weights: Weights): void {
  const parameters = parametersOf(shapesOf(model));
  const count = parameters.reduce((sum, { length }) => sum + length, 0);
  if (weights.length !== count) throw new WeightsError("length", weights.length, String(count));
  const wrong = weights.findIndex((weight) => !Number.isFinite(weight));
  if (wrong !== -1) throw new WeightsError(placeOf(parameters, wrong), weights[wrong], "a finite number");
}

function weightCount(model: Model): number {
  return parametersOf(shapesOf(model)).reduce((sum, { length }) => sum + length, 0);
}

/** Returns the name of a weight, such as `layers.0.bias[3]`. */
export function placeOf(parameters: readonly Parameter[], index: number): string {
  const parameter = parameters.find(({ start, length }) => index < start + length);
  return parameter === undefined ? `[${index}]` : `${parameter.name}[${index - parameter.start}]`;
}
