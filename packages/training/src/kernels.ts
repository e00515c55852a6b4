/**
 * The arithmetic of all layers, on one block of memory. Arguments are addresses in bytes, divisible by 16; counts are of
 * values. Values are binary32 in little-endian order, images row by row, channels of a pixel side by side. A pixel of a
 * layer's output is padded with zero channels to whole vectors of four.
 *
 * Both implementations give the same bytes, because the order of each sum is part of this interface: one rounding after
 * each product and one after each sum, and the terms in the order that each function names.
 */
export interface Kernels {
  /** Writes bytes / 255. */
  pixels(bytes: number, count: number, out: number): void;

  /** Sums, for each output, its bias, then inputs times weights by kernel row, kernel column, input channel. */
  forward(shape: number, input: number, weights: number, bias: number, out: number): void;

  /** Replaces what is below zero by zero, if asked to. Returns whether all values were finite before. */
  activate(values: number, count: number, relu: boolean): boolean | number;

  /** Makes an error zero where the value of an activated output is. */
  mask(errors: number, values: number, count: number): void;

  /** Adds, to the gradient of each bias, the errors by output row and column. */
  biasGradient(shape: number, errors: number, gradient: number): void;

  /** Adds, to the gradient of each weight, inputs times errors by output row and column. */
  weightGradient(shape: number, input: number, errors: number, gradient: number): void;

  /**
   * Sums, for each input, errors times weights by output row, output column, output channel, in four lanes: lane i has
   * the channels that leave i when divided by four. The sum is (lane 0 + lane 1) + (lane 2 + lane 3).
   */
  inputGradient(shape: number, errors: number, weights: number, inErrors: number): void;

  /** Writes the highest input of each square and channel. */
  pool(shape: number, input: number, out: number): void;

  /** Adds the error of each output to the first input that has its value, by kernel row and column. */
  poolGradient(shape: number, input: number, out: number, errors: number, inErrors: number): void;

  /**
   * Changes each velocity to momentum · velocity − rate · (gradient / batch), and adds it to its weight. Returns whether
   * all weights are finite.
   */
  update(
    weights: number,
    velocity: number,
    gradient: number,
    count: number,
    batch: number,
    rate: number,
    momentum: number,
  ): boolean | number;
}

/** Integers of 32 bits that describe a layer to the kernels, in this order. Those in bytes include the padding. */
export interface KernelShape {
  height: number;
  width: number;
  channels: number;
  kernelHeight: number;
  kernelWidth: number;
  step: number;
  outHeight: number;
  outWidth: number;
  /** Bytes of a pixel of the input. */
  inPixel: number;
  /** Bytes of a pixel of the output. */
  outPixel: number;
}

/** The kernels with their memory, which is zero at first. */
export interface Engine {
  name: "webassembly" | "reference";
  memory: ArrayBuffer;
  kernels: Kernels;
}
