import type { Dataset, LayerShape, Model } from "@turingfog/training";
import { parametersOf, shapesOf } from "@turingfog/training";

/** The loss of one image in double precision, stated a second time without regard to speed or to the order of sums. */
export function doubleLoss(model: Model, weights: ArrayLike<number>, data: Dataset, index: number): number {
  const logits = doubleLogits(model, weights, data, index);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
  return Math.log(sum) - logits[data.labels[index]];
}

export function doubleLogits(model: Model, weights: ArrayLike<number>, data: Dataset, index: number): number[] {
  const count = model.height * model.width * model.channels;
  let values = Array.from(data.images.subarray(index * count, (index + 1) * count), (byte) => byte / 255);
  const shapes = shapesOf(model);
  const starts = new Map(parametersOf(shapes).map(({ name, start }) => [name, start]));
  for (const [i, shape] of shapes.entries()) {
    const at = (what: string) => starts.get(`layers.${i}.${what}`) as number;
    values =
      shape.kind === "pooling" ? pool(shape, values) : convolve(shape, values, weights, at("weights"), at("bias"));
    if (shape.relu) values = values.map((value) => Math.max(value, 0));
  }
  return values;
}

/** Returns, for each output pixel, the indices of the input's pixels below the kernel. */
function* windows(shape: LayerShape): Generator<number[]> {
  for (let y = 0; y < shape.outHeight; y++) {
    for (let x = 0; x < shape.outWidth; x++) {
      const indices: number[] = [];
      for (let i = 0; i < shape.kernelHeight * shape.kernelWidth; i++) {
        const row = y * shape.step + Math.floor(i / shape.kernelWidth);
        indices.push(row * shape.width + x * shape.step + (i % shape.kernelWidth));
      }
      yield indices;
    }
  }
}

function pool(shape: LayerShape, values: readonly number[]): number[] {
  return [...windows(shape)].flatMap((pixels) =>
    Array.from({ length: shape.channels }, (_, c) => Math.max(...pixels.map((p) => values[p * shape.channels + c]))),
  );
}

function convolve(
  { channels, outChannels, ...shape }: LayerShape,
  values: readonly number[],
  weights: ArrayLike<number>,
  start: number,
  bias: number,
): number[] {
  return [...windows({ channels, outChannels, ...shape })].flatMap((pixels) =>
    Array.from({ length: outChannels }, (_, o) => {
      let sum = weights[bias + o];
      for (const [k, pixel] of pixels.entries()) {
        for (let c = 0; c < channels; c++) {
          sum += values[pixel * channels + c] * weights[start + (k * channels + c) * outChannels + o];
        }
      }
      return sum;
    }),
  );
}
