import { exp, ln } from "./polynomials";

const { fround } = Math;

/**
 * Writes the errors of an image's classes, the softmax less one at the label, and returns its cross-entropy. Sums are by
 * class, in ascending order.
 */
export function crossEntropy(logits: Float32Array, label: number, errors: Float32Array): number {
  const most = logits.reduce((highest, each) => Math.max(highest, each));
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    errors[i] = exp(fround(logits[i] - most));
    sum = fround(sum + errors[i]);
  }
  for (let i = 0; i < logits.length; i++) errors[i] /= sum;
  errors[label] -= 1;
  return fround(ln(sum) - fround(logits[label] - most));
}
