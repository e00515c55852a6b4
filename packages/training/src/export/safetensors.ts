import { parametersOf, shapesOf } from "../model";
import type { Model } from "../plan";
import { checkWeights, hashOf, toBytes, type Weights } from "../weights";

/** The header ends where the tensors may be read in place. */
const ALIGNMENT = 8;

/**
 * Returns trained weights as safetensors (https://github.com/huggingface/safetensors): a header with name, type, shape and
 * place of each tensor, then the canonical bytes, so that what follows the header has the hash that is claimed. Kernels have
 * row, column, input channel, output channel. The header's metadata has the hash and the model as JSON.
 * @throws WeightsError, ModelError
 */
export function toSafetensors(model: Model, weights: Weights): Uint8Array {
  checkWeights(model, weights);
  const tensors = parametersOf(shapesOf(model)).map(({ name, shape, start, length }) => [
    name,
    { dtype: "F32", shape, data_offsets: [4 * start, 4 * (start + length)] },
  ]);
  const metadata = { "turingfog.weights": hashOf(weights), "turingfog.model": JSON.stringify(model) };
  const text = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(tensors) });
  const header = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / ALIGNMENT) * ALIGNMENT));
  const bytes = new Uint8Array(8 + header.length + 4 * weights.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  bytes.set(toBytes(weights), 8 + header.length);
  return bytes;
}
