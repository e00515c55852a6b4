import { NonFiniteError, WeightsError } from "./errors";
import { parametersOf, shapesOf } from "./model";
import type { Model } from "./plan";
import type { Weights } from "./weights";

const { fround } = Math;

const SCALE_BYTES = 4;
const MOST = 127;

/** A change of weights in 8 bits, and what the rounding left out. */
export interface Difference {
  /** For each tensor, in the canonical order: its scale as a binary32, little-endian, and a signed byte for each weight. */
  bytes: Uint8Array;
  /** Rest of each weight's change, which the next difference of the same worker begins with. */
  residual: Float32Array;
}

/**
 * Rounds a change of weights to 8 bits. The error of the rounding is fed back: the residual of the worker's round before
 * is added to the change.
 * @throws NonFiniteError if a change is not finite
 */
export function encodeDifference(model: Model, start: Weights, end: Weights, residual: Float32Array): Difference {
  const parameters = parametersOf(shapesOf(model));
  const bytes = new Uint8Array(parameters.reduce((sum, { length }) => sum + SCALE_BYTES + length, 0));
  const view = new DataView(bytes.buffer);
  const change = end.map((weight, i) => fround(weight - start[i]) + residual[i]);
  if (!change.every(Number.isFinite)) throw new NonFiniteError("difference");
  let at = 0;
  for (const parameter of parameters) {
    const part = change.subarray(parameter.start, parameter.start + parameter.length);
    const scale = fround(part.reduce((most, each) => Math.max(most, Math.abs(each)), 0) / MOST);
    view.setFloat32(at, scale, true);
    at += SCALE_BYTES;
    for (let i = 0; i < part.length; i++, at++) {
      const steps = scale === 0 ? 0 : Math.round(fround(part[i] / scale));
      view.setInt8(at, Math.max(-MOST, Math.min(MOST, steps)));
      part[i] -= fround(view.getInt8(at) * scale);
    }
  }
  return { bytes, residual: change };
}

/**
 * Returns the weights that a difference leads to.
 * @throws WeightsError if it is not one of the model's
 */
export function applyDifference(model: Model, start: Weights, bytes: Uint8Array): Weights {
  const parameters = parametersOf(shapesOf(model));
  const expected = parameters.reduce((sum, { length }) => sum + SCALE_BYTES + length, 0);
  if (bytes.length !== expected) throw new WeightsError("difference", bytes.length, `${expected} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const weights = start.slice();
  let at = 0;
  for (const parameter of parameters) {
    const scale = view.getFloat32(at, true);
    if (!(scale >= 0 && scale < Infinity)) {
      throw new WeightsError(`difference of ${parameter.name}, scale`, scale, "a finite number from 0");
    }
    at += SCALE_BYTES;
    for (let i = parameter.start; i < parameter.start + parameter.length; i++, at++) {
      weights[i] += fround(view.getInt8(at) * scale);
    }
  }
  return weights;
}
