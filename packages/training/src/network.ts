import type { Dataset } from "./dataset";
import { NonFiniteError } from "./errors";
import type { Engine } from "./kernels";
import { crossEntropy } from "./loss";
import { shapesOf, type LayerShape } from "./model";
import type { Model } from "./plan";
import type { Weights } from "./weights";

/** Addresses are multiples of it, the bytes of a vector. */
const ALIGNMENT = 16;

/** A layer with the addresses of what belongs to it. */
interface PlacedLayer extends LayerShape {
  /** Values of a pixel of the output, with its padding. */
  outStride: number;
  /** Values of the output, with its padding. */
  size: number;
  /** Address of its shape. */
  shape: number;
  input: number;
  out: number;
  errors: number;
  weights: number;
  bias: number;
  gradient: number;
  biasGradient: number;
}

/** Where everything is in an engine's memory. */
interface Layout {
  layers: PlacedLayer[];
  bytes: number;
  input: number;
  /** Weights, gradients and velocities are three blocks of this many values in the same order. */
  count: number;
  weights: number;
  gradient: number;
  velocity: number;
  /** Bytes in all. */
  size: number;
}

/** Describes how a step changes the weights. */
export interface Descent {
  batch: number;
  learningRate: number;
  momentum: number;
}

/** A model in the memory of an engine. */
export class Network {
  private readonly layout: Layout;
  private readonly engine: Engine;
  private readonly bytes: Uint8Array;
  private readonly values: Float32Array;
  private readonly logits: Float32Array;
  private readonly errors: Float32Array;

  /**
   * @param createEngine with a memory of so many bytes
   * @throws ModelError
   */
  constructor(
    private readonly model: Model,
    createEngine: (size: number) => Engine,
  ) {
    this.layout = layoutOf(model);
    this.engine = createEngine(this.layout.size);
    const { memory } = this.engine;
    this.bytes = new Uint8Array(memory);
    this.values = new Float32Array(memory);
    for (const [i, layer] of this.layout.layers.entries()) {
      new Int32Array(memory).set(kernelShape(this.layout.layers, i), layer.shape / 4);
    }
    const last = this.layout.layers[this.layout.layers.length - 1];
    this.logits = this.view(last.out, last.outChannels);
    this.errors = this.view(last.errors, last.outChannels);
  }

  /** Takes over weights, and begins with velocities of zero. */
  load(weights: Weights): void {
    let start = 0;
    for (const [address, stride, channels, rows] of this.tensors()) {
      for (let row = 0; row < rows; row++, start += channels) {
        this.values.set(weights.subarray(start, start + channels), address / 4 + row * stride);
      }
    }
    this.view(this.layout.velocity, this.layout.count).fill(0);
  }

  /** Returns a copy of the weights. */
  store(): Weights {
    return this.unpadded(this.layout.weights);
  }

  /** Returns a copy of the gradients that were summed since `startBatch`, in the order of the weights. */
  gradients(): Float32Array {
    return this.unpadded(this.layout.gradient);
  }

  /** Forgets the gradients. */
  startBatch(): void {
    this.view(this.layout.gradient, this.layout.count).fill(0);
  }

  /**
   * Adds the gradients of an image, and returns its loss.
   * @throws NonFiniteError
   */
  learn(data: Dataset, index: number): number {
    this.run(data, index);
    const loss = crossEntropy(this.logits, data.labels[index], this.errors);
    const { kernels } = this.engine;
    const { layers } = this.layout;
    for (let i = layers.length - 1; i >= 0; i--) {
      const layer = layers[i];
      const inErrors = i === 0 ? undefined : layers[i - 1].errors;
      if (layer.relu) kernels.mask(layer.errors, layer.out, layer.size);
      if (layer.kind === "pooling") {
        if (inErrors !== undefined) kernels.poolGradient(layer.shape, layer.input, layer.out, layer.errors, inErrors);
        continue;
      }
      kernels.biasGradient(layer.shape, layer.errors, layer.biasGradient);
      kernels.weightGradient(layer.shape, layer.input, layer.errors, layer.gradient);
      if (inErrors !== undefined) kernels.inputGradient(layer.shape, layer.errors, layer.weights, inErrors);
    }
    return loss;
  }

  /**
   * Changes the weights by the gradients of a batch.
   * @throws NonFiniteError
   */
  descend({ batch, learningRate, momentum }: Descent): void {
    const { weights, velocity, gradient, count } = this.layout;
    const isFinite = this.engine.kernels.update(weights, velocity, gradient, count, batch, learningRate, momentum);
    if (!isFinite) throw new NonFiniteError("weights");
  }

  /**
   * Classifies an image.
   * @throws NonFiniteError
   */
  classify(data: Dataset, index: number): { label: number; loss: number } {
    this.run(data, index);
    const loss = crossEntropy(this.logits, data.labels[index], this.errors);
    return { label: this.logits.reduce((best, each, i) => (each > this.logits[best] ? i : best), 0), loss };
  }

  /** Returns a copy of the last image's logits. */
  lastLogits(): Float32Array {
    return this.logits.slice();
  }

  private run({ images }: Dataset, index: number): void {
    const { kernels } = this.engine;
    const { layers, bytes, input } = this.layout;
    const count = this.model.height * this.model.width * this.model.channels;
    this.bytes.set(images.subarray(index * count, (index + 1) * count), bytes);
    kernels.pixels(bytes, count, input);
    for (const [i, layer] of layers.entries()) {
      if (layer.kind === "pooling") kernels.pool(layer.shape, layer.input, layer.out);
      else kernels.forward(layer.shape, layer.input, layer.weights, layer.bias, layer.out);
      if (!kernels.activate(layer.out, layer.size, layer.relu)) throw new NonFiniteError(`layers[${i}]`);
    }
  }

  private unpadded(block: number): Float32Array {
    const shift = block - this.layout.weights;
    const values: number[] = [];
    for (const [address, stride, channels, rows] of this.tensors()) {
      for (let row = 0; row < rows; row++) {
        const start = (address + shift) / 4 + row * stride;
        for (let i = start; i < start + channels; i++) values.push(this.values[i]);
      }
    }
    return Float32Array.from(values);
  }

  /** Returns address, padded channels, channels and rows of each tensor of weights, in the canonical order. */
  private tensors(): [number, number, number, number][] {
    return this.layout.layers
      .filter(({ kind }) => kind === "convolution")
      .flatMap(({ weights, bias, outStride, outChannels, kernelHeight, kernelWidth, channels }) => [
        [weights, outStride, outChannels, kernelHeight * kernelWidth * channels],
        [bias, outStride, outChannels, 1],
      ]);
  }

  private view(address: number, count: number): Float32Array {
    return this.values.subarray(address / 4, address / 4 + count);
  }
}

/** Returns a layer's shape in the order of `KernelShape`. */
function kernelShape(layers: readonly PlacedLayer[], i: number): number[] {
  const { height, width, channels, kernelHeight, kernelWidth, step, outHeight, outWidth, outStride } = layers[i];
  const inStride = i === 0 ? channels : layers[i - 1].outStride;
  return [height, width, channels, kernelHeight, kernelWidth, step, outHeight, outWidth, 4 * inStride, 4 * outStride];
}

function layoutOf(model: Model): Layout {
  // Nothing stands at address 0
  let size = ALIGNMENT;
  const place = (byteCount: number) => {
    const address = size;
    size += padded(byteCount, ALIGNMENT);
    return address;
  };
  const shapes = shapesOf(model);
  const inputs = model.height * model.width * model.channels;
  const [bytes, input] = [place(inputs), place(4 * inputs)];
  let above = input;
  const layers = shapes.map((shape) => {
    const outStride = padded(shape.outChannels, 4);
    const values = shape.outHeight * shape.outWidth * outStride;
    const [address, out, errors] = [place(40), place(4 * values), place(4 * values)];
    const layer = { ...shape, outStride, size: values, shape: address, input: above, out, errors };
    above = out;
    return layer;
  });
  const starts: { weights: number; bias: number }[] = [];
  let count = 0;
  for (const { kind, kernelHeight, kernelWidth, channels, outStride } of layers) {
    const weights = count;
    if (kind === "convolution") count += kernelHeight * kernelWidth * channels * outStride;
    starts.push({ weights, bias: count });
    if (kind === "convolution") count += outStride;
  }
  const [weights, gradient, velocity] = [place(4 * count), place(4 * count), place(4 * count)];
  const placed = layers.map((layer, i) => ({
    ...layer,
    weights: weights + 4 * starts[i].weights,
    bias: weights + 4 * starts[i].bias,
    gradient: gradient + 4 * starts[i].weights,
    biasGradient: gradient + 4 * starts[i].bias,
  }));
  return { layers: placed, bytes, input, count, weights, gradient, velocity, size };
}

function padded(length: number, multiple: number): number {
  return Math.ceil(length / multiple) * multiple;
}
