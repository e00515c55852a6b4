import { ModelError } from "./errors";
import type { Layer, Model } from "./plan";

/** The most weights of a model. */
export const MAX_WEIGHTS = 16_777_216;

/** The most values between the layers of a model, for one image. */
export const MAX_VALUES = 16_777_216;

/** Labels are bytes. */
export const MAX_CLASSES = 256;

/** The sizes of a layer, in pixels and channels. A dense layer is the convolution whose kernel covers its whole input. */
export interface LayerShape {
  kind: "convolution" | "pooling";
  height: number;
  width: number;
  channels: number;
  kernelHeight: number;
  kernelWidth: number;
  step: number;
  outHeight: number;
  outWidth: number;
  outChannels: number;
  relu: boolean;
}

/** A tensor of weights in the canonical order: layers, then the kernel's weights before the biases. */
export interface Parameter {
  /** Such as `layers.0.weights` and `layers.0.bias`. */
  name: string;
  /** Kernel rows, kernel columns, input channels, output channels; of biases the output channels alone. */
  shape: number[];
  /** Index of its first value among all of the model. */
  start: number;
  length: number;
}

/**
 * Returns the sizes of all layers.
 * @throws ModelError if they do not fit together
 */
export function shapesOf(model: Model): LayerShape[] {
  const shapes: LayerShape[] = [];
  let { height, width, channels }: { height: number; width: number; channels: number } = model;
  for (const [i, layer] of model.layers.entries()) {
    const shape = shapeOf(layer, height, width, channels, `layers[${i}]`);
    shapes.push(shape);
    ({ outHeight: height, outWidth: width, outChannels: channels } = shape);
  }
  check(model, shapes);
  return shapes;
}

function shapeOf(layer: Layer, height: number, width: number, channels: number, at: string): LayerShape {
  const isDense = layer.kind === "dense";
  const side = isDense ? undefined : layer.kernel;
  const [kernelHeight, kernelWidth] = [side ?? height, side ?? width];
  if (kernelHeight > height || kernelWidth > width) {
    throw new ModelError(`${at}.kernel`, `is ${side}, expected at most ${Math.min(height, width)}, its input's side`);
  }
  const step = isDense ? 1 : layer.stride;
  const isPooling = layer.kind === "maxPooling";
  return {
    kind: isPooling ? "pooling" : "convolution",
    height,
    width,
    channels,
    kernelHeight,
    kernelWidth,
    step,
    outHeight: Math.floor((height - kernelHeight) / step) + 1,
    outWidth: Math.floor((width - kernelWidth) / step) + 1,
    outChannels: isPooling ? channels : layer.channels,
    relu: !isPooling && layer.activation === "relu",
  };
}

function check({ layers }: Model, shapes: readonly LayerShape[]): void {
  if (shapes[0].kind === "pooling") {
    throw new ModelError("layers[0].kind", "is maxPooling, expected convolution or dense before it");
  }
  const at = `layers[${layers.length - 1}]`;
  const last = layers[layers.length - 1];
  if (last.kind !== "dense")
    throw new ModelError(`${at}.kind`, `is ${last.kind}, expected dense, which gives the classes`);
  if (last.activation !== "none") throw new ModelError(`${at}.activation`, `is ${last.activation}, expected none`);
  if (last.channels < 2 || last.channels > MAX_CLASSES) {
    throw new ModelError(`${at}.channels`, `is ${last.channels}, expected 2 to ${MAX_CLASSES} classes`);
  }
  const weights = weightCount(shapes);
  if (weights > MAX_WEIGHTS) throw new ModelError("layers", `have ${weights} weights, expected at most ${MAX_WEIGHTS}`);
  const values = shapes.reduce((sum, each) => sum + each.outHeight * each.outWidth * each.outChannels, 0);
  if (values > MAX_VALUES) throw new ModelError("layers", `give ${values} values, expected at most ${MAX_VALUES}`);
}

function weightCount(shapes: readonly LayerShape[]): number {
  return shapes
    .filter(({ kind }) => kind === "convolution")
    .reduce((sum, each) => sum + kernelSize(each) + each.outChannels, 0);
}

function kernelSize(shape: LayerShape): number {
  return shape.kernelHeight * shape.kernelWidth * shape.channels * shape.outChannels;
}

/** Returns the tensors of a model in the canonical order. */
export function parametersOf(shapes: readonly LayerShape[]): Parameter[] {
  const parameters: Parameter[] = [];
  let start = 0;
  const add = (name: string, shape: number[]) => {
    const length = shape.reduce((product, side) => product * side, 1);
    parameters.push({ name, shape, start, length });
    start += length;
  };
  for (const [i, each] of shapes.entries()) {
    if (each.kind === "pooling") continue;
    add(`layers.${i}.weights`, [each.kernelHeight, each.kernelWidth, each.channels, each.outChannels]);
    add(`layers.${i}.bias`, [each.outChannels]);
  }
  return parameters;
}
